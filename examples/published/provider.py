"""Shares an LLM through the published provider class."""

import json
from typing import Any

from neuroengine import NeuroengineServer


def answer(request: dict[str, Any]) -> str:
    """Answers one request: the prompt is in `message`, and the answer is JSON text."""
    return json.dumps({"reply": f"You said: {request['message']}"})


server = NeuroengineServer()
if server.login("MYGPT", "DEMOKEY") < 0:
    raise SystemExit("The hub refused the login.")
print("Logged in.", flush=True)
server.listen(answer)
