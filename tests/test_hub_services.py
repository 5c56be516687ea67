"""A service at the hub: its names, quotas, access keys, and its row in the model list."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hub_bench import KEY, SERVICE, Bench, code, codes, content

from mockserver import ServiceSettings

OTHER = "Other-1"


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"name": "no name"}, "the service name 'no name' is wrong: it must be 1 to 64 letters"),
        ({"key": None}, "the key of the service 'MYGPT' must be text"),
        ({"access_keys": "CANARY"}, "the access_keys of the service 'MYGPT' must be several texts"),
        ({"access_keys": ("CANARY", "")}, "the access_keys of the service 'MYGPT' must be several texts"),
        ({"quota": -1}, "the quota of the service 'MYGPT' must be a whole number, 0 or more; it was -1"),
        ({"quota": True}, "must be a whole number, 0 or more; it was True"),
        ({"quota": 1, "quota_window_s": 0}, "must be a finite number of seconds above 0; it was 0"),
        ({"quota": 1, "quota_window_s": float("inf")}, "must be a finite number of seconds above 0; it was inf"),
    ],
)
def test_settings_that_make_no_sense_are_refused_without_showing_a_key(wrong: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=re.escape(why)) as refused:
        ServiceSettings(**{"name": "MYGPT", "key": "CANARY"} | wrong)
    assert "CANARY" not in str(refused.value)


def test_access_keys_may_be_given_as_any_list() -> None:
    assert ServiceSettings("MYGPT", "KEY", access_keys=["A", "B"]).access_keys == ("A", "B")  # type: ignore[arg-type]  # a list will do


# -- the model list


def test_the_model_list_holds_every_service_once_and_no_secret() -> None:
    rows = [
        ServiceSettings(
            SERVICE, "SERVICE-SECRET", comment="<b>big</b>", operator="@me", access_keys=("ACCESS-SECRET",)
        ),
        ServiceSettings(OTHER, "OTHER-SECRET", preprompt="You are", endprompt="###"),
    ]
    bench = Bench(*rows)
    for path in ("/", f"/{SERVICE}", "/nobody/at/all", ""):
        answer = bench.post({"command": "getmodels", "message": "ignored", "temperature": "x"}, path).answer
        assert answer is not None
        assert answer.content == [
            {
                "name": SERVICE,
                "connected": True,
                "numreq": 0,
                "queuelen": 0,
                "comment": "<b>big</b>",
                "operator": "@me",
                "preprompt": "",
                "endprompt": "",
            },
            {
                "name": OTHER,
                "connected": True,
                "numreq": 0,
                "queuelen": 0,
                "comment": "",
                "operator": "",
                "preprompt": "You are",
                "endprompt": "###",
            },
        ]
        assert "SECRET" not in json.dumps(answer.content)
    assert "SECRET" not in repr(rows)


def test_connected_follows_logins_and_closes() -> None:
    bench = Bench(ServiceSettings(SERVICE, KEY), ServiceSettings(OTHER, KEY, offline=True))
    seen = [bench.entry(OTHER)["connected"]]
    provider = bench.provider(OTHER)
    seen.append(bench.entry(OTHER)["connected"])
    provider.drop()
    seen.append(bench.entry(OTHER)["connected"])
    bench.provider(OTHER)
    seen.append(bench.entry(OTHER)["connected"])
    assert seen == [False, True, False, True]
    bench.provider().drop()
    assert bench.entry()["connected"] is False


def test_queuelen_leaves_out_the_one_being_answered_and_those_who_left() -> None:
    bench = Bench()
    provider = bench.provider()
    seen = [bench.entry()["queuelen"]]
    asked = []
    for number in range(4):
        asked.append(bench.ask(str(number)))
        seen.append(bench.entry()["queuelen"])
    bench.leave(asked[3])
    seen.append(bench.entry()["queuelen"])
    provider.answer({"reply": ""})
    seen.append(bench.entry()["queuelen"])
    provider.drop()
    seen.append(bench.entry()["queuelen"])
    assert seen == [0, 0, 1, 2, 3, 2, 1, 1]


def test_numreq_counts_accepted_generations_those_that_failed_too_and_no_refused_ones() -> None:
    bench = Bench(provider_answer_s=10, queue_requests=1, queue_s=30)
    bench.ask("by the model")
    provider = bench.provider()
    timed_out, refused_by_provider, full = bench.ask(), bench.ask(), bench.ask()
    bench.advance(10)
    provider.answer({"reply": "late"})
    provider.answer({"reply": "no", "errorcode": 3})
    dropped = bench.ask()
    provider.drop()
    bench.ask(temperature=-1)
    bench.post({"command": "getmodels"})
    bench.post({})
    gave_up = bench.ask()
    bench.advance(30)
    offline = bench.ask()
    assert codes([timed_out, refused_by_provider, full, dropped, gave_up, offline]) == [12, 3, 8, 13, 7, 7]
    assert bench.entry()["numreq"] == 5


# -- names and commands


@pytest.mark.parametrize("path", [f"/{SERVICE}", f"/{SERVICE}/"])
def test_a_service_is_found_with_and_without_the_trailing_slash(path: str) -> None:
    assert code(Bench().post({"message": "hi"}, path)) == 0


@pytest.mark.parametrize(
    "path",
    ["/", "", "//", f"//{SERVICE}", f"/{SERVICE}//", f"/{SERVICE}/x", f"/{SERVICE.lower()}", f"/{SERVICE} ", "/é"],
)
def test_anything_else_is_an_unknown_service(path: str) -> None:
    shown = content(Bench().post({"message": "hi"}, path))
    assert (shown["errorcode"], shown["error"]) == (6, "unknown_service")


@pytest.mark.parametrize("command", ["", "GETMODELS", "getmodels ", None, 1, True, ["getmodels"], {}])
def test_any_other_command_is_unknown_even_with_a_message(command: object) -> None:
    shown = content(Bench().post({"command": command, "message": "hi"}))
    assert (shown["errorcode"], shown["error"]) == (5, "unknown_command")


# -- quotas


def test_a_quota_refuses_with_the_seconds_to_wait_and_ends_with_its_window() -> None:
    bench = Bench(ServiceSettings(SERVICE, KEY, quota=2, quota_window_s=60))
    assert codes([bench.ask(), bench.ask("s", key="k")]) == [0, 0]
    bench.advance(20)
    for exchange in (bench.ask(), bench.ask("s", key="other")):
        shown = content(exchange)
        assert (shown["errorcode"], shown["error"], shown["retry_after"]) == (9, "quota_exceeded", 40)
    assert code(bench.ask("s", key="k")) == 0
    bench.advance(40)
    assert codes([bench.ask(), bench.ask(), bench.ask()]) == [0, 0, 9]
    assert bench.entry()["numreq"] == 4


def test_a_request_that_is_refused_for_another_reason_uses_up_no_quota() -> None:
    bench = Bench(ServiceSettings(SERVICE, KEY, quota=1))
    assert codes([bench.ask(top_k=-1), bench.ask("s", key="k", seq=3), bench.ask(), bench.ask()]) == [4, 18, 0, 9]


# -- access keys


@pytest.fixture
def guarded() -> Bench:
    return Bench(ServiceSettings(SERVICE, KEY, access_keys=("first", "sécond")), ServiceSettings(OTHER, KEY))


@pytest.mark.parametrize("access_key", ["first", "sécond"])
def test_a_right_access_key_is_admitted(guarded: Bench, access_key: str) -> None:
    assert code(guarded.post({"message": "hi"}, access_key=access_key)) == 0


@pytest.mark.parametrize("access_key", [None, "", "First", "first ", KEY])
def test_a_missing_or_wrong_access_key_is_refused_and_not_counted(guarded: Bench, access_key: str | None) -> None:
    for request in ({"message": "hi"}, {"message": "hi", "key": "first"}):
        shown = content(guarded.post(request, access_key=access_key))
        assert (shown["errorcode"], shown["error"]) == (10, "unauthorized")
    assert guarded.entry()["numreq"] == 0


def test_access_keys_mean_nothing_elsewhere(guarded: Bench) -> None:
    assert code(guarded.post({"message": "hi"}, f"/{OTHER}", access_key="whatever")) == 0
    assert len(guarded.post({"command": "getmodels"}, access_key="wrong").answer.content) == 2  # type: ignore[union-attr] # it has one
