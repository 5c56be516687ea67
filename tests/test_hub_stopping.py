"""The hub as a whole: how it stops, and the limits that it is given."""

from __future__ import annotations

import pytest
from hub_bench import KEY, SERVICE, Bench, code, content, waits

from mockserver import ServiceSettings

OTHER = "Other-1"

# -- stopping


def test_a_hub_that_stops_answers_everything_that_waits_with_16_and_closes_every_link() -> None:
    bench = Bench(ServiceSettings(SERVICE, KEY), ServiceSettings(OTHER, KEY), ServiceSettings("Away", KEY))
    plain, streaming, silent = bench.provider(), bench.provider(OTHER, streaming=True), bench.stranger()
    bench.provider("Away").drop()
    waiting = [
        bench.ask("outstanding"),
        bench.ask("queued"),
        bench.ask("stream", key="k"),
        bench.ask("stream", key="k"),
    ]
    waiting += [bench.post({"message": "s", "key": "k"}, f"/{OTHER}") for _ in range(2)]
    waiting.append(bench.post({"message": "away"}, "/Away"))
    assert all(map(waits, waiting))
    bench.state.stop(bench.now)
    for exchange in [*waiting, bench.ask("new"), bench.post({"command": "getmodels"})]:
        shown = content(exchange)
        assert (shown["errorcode"], shown["error"]) == (16, "shutting_down")
    assert [link.is_closed for link in (plain, streaming, silent)] == [True] * 3
    bench.advance(10_000)
    assert plain.messages == ["outstanding"]


def test_every_exchange_is_told_of_its_answer_exactly_once() -> None:
    bench = Bench(provider_answer_s=10, long_poll_s=15)
    provider = bench.provider()
    told: list[str] = []
    for name, fields in (("answered", {}), ("late", {}), ("held", {"key": "k"}), ("stopped", {})):
        exchange = bench.ask(name, **fields)
        exchange.answered = lambda name=name: told.append(name)
    provider.answer({"reply": "x"})
    bench.advance(15)
    bench.state.stop(bench.now)
    provider.drop()
    assert told == ["answered", "late", "held", "stopped"]


# -- the hub's limits


def test_a_limit_that_is_unknown_or_not_finite_is_refused_by_its_name() -> None:
    for name, value in (
        ("ping", 1.0),
        ("ping_s", float("inf")),
        ("ping_s", float("nan")),
        ("queue_s", 0.0),
        ("queue_s", -1.0),
    ):
        with pytest.raises(ValueError, match=name):
            Bench(**{name: value})


def test_a_body_over_the_limit_is_too_large_and_one_at_it_is_not() -> None:
    bench = Bench(http_body_bytes=100)
    body = b'{"message": "hi"}'
    assert code(bench.post(body + b" " * (100 - len(body)))) == 0
    shown = content(bench.post(body + b" " * (101 - len(body))))
    assert (shown["errorcode"], shown["error"]) == (11, "request_too_large")
