#!/bin/sh
# Standard Webhooks, for senders of push, pop-ups and what is built in the house: HMAC over id, timestamp and body.
set -eu
id="msg_$(openssl rand -hex 12)"
timestamp=$(date +%s)
body='{"type":"message.impression","timestamp":"'$(date -u +%Y-%m-%dT%H:%M:%SZ)'",
"data":{"communication":"'$1'"}}'
key=$(printf '%s' "${SECRET#whsec_}" | openssl base64 -d -A | od -An -v -tx1 | tr -d ' \n')
signature=$(printf '%s.%s.%s' "$id" "$timestamp" "$body" |
    openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary | openssl base64 -A)

curl --silent --show-error --output /dev/null --write-out '%{http_code}\n' "$HOOK" \
    --header "Content-Type: application/json" \
    --header "webhook-id: $id" \
    --header "webhook-timestamp: $timestamp" \
    --header "webhook-signature: v1,$signature" \
    --data-binary "$body"
