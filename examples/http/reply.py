"""Asks for a whole reply."""

import os

import httpx

HUB = os.environ.get("NEUROENGINE_URL", "https://api.neuroengine.ai")

request = {"message": "What do tomatoes need?", "temperature": 0, "max_new_len": 12}
answer = httpx.post(f"{HUB}/Neuroengine-Large", json=request, timeout=60).json()
print(answer["reply"])
