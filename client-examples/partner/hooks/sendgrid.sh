#!/bin/sh
# SendGrid: ECDSA over the timestamp and the body. KEY is a file that holds the private key:
#   openssl ecparam -name prime256v1 -genkey -noout -out key.pem
# The connector's secret is its public half, which SendGrid shows as the verification key:
#   openssl ec -in key.pem -pubout -outform DER | openssl base64 -A
set -eu
timestamp=$(date +%s)
body='[{"email":"ada@example.org","timestamp":'$timestamp',"event":"delivered",
"sg_event_id":"'$1-$timestamp'","sg_message_id":"14c5d75ce93.filter0001.16648.5515E0B88.0",
"response":"250 OK","communication":"'$1'"}]'
signature=$(printf '%s%s' "$timestamp" "$body" | openssl dgst -sha256 -sign "$KEY" | openssl base64 -A)

curl --silent --show-error --output /dev/null --write-out '%{http_code}\n' "$HOOK" \
    --header "Content-Type: application/json" \
    --header "X-Twilio-Email-Event-Webhook-Timestamp: $timestamp" \
    --header "X-Twilio-Email-Event-Webhook-Signature: $signature" \
    --data-binary "$body"
