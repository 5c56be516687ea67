"""A bot for `neuroengine serve MYGPT --backend python:mybot:answer`."""

from neuroengine import Request


def answer(request: Request) -> str:
    """Answers one request."""
    return f"You said: {request.message}"
