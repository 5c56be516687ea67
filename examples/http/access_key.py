"""Asks a service that wants an access key."""

import os

import httpx

HUB = os.environ.get("NEUROENGINE_URL", "https://api.neuroengine.ai")

answer = httpx.post(
    f"{HUB}/Members-Only",
    headers={"Authorization": f"Bearer {os.environ['NEUROENGINE_KEY']}"},
    json={"message": "What do tomatoes need?", "temperature": 0, "max_new_len": 12},
    timeout=60,
).json()
print(answer["reply"])
