"""Keys are kept: whatever happens at a hub, no key is in a log, an answer, a repr, the model list or the journal."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from contextlib import closing, suppress
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any

import pytest
from patience import DEADLINE_S
from record_provider import RecordProvider

from mockserver import MockHub, ServiceSettings, runner
from mockserver.model import SimulatedModel
from mockserver.state.hub import HubState
from mockserver.state.services import Service

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import NoReturn

SERVICE, CLOSED = "MYGPT", "Closed"
CANARY = "canary"
SERVICE_KEY, ACCESS_KEY, STREAM_KEY = (f"{CANARY}-{name}" for name in ("service", "access", "stream"))
WRONG_KEY = f"{CANARY}-wrong"


@pytest.fixture(params=["uvloop", "asyncio"])
def hub(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[MockHub]:
    """A hub on each kind of event loop, in debug mode."""
    new_loop = runner._new_event_loop if request.param == "uvloop" else asyncio.new_event_loop

    def debugging() -> asyncio.AbstractEventLoop:
        loop = new_loop()
        loop.set_debug(True)
        loop.slow_callback_duration = 0.0
        return loop

    monkeypatch.setattr(runner, "_new_event_loop", debugging)
    services = [ServiceSettings(SERVICE, SERVICE_KEY), ServiceSettings(CLOSED, SERVICE_KEY, access_keys=(ACCESS_KEY,))]
    with MockHub(services, tls=False, limits={"long_poll_s": 0.05, "login_bytes": 500}) as hub:
        yield hub


def said_to_login(hub: MockHub, login: bytes) -> bytes:
    """What the hub says to bytes on the provider port, until it closes or has accepted."""
    with RecordProvider(hub.provider, hub.ca_file, DEADLINE_S) as provider:
        provider.send(login)
        said = provider.record()
        while not said.startswith(b"OK") and (more := provider.record()):
            said += more
        return said


def logins() -> list[bytes]:
    odd: list[Any] = [
        {"user": SERVICE, "key": SERVICE_KEY},
        {"user": SERVICE, "key": WRONG_KEY},
        {"user": SERVICE, "key": f"{SERVICE_KEY}\r\nX: y"},
        {"user": SERVICE, "key": [SERVICE_KEY]},
        {"user": SERVICE, "key": f"{SERVICE_KEY}\ud800"},
        {"user": WRONG_KEY, "key": SERVICE_KEY},
        {"user": SERVICE, "key": SERVICE_KEY * 100},
    ]
    whole = json.dumps(odd[0]).encode()
    return [*(json.dumps(login).encode() for login in odd), whole[:-1] + b",}", b"GET /" + whole, whole + b"\xff}"]


def posts() -> list[tuple[str, Any, dict[str, str]]]:
    keyed = {"message": "hi", "key": STREAM_KEY, "gettokens": 1}
    bearer = {"Authorization": f"Bearer {ACCESS_KEY}"}
    return [
        (CLOSED, {"message": "hi"}, bearer),
        (CLOSED, {"message": "hi"}, {"Authorization": f"Bearer {WRONG_KEY}"}),
        (CLOSED, {"message": "hi"}, {"Authorization": f"Basic {ACCESS_KEY}"}),
        (CLOSED, {"message": "hi", "temperature": "x"}, bearer),
        (SERVICE, keyed, bearer),
        (SERVICE, keyed, {}),
        (SERVICE, keyed | {"message": "another"}, {}),
        (SERVICE, keyed | {"seq": 99}, {}),
        (SERVICE, keyed | {"key": STREAM_KEY * 50}, {}),
        (SERVICE, keyed | {"key": [STREAM_KEY]}, {}),
        (SERVICE, keyed | {"key": {STREAM_KEY: STREAM_KEY}}, {}),
        (SERVICE, keyed | {"gettokens": 0}, {}),
        (SERVICE, {"key": STREAM_KEY}, {}),
        (SERVICE, json.dumps(keyed)[:-1] + f', "key": "{STREAM_KEY}"}}', {}),
        (SERVICE, json.dumps(keyed) + "x", {}),
        (SERVICE, json.dumps(keyed) + " " * 70_000, {}),
        ("unknown", keyed, bearer),
        ("", {"command": "getmodels", "key": STREAM_KEY}, bearer),
        ("", {"command": ["x"], "key": STREAM_KEY}, bearer),
    ]


def answered(hub: MockHub, path: str, request: Any, headers: dict[str, str]) -> str:
    body = request if isinstance(request, str) else json.dumps(request)
    with closing(HTTPConnection(hub.url.removeprefix("http://"), timeout=DEADLINE_S)) as connection:
        connection.request("POST", f"/{path}", body, headers)
        return connection.getresponse().read().decode()


def broken(*_: object) -> NoReturn:
    raise RuntimeError("the model is broken")


def test_no_key_is_said_logged_printed_or_kept_in_the_journal(
    hub: MockHub,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.DEBUG)
    said = [answered(hub, *post) for post in posts()]
    with monkeypatch.context() as patched:
        patched.setattr(SimulatedModel, "tokens", broken)
        failed = answered(hub, SERVICE, {"message": "hi", "key": f"{STREAM_KEY}2"}, {})
        assert json.loads(failed)["errorcode"] == 1
    said += [said_to_login(hub, login).decode() for login in logins()]
    with RecordProvider(hub.provider, hub.ca_file, DEADLINE_S) as provider:
        provider.login(SERVICE, SERVICE_KEY, streaming=True)
        said.append(answered(hub, SERVICE, {"message": "hi", "key": f"{STREAM_KEY}3"}, {}))
        provider.send(b"no length")
    entries = list(hub.journal)
    shown = [repr(entries), str(entries), repr(hub), repr(hub.services), json.dumps(hub.journal.to_har(hub.url))]
    assert [text for text in (failed, *said, *shown) if CANARY in text] == []
    assert "the model is broken" in caplog.text
    assert CANARY not in caplog.text
    assert CANARY not in "".join(capfd.readouterr())


def test_the_state_holds_hashes_of_keys_alone() -> None:
    settings = ServiceSettings(SERVICE, SERVICE_KEY, access_keys=(ACCESS_KEY,))
    state = HubState([settings])
    link = state.connect(Wire(), 0.0)
    link.receive(json.dumps({"user": SERVICE, "key": SERVICE_KEY}).encode(), 0.0)
    assert link.service is not None
    assert holds_canary(settings, set())
    assert not holds_canary(state, set())


class Wire:
    """A wire that goes nowhere."""

    def write(self, data: bytes) -> None:
        assert data == b"OK"

    def close(self) -> None:
        """Nobody closes."""

    def reset(self) -> None:
        """Nobody resets."""


def holds_canary(value: Any, seen: set[int]) -> bool:
    """Whether a key is anywhere in an object; `seen` are the ids of those that were looked at."""
    if id(value) in seen or isinstance(value, type):
        return False
    seen.add(id(value))
    if isinstance(value, str | bytes | bytearray):
        return CANARY in str(value)
    return any(holds_canary(part, seen) for part in parts(value))


def parts(value: Any) -> Iterator[Any]:
    """The members, items and attributes of an object."""
    if isinstance(value, dict):
        yield from value
        yield from value.values()
    elif isinstance(value, list | tuple | set | frozenset | deque):
        yield from value
    yield from getattr(value, "__dict__", {}).values()
    for kind in type(value).__mro__:
        for name in getattr(kind, "__slots__", ()):
            with suppress(AttributeError):
                yield getattr(value, name)


def test_a_key_is_compared_by_its_whole_hash_whatever_its_length() -> None:
    service = Service(ServiceSettings(SERVICE, SERVICE_KEY, access_keys=("one", ACCESS_KEY)), {}, None, 0.0)  # type: ignore[arg-type]  # no time passes
    assert service.accepts_key(SERVICE_KEY)
    assert service.admits(ACCESS_KEY)
    for wrong in ("", SERVICE_KEY[:-1], SERVICE_KEY + "x", SERVICE_KEY.upper(), "\ud800", "x" * 100_000):
        assert not service.accepts_key(wrong)
        assert not service.admits(wrong)
