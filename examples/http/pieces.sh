# Shows a reply piece by piece: the whole request again and again with one key, until an empty reply.
HUB=${NEUROENGINE_URL:-https://api.neuroengine.ai}

request=$(jq --null-input --arg key "$(openssl rand -hex 32)" \
  '{message: "What do tomatoes need?", temperature: 0, max_new_len: 12, key: $key, gettokens: 4}')

while
  answer=$(curl --silent --show-error "$HUB/Neuroengine-Large" --json "$request")
  jq --exit-status '.reply != "" or .errorcode != 0' >/dev/null <<<"$answer"
do
  case $(jq .errorcode <<<"$answer") in
    0) jq --compact-output .reply <<<"$answer" ;;
    17) ;; # no token yet: ask again
    *) jq --raw-output .reply <<<"$answer" >&2 && exit 1 ;;
  esac
done
