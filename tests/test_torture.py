"""Torture: whatever a stranger sends, the hub gives a well-formed answer or a clean end, and forgets about it.

Named bodies have the verdict that the protocol gives them (NE-BODY-*, NE-REQ-*, NE-CODE-*); of generated input only
what holds for all of it is asked: no fault of the hub's own, no hang, nothing kept. `NE_EXAMPLES` makes more of it.
"""

from __future__ import annotations

import gc
import json
import logging
import os
from contextlib import suppress
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
import torture_mutator as mutator
from foreign_programs import Raw
from hub_bench import KEY, SERVICE, Bench, Provider, content
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from record_provider import RecordProvider
from torture_cases import CASES, OK

from mockserver import MockHub
from neuroengine._generated.models import GenerateRequest
from neuroengine._generated.registry import ERRORS, ErrorCode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mockserver.state.exchanges import Exchange

EXAMPLES = int(os.environ.get("NE_EXAMPLES", "500"))
BODIES = 40 * EXAMPLES
STREAMS = 40 * EXAMPLES
ON_SOCKETS = 2 * EXAMPLES
LEAST_CASES = 300
AT_A_TIME = 500
LONG_S = 10_000.0
"""Longer than any of the hub's limits."""
MOST_LEFT_OBJECTS = 2_000
"""How many more objects there may be after thousands of rounds: what Python and its libraries cache."""


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Nothing of it is a fault of the hub's own."""
    yield
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def well_formed(answer: Any) -> int:
    """Requires the form of an answer, and returns its code."""
    if isinstance(answer, list):
        assert [row["name"] for row in answer] == [SERVICE]
        return OK
    assert isinstance(answer["reply"], str)
    assert type(answer["errorcode"]) is int
    code: int = answer["errorcode"]
    if code and "error" in answer:  # the hub's own
        assert code != ErrorCode.INTERNAL_ERROR
        assert answer["error"] == ERRORS[ErrorCode(code)].name
        assert answer["reply"]
        assert ("field" in answer) == (code == ErrorCode.INVALID_FIELD) or code == ErrorCode.STREAM_CONFLICT
    return code


def shown(bench: Bench, exchange: Exchange) -> Any:
    """An exchange's answer as its client reads it."""
    assert exchange.answer is not None, "no answer"
    body = bench.state.behaviour.render(exchange.answer)
    assert body.isascii()
    return json.loads(body)


# -- named bodies


def test_there_are_many_cases() -> None:
    assert len(CASES) >= LEAST_CASES


@pytest.mark.parametrize("name", CASES)
def test_a_body_is_answered_as_the_protocol_says(name: str) -> None:
    body, codes, field = CASES[name]
    bench = Bench()
    answer = shown(bench, bench.post(body))
    assert well_formed(answer) in codes, answer
    if field is not None and answer["errorcode"]:
        assert answer["field"] == field


def test_every_body_is_answered_the_same_over_one_connection() -> None:
    with MockHub({SERVICE: KEY}, tls=False) as hub, Raw(hub) as raw:
        for name, case in CASES.items():
            if len(case.body) > 100_000:
                continue  # its connection may be cut; see the tests of the HTTP door
            raw.send(b"POST /%s HTTP/1.1\r\nHost: hub\r\nContent-Length: " % SERVICE.encode())
            raw.send(b"%d\r\n\r\n" % len(case.body) + case.body)
            status, answer = raw.answer()
            assert status == 200
            assert well_formed(answer) in case.codes, name


# -- generated bodies


def test_any_generated_body_is_answered_and_forgotten() -> None:
    random = Random(20_261_126)
    bench = Bench(open_streams=100)
    codes = set()

    def rounds(count: int) -> None:
        for number in range(count):
            codes.add(well_formed(shown(bench, bench.post(mutator.body(random)))))
            if number % AT_A_TIME == 0:
                bench.advance(LONG_S)
        bench.advance(LONG_S)

    rounds(BODIES // 4)
    before = objects()
    rounds(BODIES - BODIES // 4)
    assert objects() - before < MOST_LEFT_OBJECTS
    assert codes >= {0, 2, 3, 4}


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters())
    | st.sampled_from(["", "True", "20"]),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5), inner, max_size=5),
    max_leaves=20,
)
FIELD = st.sampled_from([*GenerateRequest.model_fields, "command", "ping", "x"])


