"""The admin API's services: programs in other languages make, change and remove them while the hub goes on."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import httpx
from admin_asker import Admin, admin_of
from patience import DEADLINE_S
from record_provider import RecordProvider

from mockserver import MockHub, ServiceSettings
from neuroengine._generated.registry import DEFAULT_SERVICE, HUB_LIMITS, ErrorCode

NAME = "MYGPT"
PATH = f"/services/{NAME}"


def provider(admin: Admin, key: str) -> RecordProvider:
    """One that has logged in."""
    return RecordProvider(admin.hub.provider, admin.hub.ca_file, DEADLINE_S).login(NAME, key)


def is_refused(admin: Admin, key: str) -> bool:
    """Whether a provider with this key cannot log in."""
    with RecordProvider(admin.hub.provider, admin.hub.ca_file, DEADLINE_S) as link:
        link.send(json.dumps({"user": NAME, "key": key}).encode())
        return link.record().strip() != b"OK"


def code(admin: Admin, service: str = NAME) -> int:
    return int(admin.say(service=service, max_new_len=1)["errorcode"])


def test_a_service_that_is_put_is_there_as_a_configuration_would_have_it(admin: Admin) -> None:
    assert code(admin) == ErrorCode.UNKNOWN_SERVICE
    pace = {"first_token_s": 0, "tokens_per_s": 1000, "jitter": 0, "seed": 0}
    said = {"comment": "c", "operator": "@o", "preprompt": "p", "endprompt": "e", "quota": 1.0, "quota_window_s": 9}
    put = admin.ask("PUT", PATH, {"key": "KEY", "access_keys": ["ONE", "TWO"], "pace": pace, **said})
    assert put == {
        "name": NAME, "connected": True, "numreq": 0, "queuelen": 0, "answered_by": "model", "access_keys": 2,
        "offline": False, "pace": pace, **said,
    }  # fmt: skip
    assert admin.ask("GET", PATH) == put
    assert [one["name"] for one in admin.list_models()] == [DEFAULT_SERVICE, NAME]
    assert code(admin) == ErrorCode.UNAUTHORIZED
    for key, errorcode in (("THREE", ErrorCode.UNAUTHORIZED), ("TWO", 0), ("ONE", ErrorCode.QUOTA_EXCEEDED)):
        with httpx.Client(transport=admin.hub.transport(), headers={"Authorization": f"Bearer {key}"}) as client:
            answer = client.post(f"{admin.hub.url}/{NAME}", json={"message": "x", "max_new_len": 1}).json()
            assert answer["errorcode"] == errorcode
    with provider(admin, "KEY"):
        assert admin.ask("GET", PATH)["answered_by"] == "provider"


def test_what_is_left_out_of_a_put_has_its_default_and_of_a_patch_stays(admin: Admin) -> None:
    admin.ask("PUT", PATH, {"key": "KEY", "access_keys": ["ONE"], "quota": 0, "comment": "mine"})
    changed = admin.ask("PATCH", PATH, {"comment": "yours", "access_keys": []})
    assert (changed["comment"], changed["access_keys"], changed["quota"]) == ("yours", 0, 0)
    assert code(admin) == ErrorCode.QUOTA_EXCEEDED
    assert admin.ask("PATCH", PATH, {"quota": None})["quota"] is None
    assert code(admin) == 0
    assert not is_refused(admin, "KEY")
    put = admin.ask("PUT", PATH, {})
    assert (put["comment"], put["numreq"]) == (f"The simulated model as {NAME}", 1)
    assert is_refused(admin, "KEY")


def test_a_change_keeps_the_provider_unless_its_key_is_another_one(admin: Admin) -> None:
    admin.ask("PUT", PATH, {"key": "KEY"})
    with provider(admin, "KEY") as link, ThreadPoolExecutor(1) as pool:
        assert admin.ask("PUT", PATH, {"key": "KEY", "comment": "new"})["answered_by"] == "provider"
        answer = pool.submit(admin.say, service=NAME)
        assert link.frame()["message"] == "Hello"
        link.answer("from the provider")
        assert answer.result(DEADLINE_S)["reply"] == "from the provider"
        away = admin.ask("PATCH", PATH, {"key": "OTHER"})
        assert (away["connected"], away["answered_by"]) == (False, None)
        assert link.record() == b""


def test_a_service_that_is_removed_ends_its_link_and_answers_all_that_waits(admin: Admin) -> None:
    admin.ask("PUT", PATH, {"key": "KEY"})
    with provider(admin, "KEY") as link, ThreadPoolExecutor(3) as pool:
        asked = [pool.submit(admin.say, "first", NAME)]
        assert link.frame()["message"] == "first"
        for number in (2, 3):
            asked.append(pool.submit(admin.say, "later", NAME))
            admin.hub.until_waiting(number)
        assert admin.ask("GET", PATH)["queuelen"] == 2
        assert admin.ask("DELETE", PATH) == {"removed": 1}
        assert link.record() == b""
        codes = [one.result(DEADLINE_S)["errorcode"] for one in asked]
        assert codes == [ErrorCode.PROVIDER_ERROR, ErrorCode.PROVIDER_OFFLINE, ErrorCode.PROVIDER_OFFLINE]
    assert code(admin) == ErrorCode.UNKNOWN_SERVICE
    assert code(admin, DEFAULT_SERVICE) == 0
    assert admin.refused("GET", PATH)[0] == admin.refused("DELETE", PATH)[0] == 404
    assert is_refused(admin, "KEY")


def test_a_service_of_the_name_of_a_removed_one_begins_anew(admin: Admin) -> None:
    admin.ask("PUT", PATH, {})
    assert code(admin) == 0
    admin.ask("DELETE", PATH)
    assert admin.ask("PUT", PATH, {"offline": True})["numreq"] == 0
    assert admin.ask("GET", PATH)["answered_by"] is None
    assert code(admin) == ErrorCode.PROVIDER_OFFLINE


def test_the_last_service_can_be_removed_and_the_list_is_empty_then(admin: Admin) -> None:
    admin.ask("DELETE", f"/services/{DEFAULT_SERVICE}")
    assert admin.ask("GET", "/services") == {"services": []}
    assert admin.list_models() == []
    assert admin.refused("DELETE", PATH) == (404, f"there is no service '{NAME}'; there are none")


def test_services_change_without_touching_rules_faults_or_the_journal(admin: Admin) -> None:
    admin.ask("POST", "/rules", {"name": "mine", "then": "Hi"})
    admin.ask("POST", "/faults", {"name": "latency", "seconds": 0})
    admin.say()
    for method, body in (("PUT", {}), ("PATCH", {"quota": 5}), ("DELETE", None)):
        admin.ask(method, PATH, body)
    assert [one["name"] for one in admin.ask("GET", "/rules")["rules"]] == ["mine"]
    assert len(admin.ask("GET", "/faults")["faults"]) == 1
    assert len(admin.ask("GET", "/journal")["entries"]) == 1


def test_a_reset_undoes_it(admin: Admin) -> None:
    admin.ask("PUT", PATH, {})
    admin.ask("PATCH", f"/services/{DEFAULT_SERVICE}", {"quota": 0})
    admin.ask("POST", "/reset")
    (only,) = admin.ask("GET", "/services")["services"]
    assert (only["name"], only["quota"]) == (DEFAULT_SERVICE, None)
    assert [one.name for one in admin.hub.services] == [DEFAULT_SERVICE]


def test_a_wrong_hub_has_its_services_told_as_they_are() -> None:
    with admin_of(wrong="connected_for_ever", services={NAME: "KEY"}) as admin:
        with provider(admin, "KEY") as link:
            admin.ask("DELETE", PATH)
            assert link.record() == b""
        admin.ask("PUT", PATH, {"offline": True})
        assert admin.ask("GET", PATH)["connected"] is False


def test_python_changes_the_services_of_a_running_hub_alike() -> None:
    hub = MockHub({"One": "KEY"}, limits={"queue_s": HUB_LIMITS["queue_s"]})
    rule = hub.on().reply("Hi")
    hub.change_services({"One": "KEY", "Two": "KEY"})
    with httpx.Client(transport=hub.transport(), base_url="http://hub") as client:
        assert client.post("/Two", json={"message": "x"}).json()["reply"] == "Hi"
        hub.change_services([ServiceSettings("Three", "KEY")])
        assert client.post("/Two", json={"message": "x"}).json()["errorcode"] == ErrorCode.UNKNOWN_SERVICE
    assert [one.name for one in hub.services] == ["Three"]
    assert list(hub.rules) == [rule]
    hub.reset()
    assert [one.name for one in hub.services] == ["One"]
