# Asks a service that wants an access key.
HUB=${NEUROENGINE_URL:-https://api.neuroengine.ai}

curl --silent --show-error "$HUB/Members-Only" \
  --header "Authorization: Bearer $NEUROENGINE_KEY" \
  --json '{"message": "What do tomatoes need?", "temperature": 0, "max_new_len": 12}' |
  jq --raw-output .reply