@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
@given(request=st.dictionaries(FIELD, JSON, max_size=8), path=st.text(max_size=70), escaped=st.booleans())
def test_any_object_at_any_path_is_answered(request: dict[str, Any], path: str, *, escaped: bool) -> None:
    bench = Bench()
    body = json.dumps(request, ensure_ascii=escaped).encode("utf-8", "surrogatepass")
    for where in (f"/{SERVICE}", f"/{path}"):
        well_formed(shown(bench, bench.post(body, where)))


@settings(max_examples=EXAMPLES)
@given(body=st.binary(max_size=300))
def test_any_bytes_are_answered(body: bytes) -> None:
    bench = Bench()
    assert well_formed(shown(bench, bench.post(body))) != OK or b"message" in body


def test_generated_bodies_are_answered_over_a_socket() -> None:
    random = Random(7)
    with MockHub({SERVICE: KEY}, tls=False) as hub, Raw(hub) as raw:
        for _ in range(ON_SOCKETS):
            body = mutator.body(random)
            raw.send(b"POST /%s HTTP/1.1\r\nHost: hub\r\nContent-Length: " % SERVICE.encode())
            raw.send(b"%d\r\n\r\n" % len(body) + body)
            status, answer = raw.answer()
            assert status == 200
            well_formed(answer)


# -- generated providers


def play(bench: Bench, random: Random) -> set[int]:
    """A provider that does as chance wants while clients ask; the codes that the clients got."""
    provider = Provider(bench)
    asked: list[Exchange] = []
    for chunk in mutator.cut(mutator.login(random), random):
        provider.send(chunk)
    for number in range(random.choice((0, 1, 2, 4))):
        fields = {"key": f"k{random.randrange(3)}", "gettokens": 2} if random.random() < 0.3 else {}
        asked.append(bench.ask(f"m{number}", **fields))
        if random.random() < 0.1:
            bench.leave(asked.pop())
        for chunk in mutator.cut(mutator.answer(random), random):
            provider.send(chunk)
        if random.random() < 0.1:
            bench.advance(random.choice((1.0, 20.0, 200.0)))
    if random.random() < 0.7:
        provider.drop()
    bench.advance(LONG_S)
    provider.drop()
    return {well_formed(content(exchange)) for exchange in asked}


def serves(bench: Bench) -> bool:
    """Whether a fresh provider is let in and serves."""
    provider = bench.provider()
    exchange = bench.ask("are you well?")
    provider.answer({"reply": "yes"})
    provider.drop()
    return content(exchange) == {"reply": "yes", "errorcode": 0}


def test_any_generated_provider_costs_its_clients_a_well_formed_answer_and_the_hub_nothing() -> None:
    random = Random(20_261_127)
    bench = Bench()
    codes = set()

    def rounds(count: int) -> None:
        for number in range(count):
            codes.update(play(bench, random))
            if number % AT_A_TIME == 0:
                assert serves(bench)
        assert serves(bench)

    rounds(STREAMS // 4)
    before = objects()
    rounds(STREAMS - STREAMS // 4)
    assert objects() - before < MOST_LEFT_OBJECTS
    assert codes >= {0, 7, 13, 4711}


@settings(max_examples=EXAMPLES)
@given(login=st.binary(max_size=200), answer=st.binary(max_size=200))
def test_any_bytes_of_a_provider_are_read(login: bytes, answer: bytes) -> None:
    bench = Bench()
    Provider(bench).send(login)
    provider = bench.provider()
    exchange = bench.ask()
    provider.send(answer, answer)
    bench.advance(LONG_S)
    well_formed(content(exchange))
    provider.drop()
    assert serves(bench)


def test_generated_providers_come_and_go_over_sockets() -> None:
    random = Random(11)
    with MockHub({SERVICE: KEY}, tls=False, limits={"login_s": 0.1, "provider_answer_s": 0.1, "queue_s": 0.1}) as hub:
        for _ in range(ON_SOCKETS // 20):
            with RecordProvider(hub.provider, hub.ca_file) as provider, Raw(hub) as raw, suppress(ConnectionError):
                raw.send(b'POST /MYGPT HTTP/1.1\r\nHost: hub\r\nContent-Length: 17\r\n\r\n{"message": "hi"}')
                provider.send(*mutator.cut(mutator.login(random), random))
                provider.send(*mutator.cut(mutator.answer(random), random))
                well_formed(raw.answer()[1])
        with RecordProvider(hub.provider, hub.ca_file) as provider:
            provider.login(SERVICE, KEY)


def objects() -> int:
    """How many objects there are once everything that nobody holds is gone."""
    gc.collect()
    return len(gc.get_objects())
