"""An app that asks the hub by httpx. It knows nothing of mocks."""

import os

import httpx


def advise(plant: str, transport: httpx.BaseTransport | None = None) -> str:
    """What a plant needs, or why nobody knows."""
    hub = os.environ.get("NEUROENGINE_URL", "https://api.neuroengine.ai")
    question = {"message": f"What do {plant} need?"}
    with httpx.Client(base_url=hub, transport=transport) as client:
        answer = client.post("/Neuroengine-Large", json=question).json()
    if answer["errorcode"] != 0:
        return f"Ask again later. ({answer['reply']})"
    return str(answer["reply"])
