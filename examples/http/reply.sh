# Asks for a whole reply.
HUB=${NEUROENGINE_URL:-https://api.neuroengine.ai}

curl --silent --show-error "$HUB/Neuroengine-Large" \
  --json '{"message": "What do tomatoes need?", "temperature": 0, "max_new_len": 12}' |
  jq --raw-output .reply
