# Lists the services that have a provider.
HUB=${NEUROENGINE_URL:-https://api.neuroengine.ai}

curl --silent --show-error "$HUB/" --json '{"command": "getmodels"}' |
  jq --raw-output '.[] | select(.connected) | "\(.name): \(.comment)"'
