"""A hub behind an httpx transport, without a socket: it notes the requests and answers from a list or by a function."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx

from neuroengine import Client

URL = "http://hub.test"
Answering = Callable[[dict[str, Any]], Any]


def answered(text: str = "Hello!", code: int = 0, **more: Any) -> dict[str, Any]:
    return {"reply": text, "errorcode": code, **more}


class FakeHub:
    """Answers one by one from `answers`, the last one for ever; an exception is raised, a function is asked."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers) or [answered()]
        self.requests: list[httpx.Request] = []
        self.waits: list[float] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if callable(answer):
            answer = answer(self.bodies[-1])
        if isinstance(answer, BaseException):
            raise answer
        return answer if isinstance(answer, httpx.Response) else httpx.Response(200, json=answer)

    @property
    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self)

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(request.content) for request in self.requests]

    def client(self, service: str | None = "S", **settings: Any) -> Client:
        """A client of this hub whose waits take no time and are noted."""
        quick: dict[str, Any] = {"url": URL, "sleep": self.waits.append, "chance": lambda: 0.0}
        return Client(service, transport=self.transport, **quick | settings)
