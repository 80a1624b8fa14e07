#!/bin/sh
# Twilio: HMAC over the address that it was told to call and the form. The callback's address ends with
# ?communication=… (statusCallback of the message or the call). PUBLIC_URL is the server's
# TRACKSIDE_PUBLIC_URL; left out, it is where HOOK leads.
set -eu
path="${HOOK#*://*/}?communication=$1"
called="${PUBLIC_URL:-${HOOK%/hooks/*}}/${path}"
signed="${called}MessageSidSM90c6fc909d8504d45ecdb3a3d5b3556eMessageStatusdelivered"
signature=$(printf '%s' "$signed" | openssl dgst -sha1 -hmac "$SECRET" -binary | openssl base64 -A)

curl --silent --show-error --output /dev/null --write-out '%{http_code}\n' "$HOOK?communication=$1" \
    --header "X-Twilio-Signature: $signature" \
    --data "MessageSid=SM90c6fc909d8504d45ecdb3a3d5b3556e" \
    --data "MessageStatus=delivered"
