"""Pages in a browser may read a hub's answers where it is set so, if this machine serves them; through every door."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from doors import PATH, SERVICE, Door

from mockserver import Clock, MockHub
from mockserver.state.cors import is_let_in

if TYPE_CHECKING:
    import httpx

PAGE = "http://localhost:5173"
FOREIGN = "https://neuroengine.example"
CORS = "access-control-"


def said(response: httpx.Response) -> dict[str, str]:
    """What the response says to a browser."""
    return {name: value for name, value in response.headers.items() if name.startswith(CORS) or name == "vary"}


def post(client: httpx.Client, origin: str | None, **request: Any) -> httpx.Response:
    headers = {} if origin is None else {"origin": origin}
    return client.post(PATH, json={"message": "Hello", **request}, headers=headers)


def ask_before(client: httpx.Client, origin: str, method: str = "POST", headers: str | None = None) -> httpx.Response:
    """A browser's preflight."""
    asked = {"origin": origin, f"{CORS}request-method": method}
    if headers is not None:
        asked[f"{CORS}request-headers"] = headers
    return client.options(PATH, headers=asked)


def test_a_page_on_this_machine_may_ask_and_read_the_answer(door: Door) -> None:
    with door.open(cors=True) as (_, client):
        before = ask_before(client, PAGE, headers="authorization,content-type")
        assert (before.status_code, before.content) == (204, b"")
        assert said(before) == {
            "access-control-allow-origin": PAGE,
            "vary": "Origin",
            "access-control-allow-methods": "POST",
            "access-control-allow-headers": "authorization,content-type",
        }
        answer = post(client, PAGE)
        assert answer.json()["errorcode"] == 0
        assert said(answer) == {"access-control-allow-origin": PAGE, "vary": "Origin"}


def test_a_page_may_read_errors_streams_and_refused_methods_too(door: Door) -> None:
    with door.open(cors=True) as (_, client):
        allowed = {"access-control-allow-origin": PAGE, "vary": "Origin"}
        assert said(post(client, PAGE, temperature=-1)) == allowed
        assert said(post(client, PAGE, key="K")) == allowed
        refused = client.get(PATH, headers={"origin": PAGE})
        assert refused.status_code == 405
        assert said(refused) == allowed


def test_a_page_may_read_an_answer_that_something_befell_or_that_was_kept_warm(door: Door) -> None:
    clock = Clock.leaping() if not door.started else Clock(scale=100)
    with door.open(cors=True, clock=clock, faults=[{"name": "latency", "seconds": 0.5, "times": 1}]) as (hub, client):
        allowed = {"access-control-allow-origin": PAGE, "vary": "Origin"}
        assert said(post(client, PAGE)) == allowed
        hub.on("slow").delay(25).reply("Hi")
        answer = post(client, PAGE, message="slow")
        assert answer.content.startswith(b"  {")
        assert said(answer) == allowed


def test_a_foreign_page_is_told_nothing(door: Door) -> None:
    with door.open(cors=True) as (_, client):
        before = ask_before(client, FOREIGN, headers="content-type")
        assert before.status_code == 405
        assert said(before) == {"vary": "Origin"}
        assert said(post(client, FOREIGN)) == {"vary": "Origin"}
        assert said(post(client, None)) == {"vary": "Origin"}


def test_only_posts_may_be_asked_for(door: Door) -> None:
    with door.open(cors=True) as (_, client):
        before = ask_before(client, PAGE, method="DELETE")
        assert before.status_code == 405
        assert f"{CORS}allow-methods" not in before.headers


def test_without_the_setting_nobody_is_told_anything(door: Door) -> None:
    with door.open() as (_, client):
        before = ask_before(client, PAGE)
        assert before.status_code == 405
        assert said(before) == {}
        assert said(post(client, PAGE)) == {}


def test_header_names_that_are_none_are_not_sent_back() -> None:
    state = MockHub({SERVICE: "K"}, cors=True)._keeper.state
    question = {b"origin": PAGE.encode(), b"access-control-request-method": b"POST"}
    message = state.messages.no_post("OPTIONS", question | {b"access-control-request-headers": b"a\r\nb: c"})
    assert message.status == 204
    assert b"access-control-allow-headers" not in dict(message.headers)


@pytest.mark.parametrize(
    "origin",
    ["http://localhost", "https://localhost:1", "http://127.0.0.1:65535", "https://[::1]:8000", "http://[::1]"],
)
def test_every_port_of_loopback_is_let_in(origin: str) -> None:
    assert is_let_in(origin.encode())


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "null",
        "*",
        "file://",
        "localhost",
        "http://localhost.example",
        "http://localhost:80.example",
        "http://localhost:",
        "http://localhost:80/",
        "http://localhost:123456",
        "http://127.0.0.1.example:80",
        "http://127.0.0.2",
        "http://127x0x0x1",
        "http://[::1].example",
        "http://user@localhost",
        "ftp://localhost",
        "http://localhost\n",
        "HTTP://localhost",
    ],
)
def test_everything_else_is_foreign(origin: str) -> None:
    assert not is_let_in(origin.encode())
