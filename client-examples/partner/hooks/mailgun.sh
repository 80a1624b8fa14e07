#!/bin/sh
# Mailgun: HMAC over a timestamp and a token, which stand in the body and are good once.
set -eu
timestamp=$(date +%s)
token=$(openssl rand -hex 25)
signature=$(printf '%s%s' "$timestamp" "$token" | openssl dgst -sha256 -hmac "$SECRET" -r | cut -d ' ' -f 1)
body='{"signature":{"timestamp":"'$timestamp'","token":"'$token'","signature":"'$signature'"},
"event-data":{"event":"delivered","id":"'$token'","timestamp":'$timestamp',
"user-variables":{"communication":"'$1'"}}}'

curl --silent --show-error --output /dev/null --write-out '%{http_code}\n' "$HOOK" \
    --header "Content-Type: application/json" \
    --data-binary "$body"
