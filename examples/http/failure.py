"""Tells an error from a reply: by errorcode, whatever the HTTP status is."""

import os

import httpx

HUB = os.environ.get("NEUROENGINE_URL", "https://api.neuroengine.ai")

answer = httpx.post(f"{HUB}/No-Such-Service", json={"message": "Hello!"}).json()
reply, code = answer["reply"], answer["errorcode"]
print(reply if code == 0 else f"Error {code}: {reply}")
