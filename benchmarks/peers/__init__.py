"""Those that the project is measured against, each in its own way of answering the same request with the same bytes.

bare               a bare ASGI application: what uvicorn itself can do
starlette_pydantic a route of Starlette that checks its request with pydantic
fastapi_app        a route of FastAPI with both its models
node               Prism, Mockoon and WireMock, which npm installs
hub                the mock hub itself, as its command line starts it
published          what published programs do: a TLS connection a poll, a socket looked at every 100 ms
plain_provider     the least that a provider can be
plain_hub          the least that a hub can be

This module holds what they all answer, and imports nothing that would count when they start.
"""

from __future__ import annotations

import json
from typing import Final

SERVICE: Final = "MYGPT"
KEY: Final = "DEMOKEY"
MESSAGE: Final = "Write a haiku about the sea, and one about the land that lies behind it."
REQUEST: Final = json.dumps(
    {
        "message": MESSAGE,
        "temperature": 0.8,
        "top_p": 0.95,
        "top_k": 40,
        "min_p": 0.05,
        "repetition_penalty": 1.1,
        "max_new_len": 128,
        "seed": 42,
        "raw": "False",
    }
).encode()
REPLY: Final = "Grey waves fold and fold; the gulls forget the harbour; salt dries on my sleeve. Behind it, wheat."
ANSWER: Final = {"reply": REPLY, "errorcode": 0}
ANSWER_BYTES: Final = json.dumps(ANSWER).encode()
PATH: Final = f"/{SERVICE}"
