# Scripts a running mock hub: ADMIN is where its admin API is.
rule='{"name": "greeting", "when": {"message": "Hello"}, "then": "Hi!"}'

curl --silent --show-error "$ADMIN/rules" --json "$rule" |
  jq --raw-output '"added: \(.rules[].criteria)"'

curl --silent --show-error "$NEUROENGINE_URL/Neuroengine-Large" \
  --json '{"message": "Hello"}' |
  jq --raw-output '"the hub says: \(.reply)"'

curl --silent --show-error "$ADMIN/journal?message=Hello" |
  jq --raw-output '.entries[] | "in the journal: \(.service), rule \(.rule)"'

curl --silent --show-error --request POST "$ADMIN/reset" |
  jq --raw-output '"rules after the reset: \(.rules)"'
