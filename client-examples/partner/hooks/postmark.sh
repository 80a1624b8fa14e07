#!/bin/sh
# Postmark: a password in the address that it is given, https://trackside:SECRET@…/hooks/postmark/….
set -eu
body='{"RecordType":"Delivery","MessageID":"883953f4-6105-42a2-a16a-77a8eac79483",
"DeliveredAt":"'$(date -u +%Y-%m-%dT%H:%M:%SZ)'","Metadata":{"communication":"'$1'"}}'

curl --silent --show-error --output /dev/null --write-out '%{http_code}\n' "$HOOK" \
    --user "trackside:$SECRET" \
    --header "Content-Type: application/json" \
    --data-binary "$body"
