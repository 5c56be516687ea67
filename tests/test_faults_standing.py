"""Standing faults: which exchanges they befall, the same ones whenever the seed is the same."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from befallen_bench import BefallenBench
from doors import DOORS, Door
from foreign_programs import SERVICE, SERVICE_KEY
from hub_bench import KEY, code, poll, reply

from mockserver import MockHub, ServiceSettings
from mockserver.faults import FAULTS, Faults, fault
from mockserver.state.plan import Leg
from neuroengine._generated.registry import ErrorCode

if TYPE_CHECKING:
    import httpx

ANY = "any"


def befallen(faults: Faults, count: int = 20, service: str = ANY) -> str:
    """Which of the next exchanges are befallen, one letter each."""
    drawn = (faults.draw(service, Leg.HUB_TO_CLIENT) for _ in range(count))
    return "".join("x" if one else "." for one in drawn)


# -- which exchanges


def test_a_fault_befalls_every_exchange_until_it_is_removed() -> None:
    faults = Faults()
    assert not faults
    standing = faults.add("reset")
    assert faults
    assert befallen(faults, 5) == "xxxxx"
    standing.remove()
    standing.remove()
    assert befallen(faults, 5) == "....."
    assert not faults


def test_the_first_ones_may_be_spared_and_the_times_limited() -> None:
    faults = Faults()
    standing = faults.add("reset", after=2, times=3)
    assert befallen(faults, 10) == "..xxx....."
    assert standing.befallen == 3
    assert repr(standing) == "<reset on hub->client, 3 times so far>"


def test_chance_takes_about_its_share() -> None:
    faults = Faults()
    faults.add("reset", rate=0.3, seed=1)
    assert 250 < befallen(faults, 1000).count("x") < 350
    faults.clear()
    faults.add("reset", rate=0)
    assert befallen(faults, 100) == "." * 100


def test_the_same_seed_befalls_the_same_exchanges_whatever_else_there_is() -> None:
    alone, among_others = Faults(), Faults()
    alone.add("reset", rate=0.5, seed=7)
    among_others.add("latency", rate=0.5, seed=8, service="other")
    among_others.add("reset", rate=0.5, seed=7)
    among_others.add("provider_death", rate=0.5, seed=9)
    assert befallen(alone, 200) == befallen(among_others, 200)
    another_seed = Faults()
    another_seed.add("reset", rate=0.5, seed=8)
    assert befallen(another_seed, 200) != befallen(alone, 200)


def test_what_a_fault_draws_inside_comes_from_the_seed_too() -> None:
    def garbage(seed: int) -> list[int]:
        faults = Faults()
        faults.add("garbage", rate=0.5, seed=seed)
        return [one.seed for _ in range(50) for one in faults.draw(ANY, Leg.HUB_TO_CLIENT)]

    assert garbage(1) == garbage(1)
    assert len(set(garbage(1))) == len(garbage(1))
    assert garbage(1) != garbage(2)


def test_one_service_or_one_piece_or_one_leg_may_be_meant() -> None:
    faults = Faults()
    faults.add("reset", service="one")
    assert (befallen(faults, 2, "one"), befallen(faults, 2, "other")) == ("xx", "..")
    faults.add("provider_death", piece=2)
    assert [len(faults.draw(ANY, Leg.PROVIDER_TO_HUB, piece=piece)) for piece in (1, 2, 3)] == [0, 1, 0]
    assert faults.draw(ANY, Leg.HUB_TO_PROVIDER) == ()
    assert faults.may_befall(ANY, Leg.PROVIDER_TO_HUB)
    assert not faults.may_befall(ANY, Leg.HUB_TO_PROVIDER)


def test_requests_for_no_text_use_up_no_fault_of_generations() -> None:
    bench = BefallenBench()
    bench.fault("queue_full")
    bench.fault("quota_exceeded")
    assert bench.entry()
    assert [code(bench.ask()) for _ in range(3)] == [ErrorCode.QUEUE_FULL, 0, 0]
    # Both were drawn for the first generation; the one that stands first answers it.
    assert bench.faults.injected == {"queue_full": 1}


def test_an_unreadable_request_is_befallen_like_any_other() -> None:
    bench = BefallenBench()
    bench.fault("garbage_body")
    exchange = bench.post(b"{")
    assert code(exchange) == ErrorCode.INVALID_JSON
    assert [one.name for one in exchange.plan.faults] == ["garbage_body"]


def test_a_refused_poll_loses_no_piece_of_its_stream() -> None:
    usual = [reply(poll(bench)) for bench in [BefallenBench()] for _ in range(3)]
    bench = BefallenBench()
    pieces = [reply(poll(bench))]
    bench.fault("error", code="internal_error")
    assert code(poll(bench)) == ErrorCode.INTERNAL_ERROR
    pieces += [reply(poll(bench)) for _ in range(2)]
    assert pieces == usual


# -- the same through every door


@pytest.mark.parametrize("door", DOORS.values(), ids=list(DOORS))
def test_the_same_seed_and_order_of_exchanges_give_the_same_faults_through_every_door(door: Door) -> None:
    def run() -> list[int]:
        with door.open() as (hub, client):
            hub.faults.add("queue_full", rate=0.3, seed=3)
            hub.faults.add("error", rate=0.2, seed=4, code="provider_timeout")
            codes = [ask(client) for _ in range(60)]
            assert hub.faults.injected == {"queue_full": codes.count(8), "error": codes.count(12)}
            return codes

    codes = run()
    assert set(codes) == {0, 8, 12}
    assert codes == run() == REFERENCE.setdefault("codes", codes)


REFERENCE: dict[str, list[int]] = {}
"""What the first door saw."""


def ask(client: httpx.Client) -> int:
    return int(client.post(f"/{SERVICE}", json={"message": "hi", "max_new_len": 1}).json()["errorcode"])


def test_a_hub_begins_with_its_faults_and_a_reset_brings_them_back() -> None:
    standing: list[Any] = ["queue_full", {"name": "error", "after": 1, "code": 12}]
    hub = MockHub({SERVICE: SERVICE_KEY}, faults=standing)
    assert [one.name for one in hub.faults] == ["queue_full", "error"]
    hub.faults.clear()
    hub.faults.add("reset")
    hub.reset()
    assert [one.name for one in hub.faults] == ["queue_full", "error"]
    assert hub.faults.injected == {}
    hub.reset(faults=())
    assert list(hub.faults) == []


def test_a_single_fault_may_be_given_by_its_name_alone_and_none_without_one() -> None:
    assert [one.name for one in MockHub(faults="reset").faults] == ["reset"]
    with pytest.raises(ValueError, match=r"a fault needs a `name`; it was \{'rate': 0\.5\}"):
        MockHub(faults=[{"rate": 0.5}])


def test_faults_may_come_and_go_while_exchanges_go_on() -> None:
    bench = BefallenBench()

    def meddle(name: str) -> None:
        for _ in range(300):
            bench.faults.add(name, rate=0.5).remove()

    with ThreadPoolExecutor(3) as threads:
        meddling = [threads.submit(meddle, name) for name in ("queue_full", "error", "latency")]
        while not all(one.done() for one in meddling):
            assert code(bench.ask(max_new_len=0)) in {0, 1, 8}
        for one in meddling:
            one.result()
    assert list(bench.faults) == []


def test_an_unknown_service_can_be_befallen_by_its_name() -> None:
    bench = BefallenBench(ServiceSettings("Known", KEY))
    bench.faults.add("queue_full", service="Unknown")
    assert code(bench.post({"message": "hi"}, path="/Unknown")) == ErrorCode.QUEUE_FULL
    assert code(bench.post({"message": "hi"}, path="/Known")) == 0


# -- what is wrong with a fault is said when it is made


@pytest.mark.parametrize(
    ("name", "how", "why"),
    [
        ("rest", {}, "there is no fault 'rest'; there are latency, slow_drip, drop, "),
        ("reset", {"leg": "hub"}, "the fault 'reset' cannot befall the leg 'hub'; it can hub->client, client->hub"),
        ("drop", {"second": 1}, "the fault 'drop' has no setting 'second'; its settings are: none"),
        ("latency", {"second": 1}, r"has no setting 'second'; its settings are: seconds \(1.0\), spread_s \(0.0\)"),
        ("latency", {"seconds": -1}, "setting 'seconds': it should be greater than or equal to 0; it was -1"),
        ("latency", {"seconds": float("inf")}, "wrong setting 'seconds': it should be a finite number"),
        ("slow_drip", {"size_bytes": 0}, "wrong setting 'size_bytes'"),
        ("drop_midway", {"fraction": 2}, "wrong setting 'fraction'"),
        ("error", {"code": "oops"}, "wrong setting 'code': there is no such error; there are internal_error, "),
        ("error", {"code": 0}, "there is no such error"),
        ("reset", {"rate": 1.5}, "`rate` must be between 0 and 1; it was 1.5"),
        ("reset", {"after": -1}, "`after` must be a number from 0; it was -1"),
        ("reset", {"times": 0}, "`times` must be a number from 1, or none for ever; it was 0"),
        ("reset", {"piece": 2}, "`piece` counts from 1, on hub->provider and provider->hub only"),
        ("provider_death", {"piece": 0}, "`piece` counts from 1"),
    ],
)
def test_a_wrong_fault_says_what_there_is(name: str, how: dict[str, Any], why: str) -> None:
    faults = Faults()
    with pytest.raises(ValueError, match=why):
        faults.add(name, **how)
    with pytest.raises(ValueError, match=why):
        MockHub(faults=[{"name": name, **how}])
    assert list(faults) == []


def test_every_fault_says_in_a_sentence_what_it_does_on_each_of_its_legs() -> None:
    for name, kind in FAULTS.items():
        for leg in kind.legs:
            said = kind.summary_on(leg)
            assert said.endswith((".", ").")), name
            assert said[0].isupper(), name
        assert fault(name).name == name
