"""Every door of a hub behaves alike: each scenario is told through each of them, by one httpx client.

What takes time is told in `test_doors_waiting.py`, the vectors of the spec in `test_doors_vectors.py`.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from doors import DEADLINE_S, DOORS, KEY, PATH, SERVICE, Door
from record_provider import RecordProvider

from mockserver import MockHub, ServiceSettings
from mockserver.rules.own_answers import ERROR_NAMES
from neuroengine._generated.registry import ERRORS, HUB_LIMITS, ErrorCode

if TYPE_CHECKING:
    from collections.abc import Iterator

Json = dict[str, Any]

PROMPT = "What lies behind the dunes?"
ODD_TEXT = 'Ünïcödé 漢字 👩‍👩‍👧 \u2028 \\ " \0 ﬁn'


@pytest.fixture(params=DOORS.values(), ids=list(DOORS))
def door(request: pytest.FixtureRequest) -> Door:
    one: Door = request.param
    return one


@pytest.fixture(scope="module")
def text() -> str:
    """What every door has to answer to the prompt."""
    with httpx.Client(transport=MockHub({SERVICE: KEY}).transport(), base_url="http://hub") as client:
        return reply(post(client, {"message": PROMPT}))


def post(client: httpx.Client, request: Json, path: str = PATH, **more: Any) -> httpx.Response:
    return client.post(path, json=request, **more)


def reply(response: httpx.Response) -> str:
    content = response.json()
    assert content["errorcode"] == 0, content
    return str(content["reply"])


def code(response: httpx.Response) -> int:
    return int(response.json()["errorcode"])


def pieces(client: httpx.Client, **members: Any) -> Iterator[str]:
    """The pieces of a stream, without its empty end."""
    while piece := reply(post(client, {"message": PROMPT, "key": "K", **members})):
        yield piece


# -- replies, streams, models


def test_the_same_seed_gives_the_same_text_through_every_door(door: Door, text: str) -> None:
    with door.open() as (_, client):
        assert reply(post(client, {"message": PROMPT})) == text
        assert reply(post(client, {"message": PROMPT, "seed": 1})) != text


def test_a_stream_comes_in_pieces_to_its_end_and_gives_the_same_text(door: Door, text: str) -> None:
    with door.open() as (_, client):
        found = list(pieces(client, gettokens=3))
        assert len(found) > 5
        assert "".join(found) == text
        assert reply(post(client, {"message": PROMPT, "key": "K"})) == ""


def test_a_poll_can_be_repeated_and_says_when_it_is_the_last(door: Door, text: str) -> None:
    with door.open() as (_, client):
        got, seq, done = "", 0, False
        while not done:
            poll = {"message": PROMPT, "key": "K", "seq": seq, "gettokens": 40}
            answer, again = post(client, poll).json(), post(client, poll).json()
            assert answer == again
            assert answer["seq"] == seq
            got, seq, done = got + answer["reply"], seq + 1, answer["done"]
        assert got == text


def test_the_model_list_is_the_same_at_any_path(door: Door) -> None:
    services = [ServiceSettings("One", "K1", comment="<b>ü</b>"), ServiceSettings("Two", "K2", offline=True)]
    with door.open(services=services) as (_, client):
        for path in ("/", "/One", "/any/where/?x=y"):
            one, two = post(client, {"command": "getmodels"}, path).json()
            assert (one["name"], one["connected"], one["comment"]) == ("One", True, "<b>ü</b>")
            assert (two["name"], two["connected"], two["numreq"]) == ("Two", False, 0)


def test_a_scripted_model_list_is_the_answer_to_getmodels_alone(door: Door) -> None:
    with door.open() as (hub, client):
        hub.on(command="getmodels").models(["ü", {"name": "Two", "connected": False, "queuelen": 3}]).once()
        listed = post(client, {"command": "getmodels"}, "/").json()
        assert [(row["name"], row["connected"], row["queuelen"]) for row in listed] == [
            ("ü", True, 0),
            ("Two", False, 3),
        ]
        assert code(post(client, {"message": PROMPT, "max_new_len": 1})) == 0
        assert [row["name"] for row in post(client, {"command": "getmodels"}, "/").json()] == [SERVICE]


def test_a_scripted_text_comes_character_for_character_and_the_body_is_ascii(door: Door) -> None:
    with door.open() as (hub, client):
        hub.on(message=ODD_TEXT).reply(ODD_TEXT)
        response = post(client, {"message": ODD_TEXT})
        assert reply(response) == ODD_TEXT
        assert response.content.isascii()


def test_the_journal_holds_what_came_through_the_door(door: Door) -> None:
    with door.open() as (hub, client):
        post(client, {"message": "one"})
        post(client, {"message": "two", "key": "K"})
        client.post(PATH, content=b"{")
        assert [(entry.message, entry.code, entry.status) for entry in hub.journal] == [
            ("one", 0, 200),
            ("two", 0, 200),
            (None, ErrorCode.INVALID_JSON, 200),
        ]


# -- bodies, headers, methods


@pytest.mark.parametrize("escaped", [True, False], ids=["escaped", "raw"])
@pytest.mark.parametrize(
    "content_type", [None, "application/json; charset=utf-8", "application/x-www-form-urlencoded", "text/plain"]
)
def test_a_body_is_json_whatever_its_type_and_however_it_is_written(
    door: Door, content_type: str | None, escaped: bool
) -> None:
    headers = {} if content_type is None else {"Content-Type": content_type}
    with door.open(strict=True) as (hub, client):
        hub.on(message=ODD_TEXT).reply("read")
        body = json.dumps({"message": ODD_TEXT}, ensure_ascii=escaped).encode()
        assert reply(client.post(PATH, content=body, headers=headers)) == "read"


def test_a_body_that_is_sent_in_chunks_is_read_whole(door: Door) -> None:
    with door.open(strict=True) as (hub, client):
        hub.on(message="in chunks").reply("read")
        assert reply(client.post(PATH, content=iter([b'{"mess', b"", b'age": "in ', b'chunks"}']))) == "read"


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
def test_a_body_over_the_limit_is_refused_and_one_at_the_limit_is_not(door: Door, chunked: bool) -> None:
    limit = int(HUB_LIMITS["http_body_bytes"])
    with door.open() as (hub, client):
        hub.on().reply("read")
        for size, expected in ((limit, 0), (limit + 1, ErrorCode.REQUEST_TOO_LARGE)):
            body = b'{"message": "' + b"x" * (size - 15) + b'"}'
            content: Any = iter([body[:1000], body[1000:]]) if chunked else body
            assert code(client.post(PATH, content=content)) == expected


def test_an_answer_is_json_of_the_announced_length_over_http_1(door: Door) -> None:
    with door.open() as (_, client):
        response = post(client, {"message": PROMPT})
        assert response.http_version == "HTTP/1.1"
        assert (response.status_code, response.reason_phrase) == (200, "OK")
        assert dict(response.headers) == {
            "content-type": "application/json",
            "content-length": str(len(response.content)),
        }


def test_the_time_that_a_response_took_can_be_told(door: Door) -> None:
    with door.open() as (_, client):
        assert post(client, {"message": PROMPT}).elapsed > timedelta(0)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_other_methods_are_told_to_post(door: Door, method: str) -> None:
    with door.open() as (hub, client):
        response = client.request(method, PATH)
        assert (response.status_code, response.headers["allow"]) == (405, "POST")
        assert code(response) == ErrorCode.INVALID_JSON
        assert len(hub.journal) == 0


def test_a_head_request_gets_no_body(door: Door) -> None:
    with door.open() as (_, client):
        response = client.head(PATH)
        assert (response.status_code, response.content) == (405, b"")


# -- errors


def cases() -> Iterator[Any]:
    """Requests that the hub refuses by itself: the code, the body, and how else the request is special."""
    for case in (
        (ErrorCode.INVALID_JSON, b'{"message": "x", "message": "y"}', {}),
        (ErrorCode.INVALID_JSON, b"\xff", {}),
        (ErrorCode.INVALID_JSON, b"", {}),
        (ErrorCode.MISSING_MESSAGE, b"{}", {}),
        (ErrorCode.INVALID_FIELD, b'{"message": "x", "top_p": 2}', {}),
        (ErrorCode.UNKNOWN_COMMAND, b'{"command": 1}', {}),
        (ErrorCode.UNKNOWN_SERVICE, b'{"message": "x"}', {"path": "/Nobody"}),
        (ErrorCode.PROVIDER_OFFLINE, b'{"message": "x"}', {"path": "/Offline"}),
        (ErrorCode.QUOTA_EXCEEDED, b'{"message": "x"}', {"path": "/Used-Up"}),
        (ErrorCode.UNAUTHORIZED, b'{"message": "x"}', {"path": "/Closed"}),
        (ErrorCode.UNAUTHORIZED, b'{"message": "x"}', {"path": "/Closed", "key": "another"}),
        (ErrorCode.REQUEST_TOO_LARGE, b" " * 70_000, {}),
        (ErrorCode.STREAM_EXPIRED, b'{"message": "x", "key": "K", "seq": 3}', {}),
    ):
        yield pytest.param(*case, id=f"{ERRORS[case[0]].name}-{len(case[1])}-{case[2].get('path', '')}")


SERVICES = [
    ServiceSettings(SERVICE, KEY),
    ServiceSettings("Offline", KEY, offline=True),
    ServiceSettings("Used-Up", KEY, quota=0),
    ServiceSettings("Closed", KEY, access_keys=("right",)),
]


@pytest.mark.parametrize("matching", [False, True], ids=["always-200", "matching-statuses"])
@pytest.mark.parametrize(("expected", "body", "special"), list(cases()))
def test_a_refused_request_gets_its_code_and_its_status(
    door: Door, expected: ErrorCode, body: bytes, special: Json, matching: bool
) -> None:
    headers = {"Authorization": f"Bearer {special['key']}"} if "key" in special else {}
    with door.open(services=SERVICES, matching_statuses=matching) as (_, client):
        response = client.post(special.get("path", PATH), content=body, headers=headers)
        assert response.json()["error"] == ERRORS[expected].name
        assert code(response) == expected
        assert response.status_code == (ERRORS[expected].http_status if matching else 200)


def test_a_key_that_has_another_message_conflicts(door: Door) -> None:
    with door.open(limits={"open_streams": 1}) as (_, client):
        post(client, {"message": PROMPT, "key": "K", "gettokens": 1})
        assert code(post(client, {"message": "another", "key": "K"})) == ErrorCode.STREAM_CONFLICT
        assert code(post(client, {"message": "another", "key": "L"})) == ErrorCode.STREAM_LIMIT


@pytest.mark.parametrize("name", ERROR_NAMES)
def test_every_error_can_be_scripted(door: Door, name: str) -> None:
    with door.open(matching_statuses=True) as (hub, client):
        hub.on().fail(name)
        response = post(client, {"message": PROMPT})
        entry = next(entry for entry in ERRORS.values() if entry.name == name)
        assert (code(response), response.status_code) == (entry.code, entry.http_status)


def test_a_quota_says_when_to_come_back(door: Door) -> None:
    with door.open(services=[ServiceSettings(SERVICE, KEY, quota=1)]) as (_, client):
        reply(post(client, {"message": PROMPT}))
        refused = post(client, {"message": PROMPT}).json()
        assert refused["errorcode"] == ErrorCode.QUOTA_EXCEEDED
        assert 0 < refused["retry_after"] <= 60


@pytest.mark.parametrize("header", ["Bearer right", "bearer  right", "BEARER right"])
def test_an_access_key_opens_its_service(door: Door, header: str) -> None:
    with door.open(services=SERVICES) as (_, client):
        reply(post(client, {"message": PROMPT}, "/Closed/", headers={"Authorization": header}))


# -- providers


def test_a_provider_of_the_running_hub_answers_through_every_door(door: Door) -> None:
    with (
        door.open(started=True) as (hub, client),
        RecordProvider(hub.provider, hub.ca_file) as provider,
        ThreadPoolExecutor(1) as thread,
    ):
        provider.login(SERVICE, KEY)
        whole = thread.submit(post, client, {"message": PROMPT})
        assert provider.frame()["message"] == PROMPT
        provider.answer("from the provider")
        assert reply(whole.result(DEADLINE_S)) == "from the provider"
        first = thread.submit(post, client, {"message": PROMPT, "key": "K", "gettokens": 1})
        assert provider.frame()["message"] == PROMPT
        provider.answer("piece by piece")
        assert reply(first.result(DEADLINE_S)) == "piece"
        assert "".join(pieces(client, gettokens=1)) == " by piece"
