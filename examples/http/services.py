"""Lists the services that have a provider."""

import os

import httpx

HUB = os.environ.get("NEUROENGINE_URL", "https://api.neuroengine.ai")

for model in httpx.post(f"{HUB}/", json={"command": "getmodels"}).json():
    if model["connected"]:
        print(f"{model['name']}: {model['comment']}")
