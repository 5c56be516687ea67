# Tells an error from a reply: by errorcode, whatever the HTTP status is.
HUB=${NEUROENGINE_URL:-https://api.neuroengine.ai}

curl --silent --show-error "$HUB/No-Such-Service" --json '{"message": "Hello!"}' |
  jq --raw-output '(if .errorcode == 0 then "" else "Error \(.errorcode): " end) + .reply'
