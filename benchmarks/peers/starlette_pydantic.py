"""A route of Starlette that checks its request with pydantic."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from benchmarks.peers import ANSWER_BYTES
from benchmarks.peers.checked_request import GenerateRequest

if TYPE_CHECKING:
    from starlette.requests import Request


async def generate(request: Request) -> Response:
    """Answers one request."""
    try:
        GenerateRequest.model_validate_json(await request.body())
    except ValidationError:
        return Response(b'{"reply": "no", "errorcode": 4}', 422, media_type="application/json")
    return Response(ANSWER_BYTES, media_type="application/json")


app = Starlette(routes=[Route("/{service}", generate, methods=["POST"])])
