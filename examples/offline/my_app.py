"""An app that asks the hub by httpx. It knows nothing of mocks."""

import os

import httpx

HUB = "https://api.neuroengine.ai"


def advise(plant: str, transport: httpx.BaseTransport | None = None) -> str:
    """What a plant needs, or why nobody knows."""
    with httpx.Client(base_url=os.environ.get("NEUROENGINE_URL", HUB), transport=transport) as client:
        answer = client.post("/Neuroengine-Large", json={"message": f"What do {plant} need?"}).json()
    return str(answer["reply"]) if answer["errorcode"] == 0 else f"Ask again later. ({answer['reply']})"
