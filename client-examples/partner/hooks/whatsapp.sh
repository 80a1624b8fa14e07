#!/bin/sh
# WhatsApp's Cloud API: HMAC over the body with the app secret. When the hook is set up, Meta asks for a
# verify token first: the last part of the hook's path.
set -eu
curl --silent --show-error --output /dev/null --fail --get "$HOOK" \
    --data "hub.mode=subscribe" \
    --data "hub.verify_token=${HOOK##*/}" \
    --data "hub.challenge=1158201444"

body='{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"messages","value":{
"messaging_product":"whatsapp","statuses":[{"id":"wamid.HBgLMTY1MDU1NTExMTE=","status":"delivered",
"timestamp":"'$(date +%s)'","recipient_id":"16505551111","biz_opaque_callback_data":"'$1'"}]}}]}]}'
signature=$(printf '%s' "$body" | openssl dgst -sha256 -hmac "$SECRET" -r | cut -d ' ' -f 1)

curl --silent --show-error --output /dev/null --write-out '%{http_code}\n' "$HOOK" \
    --header "Content-Type: application/json" \
    --header "X-Hub-Signature-256: sha256=$signature" \
    --data-binary "$body"
