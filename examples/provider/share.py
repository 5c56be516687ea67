"""Shares an LLM: a function that takes a request and returns the reply."""

from neuroengine import Provider, Request


def answer(request: Request) -> str:
    """Here your model answers; `request.sampling` says how."""
    return f"You said: {request.message}"


Provider("MYGPT", "DEMOKEY", answer).serve_forever()
