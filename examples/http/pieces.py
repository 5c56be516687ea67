"""Shows a reply piece by piece: one key, again and again, until an empty reply."""

import json
import os
import secrets

import httpx

HUB = os.environ.get("NEUROENGINE_URL", "https://api.neuroengine.ai")
NOT_READY = 17

request = {"message": "What do tomatoes need?", "temperature": 0, "max_new_len": 12}
poll = request | {"key": secrets.token_hex(32), "gettokens": 4}

with httpx.Client(base_url=HUB, timeout=60) as client:
    while True:
        answer = client.post("/Neuroengine-Large", json=poll).json()
        if answer["errorcode"] == NOT_READY:
            continue  # no token yet: ask again
        if answer["errorcode"] != 0:
            raise SystemExit(answer["reply"])
        if not answer["reply"]:
            break
        print(json.dumps(answer["reply"]))
