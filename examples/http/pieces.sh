# Shows a reply piece by piece: one key, again and again, until an empty reply.
HUB=${NEUROENGINE_URL:-https://api.neuroengine.ai}

request='{"message": "What do tomatoes need?", "temperature": 0, "max_new_len": 12}'
key=$(openssl rand -hex 32)
poll=$(jq --arg key "$key" '. + {key: $key, gettokens: 4}' <<<"$request")

while
  answer=$(curl --silent --show-error "$HUB/Neuroengine-Large" --json "$poll")
  jq --exit-status '.reply != "" or .errorcode != 0' >/dev/null <<<"$answer"
do
  case $(jq .errorcode <<<"$answer") in
    0) jq --compact-output .reply <<<"$answer" ;;
    17) ;; # no token yet: ask again
    *) jq --raw-output .reply <<<"$answer" >&2 && exit 1 ;;
  esac
done
