"""A route of FastAPI with both its models."""

from fastapi import FastAPI

from benchmarks.peers import ANSWER
from benchmarks.peers.checked_request import Answer, GenerateRequest

app = FastAPI()


@app.post("/{service}")
async def generate(service: str, request: GenerateRequest) -> Answer:  # noqa: ARG001 - the framework checks them
    """Answers one request."""
    return Answer(**ANSWER)
