"""For each error an exchange that shows it: posted to a mock hub in this process, and answered by it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import httpx

from mockserver import Clock, MockHub, ServiceSettings
from tools.docs.facts import Exchange

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SERVICE: Final = "MYGPT"
KEY: Final = "DEMOKEY"
STREAM: Final = {"message": "Tell me a story.", "key": "key1234", "gettokens": 8, "max_new_len": 16}


class Case(NamedTuple):
    """What is posted, after what, and to a hub with which service and limits.

    With `is_told` the hub is told to fail so, because no request brings it about.
    """

    body: dict[str, Any] | str
    circumstances: str = ""
    path: str = f"/{SERVICE}"
    before: Sequence[dict[str, Any]] = ()
    service: Mapping[str, Any] = {}
    limits: Mapping[str, float] = {}
    is_told: bool = False


HELLO: Final = {"message": "Hello LLM", "max_new_len": 8}
CASES: Final[dict[str, Case]] = {
    "ok": Case(HELLO),
    "internal_error": Case(HELLO, "The hub has a fault of its own.", is_told=True),
    "invalid_json": Case('{"message": "Hello LLM"'),
    "missing_message": Case({"prompt": "Hello LLM"}),
    "invalid_field": Case({"message": "Hello LLM", "temperature": -1}),
    "unknown_command": Case({"command": "dance"}),
    "unknown_service": Case(HELLO, path="/mygpt"),
    "provider_offline": Case(HELLO, "No provider is logged in.", service={"offline": True}),
    "queue_full": Case(HELLO, "As many requests wait as the hub lets wait.", is_told=True),
    "quota_exceeded": Case(
        HELLO,
        "The service allows one request an hour, and this is the second.",
        before=[HELLO],
        service={"quota": 1, "quota_window_s": 3600},
    ),
    "unauthorized": Case(HELLO, "The service needs an access key.", service={"access_keys": ("acc3ss-k3y",)}),
    "request_too_large": Case(
        {"message": "A prompt that is too long for this hub."},
        "The limit `http_body_bytes` of this hub is 40.",
        limits={"http_body_bytes": 40},
    ),
    "provider_timeout": Case(HELLO, "The provider has the request and does not answer.", is_told=True),
    "provider_error": Case(HELLO, "The provider drops its connection while it answers.", is_told=True),
    "stream_conflict": Case(
        STREAM | {"message": "Another story."}, "A stream with this key and another message runs.", before=[STREAM]
    ),
    "stream_limit": Case(
        STREAM,
        "The hub may hold one open stream, and holds one.",
        before=[STREAM | {"key": "other"}],
        limits={"open_streams": 1},
    ),
    "shutting_down": Case(HELLO, "The hub is being stopped.", is_told=True),
    "not_ready": Case(STREAM, "The model has not made a token yet.", is_told=True),
    "stream_expired": Case(STREAM | {"seq": 5}, "The hub does not know this stream key."),
}


def exchanges() -> dict[str, Exchange]:
    """The exchange of every error, by its name.

    Raises:
        RuntimeError: the hub answered one with another error.
    """
    found = {name: _exchange(name, case) for name, case in CASES.items()}
    for name, exchange in found.items():
        if exchange.answer.get("error", "ok") != name:
            raise RuntimeError(f"the exchange that is to show {name} was answered with {exchange.answer}")
    return found


def _exchange(name: str, case: Case) -> Exchange:
    """Plays a case at a hub of its own, whose clock stands still so that the answer is the same at every build."""
    service = ServiceSettings(SERVICE, KEY, **case.service)
    hub = MockHub([service], limits=case.limits, clock=Clock.stepped())
    with httpx.Client(transport=hub.transport(), base_url="http://hub") as client:
        for body in case.before:
            client.post(case.path, json=body)
        if case.is_told:
            hub.on().fail(name)
        text = case.body if isinstance(case.body, str) else json.dumps(case.body, ensure_ascii=False)
        answer = client.post(case.path, content=text.encode()).json()
    return Exchange(case.path, text, answer, case.circumstances)
