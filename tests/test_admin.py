"""The admin API: programs in other languages see and change a running hub, over HTTP on a port of its own."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
from admin_asker import Admin, admin_of
from patience import DEADLINE_S

from mockserver import Clock
from mockserver.admin.routes import routes
from mockserver.admin.shapes import json_text
from mockserver.faults import FAULTS
from mockserver.rules import Rule
from neuroengine import spec
from neuroengine._generated.registry import DEFAULT_SERVICE, ErrorCode

PATH = f"/{DEFAULT_SERVICE}"
GREETING = {"name": "greeting", "when": {"message": "Hello"}, "then": "Hi"}


# -- rules


def test_a_rule_that_is_added_answers_and_counts_its_calls(admin: Admin) -> None:
    (added,) = admin.ask("POST", "/rules", GREETING)["rules"]
    assert (added["name"], added["calls"], added["rule"]) == ("greeting", 0, GREETING)
    assert admin.say("Hello")["reply"] == "Hi"
    listed = admin.ask("GET", "/rules")
    assert listed["strict"] is False
    assert [(one["name"], one["calls"], one["used_up"]) for one in listed["rules"]] == [("greeting", 1, False)]
    assert listed["rules"][0]["criteria"] == 'message = "Hello"'


def test_several_rules_keep_their_order_and_go_before_those_that_are_there(admin: Admin) -> None:
    admin.ask("POST", "/rules", {"name": "old", "then": "old"})
    several = {"$schema": "any", "rules": [{"name": "first", "then": {"reply": "1", "times": 1}}, {"then": "2"}]}
    assert [one["name"] for one in admin.ask("POST", "/rules", several)["rules"]] == ["first", "rule 3"]
    assert [admin.say()["reply"] for _ in range(3)] == ["1", "2", "2"]
    names = [(one["name"], one["used_up"]) for one in admin.ask("GET", "/rules")["rules"]]
    assert names == [("first", True), ("rule 3", False), ("old", False)]


def test_a_wrong_rule_among_several_adds_none(admin: Admin) -> None:
    several = {"rules": [GREETING, {"name": "broken", "then": {"error": "nosuch"}}]}
    status, why = admin.refused("POST", "/rules", several)
    assert status == 400
    assert why.startswith("rule 2 \"broken\": then: there is no error 'nosuch'; the errors are ")
    assert admin.ask("GET", "/rules")["rules"] == []


def test_rules_are_removed_by_their_names_whatever_is_in_them(admin: Admin) -> None:
    for name in ("a/b c", "a/b c", "ü?", "other"):
        admin.ask("POST", "/rules", {"name": name, "then": "x"})
    assert admin.ask("DELETE", "/rules/a%2Fb%20c") == {"removed": 2}
    assert admin.ask("DELETE", "/rules/%C3%BC%3F") == {"removed": 1}
    assert admin.refused("DELETE", "/rules/a%2Fb%20c") == (404, "there is no rule 'a/b c'; there are other")
    assert admin.ask("DELETE", "/rules") == {"removed": 1}
    assert admin.ask("GET", "/rules")["rules"] == []


def test_rules_are_made_strict_until_a_reset(admin: Admin) -> None:
    admin.ask("POST", "/rules", GREETING)
    assert admin.ask("PATCH", "/rules", {"strict": True})["strict"] is True
    assert 'The nearest is greeting (message = "Hello")' in admin.say("Hallo")["reply"]
    assert admin.ask("PATCH", "/rules", {"strict": False})["strict"] is False
    assert admin.say("Hallo")["errorcode"] == 0
    admin.ask("PATCH", "/rules", {"strict": True})
    admin.ask("POST", "/reset")
    assert admin.ask("GET", "/rules")["strict"] is False


def test_a_rule_of_functions_is_listed_without_its_data(admin: Admin) -> None:
    admin.hub.rules.add(Rule(where=lambda _: True, name="function").reply("x"))
    (listed,) = admin.ask("GET", "/rules")["rules"]
    assert (listed["name"], listed["rule"]) == ("function", None)


def test_a_stream_key_in_a_rule_is_hashed_and_the_rest_of_the_rule_stays_as_it_was(admin: Admin) -> None:
    wishes = [{"regex": "canary", "flags": "i"}, {"present": True}, {"one_of": ["canary", "", 1]}, "canary"]
    for wish in wishes:
        admin.ask("POST", "/rules", {"when": {"fields": {"key": wish, "mood": wish}}, "then": "x"})
    listed = [one["rule"]["when"]["fields"] for one in reversed(admin.ask("GET", "/rules")["rules"])]
    assert [fields["mood"] for fields in listed] == wishes
    regex, present, one_of, exact = (fields["key"] for fields in listed)
    assert exact.startswith("sha256:")
    assert regex == {"regex": exact, "flags": "i"}
    assert present == {"present": True}
    assert one_of == {"one_of": [exact, "", 1]}


def test_near_misses_say_why_the_rules_would_not_answer(admin: Admin) -> None:
    admin.ask("POST", "/rules", {"rules": [GREETING, {"name": "far", "when": {"message": "zzz", "service": "Other"}}]})
    misses = admin.ask("POST", "/near-misses", {"service": DEFAULT_SERVICE, "request": {"message": "Hallo"}})
    assert [one["rule"] for one in misses["near_misses"]] == ["greeting", "far"]
    assert misses["near_misses"][0]["why"].endswith('message: wanted "Hello", got "Hallo"')
    assert admin.ask("POST", "/near-misses", {"request": {"message": "Hello"}})["near_misses"][0]["rule"] == "far"
    assert [one["calls"] for one in admin.ask("GET", "/rules")["rules"]] == [0, 0]


# -- faults


def test_a_fault_that_is_added_befalls_and_is_counted_and_removed(admin: Admin) -> None:
    added = admin.ask(
        "POST", "/faults", {"name": "error", "code": "queue_full", "times": 1, "service": DEFAULT_SERVICE}
    )
    assert (added["name"], added["times"], added["befallen"]) == ("error", 1, 0)
    other = admin.ask("POST", "/faults", {"name": "latency", "seconds": 0, "rate": 0.5, "seed": 7})
    assert other["id"] > added["id"]
    assert [admin.say()["errorcode"] for _ in range(2)] == [ErrorCode.QUEUE_FULL, 0]
    listed = admin.ask("GET", "/faults")
    assert [(one["id"], one["name"]) for one in listed["faults"]] == [(added["id"], "error"), (other["id"], "latency")]
    assert listed["faults"][0]["befallen"] == 1
    assert listed["injected"]["error"] == 1
    assert admin.ask("DELETE", f"/faults/{added['id']}") == {"removed": 1}
    assert admin.refused("DELETE", f"/faults/{added['id']}") == (
        404, f"there is no standing fault {added['id']}; there are {other['id']}"
    )  # fmt: skip
    assert admin.ask("DELETE", "/faults") == {"removed": 1}
    assert admin.ask("GET", "/faults")["faults"] == []


def test_the_number_of_a_fault_is_never_given_again(admin: Admin) -> None:
    first = admin.ask("POST", "/faults", {"name": "reset"})["id"]
    admin.ask("DELETE", "/faults")
    assert admin.ask("POST", "/faults", {"name": "reset"})["id"] > first


def test_all_faults_are_told_with_a_sentence_and_their_settings(admin: Admin) -> None:
    known = {one["name"]: one for one in admin.ask("GET", "/faults/known")["faults"]}
    assert known.keys() == FAULTS.keys()
    assert all(one["summary"].endswith(".") and one["legs"] for one in known.values())
    assert "seconds" in known["latency"]["legs"][0]["settings"]


# -- the journal


def test_the_journal_is_read_filtered_and_cleared(admin: Admin) -> None:
    admin.ask("POST", "/rules", {"rules": [GREETING, {"when": {"message": "full"}, "then": {"error": "queue_full"}}]})
    for message in ("Hello", "full", "Hello"):
        admin.say(message)
    admin.say("Hello", service="Nobody")
    entries = admin.ask("GET", "/journal")["entries"]
    numbers = [one["number"] for one in entries]
    assert numbers == [1, 2, 3, 4]
    first = entries[0]
    assert (first["path"], first["service"], first["request"]) == (PATH, DEFAULT_SERVICE, {"message": "Hello"})
    assert (first["rule"], first["code"], first["answer"]["reply"]) == ("greeting", 0, "Hi")

    def found(**query: Any) -> list[int]:
        return [one["number"] for one in admin.ask("GET", "/journal", **query)["entries"]]

    assert found(message="Hello", service=DEFAULT_SERVICE) == [1, 3]
    assert found(service="Nobody") == [4]
    assert found(code="queue_full") == found(code=int(ErrorCode.QUEUE_FULL)) == [2]
    assert found(after=2) == [3, 4]
    assert found(message="Hello", after=1, code=0) == [3]
    archive = admin.ask("GET", "/journal.har")
    assert archive["log"]["entries"][0]["request"]["url"] == admin.hub.url + PATH
    assert len(archive["log"]["entries"]) == 4
    assert admin.ask("DELETE", "/journal") == {"removed": 4}
    assert admin.ask("GET", "/journal") == {"entries": []}
    admin.say()
    assert found() == [5]


def test_what_json_cannot_hold_is_named_in_an_answer() -> None:
    content = {"high": float("inf"), "low": float("-inf"), "none": float("nan"), "rest": [1.5, "ü\ud800"]}
    assert json_text(content) == (
        b'{"high": "Infinity", "low": "-Infinity", "none": "NaN", "rest": [1.5, "\\u00fc\\ud800"]}'
    )


# -- the hub


def test_the_overview_says_where_the_hub_is_and_what_there_is(admin: Admin) -> None:
    overview = admin.ask("GET", "/")
    assert (overview["url"], overview["provider"]) == (admin.hub.url, admin.hub.provider)
    assert overview["ca_file"] == admin.hub.ca_file
    assert [(one["method"], one["path"]) for one in overview["routes"]] == [(one.method, one.path) for one in routes()]


def test_a_reset_makes_the_hub_as_it_was_in_the_beginning() -> None:
    with admin_of(rules=[Rule("first").reply("1")], faults=["latency"]) as admin:
        admin.ask("DELETE", "/faults")
        admin.ask("POST", "/rules", GREETING)
        admin.say()
        for _ in range(2):
            assert admin.ask("POST", "/reset", {}) == {"rules": 1, "faults": 1, "journal": 0}
        assert [one["criteria"] for one in admin.ask("GET", "/rules")["rules"]] == ['message = "first"']
        assert admin.hub.url == admin.ask("GET", "/")["url"]


def test_the_services_are_told_with_what_goes_on_at_them(admin: Admin) -> None:
    admin.say("Hello")
    (service,) = admin.ask("GET", "/services")["services"]
    assert (service["name"], service["connected"], service["numreq"]) == (DEFAULT_SERVICE, True, 1)


def test_time_passes_at_once_and_what_waited_is_answered() -> None:
    with admin_of(clock=Clock.stepped(), rules=[Rule("slow").reply("late").delay(180)]) as admin:
        assert admin.ask("GET", "/clock") == {"time_s": 0, "scale": 0, "waiting": 0}
        with httpx.Client(verify=False, timeout=DEADLINE_S) as client:  # noqa: S501 - the throw-away hub of this test
            answers: list[Any] = []
            waiting = threading.Thread(
                target=lambda: answers.append(client.post(admin.hub.url + PATH, json={"message": "slow"}).json())
            )
            waiting.start()
            admin.hub.until_waiting()
            assert admin.ask("GET", "/clock")["waiting"] == 1
            assert admin.ask("POST", "/clock", {"advance": 180.5}) == {"time_s": 180.5, "scale": 0, "waiting": 0}
            waiting.join(DEADLINE_S)
        assert answers[0]["reply"] == "late"


def test_the_clock_runs_at_another_speed_or_stands() -> None:
    with admin_of(rules=[Rule("slow").reply("late").delay(10_000)]) as admin, ThreadPoolExecutor(1) as pool:
        assert admin.ask("PATCH", "/clock", {"scale": 0})["scale"] == 0
        stands = admin.ask("GET", "/clock")["time_s"]
        answer = pool.submit(admin.say, "slow")
        admin.hub.until_waiting()
        assert admin.ask("GET", "/clock") == {"time_s": stands, "scale": 0, "waiting": 1}
        assert admin.ask("PATCH", "/clock", {"scale": 1e6})["scale"] == 1e6
        assert answer.result(DEADLINE_S)["reply"] == "late"
        assert admin.ask("POST", "/reset")
        assert admin.ask("GET", "/clock")["scale"] == 1e6


def test_every_route_was_asked_and_answers_as_its_schema_has_it(admin: Admin) -> None:
    """One pass through all of them: `ask` holds each answer against the schema."""
    admin.used.clear()
    admin.ask("POST", "/rules", GREETING)
    fault = admin.ask("POST", "/faults", {"name": "latency", "seconds": 0})["id"]
    admin.say()
    admin.ask("POST", "/near-misses", {"request": {"message": "Hallo"}})
    admin.ask("POST", "/clock", {"advance": 1})
    admin.ask("DELETE", "/rules/greeting")
    admin.ask("DELETE", f"/faults/{fault}")
    admin.ask("PUT", "/services/MYGPT", {})
    admin.ask("PATCH", "/services/MYGPT", {"quota": 1})
    paths = ("/", "/rules", "/faults", "/faults/known", "/journal", "/journal.har", "/services", "/services/MYGPT")
    for path in (*paths, "/clock"):
        admin.ask("GET", path)
    admin.ask("DELETE", "/services/MYGPT")
    admin.ask("PATCH", "/rules", {"strict": False})
    admin.ask("PATCH", "/clock", {"scale": 1})
    assert admin.ask("GET", "/openapi.json") == spec.read_json("mock/admin.openapi.json")
    for path in ("/rules", "/faults", "/journal"):
        admin.ask("DELETE", path)
    admin.ask("POST", "/reset")
    assert admin.used == {one.name for one in routes()}
