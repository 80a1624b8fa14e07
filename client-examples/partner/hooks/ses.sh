#!/bin/sh
# Amazon SES: what its SNS topic sends, signed by Amazon. NOTIFICATION is a file with such a body, which
# is taken within two hours. trackside confirms the subscription of the topic by itself.
set -eu

curl --silent --show-error --output /dev/null --write-out '%{http_code}\n' "$HOOK" \
    --header "Content-Type: text/plain; charset=UTF-8" \
    --data-binary "@$NOTIFICATION"
