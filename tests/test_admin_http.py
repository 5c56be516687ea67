"""The admin API on the wire: who may ask, what is refused and in which words, and what its document says."""

from __future__ import annotations

import http.client
import json
import logging
import threading
from contextlib import closing
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from jsonschema import Draft202012Validator
from patience import DEADLINE_S

from mockserver import MockHub
from mockserver.admin.app import AdminApp
from mockserver.admin.routes import routes
from mockserver.rules import PRESENT, OneOf, Rule
from mockserver.state.service_settings import ServiceSettings
from neuroengine import spec
from neuroengine._generated.registry import HTTP_BODY_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCUMENT = spec.read_json("mock/admin.openapi.json")
OPERATIONS = {
    (method.upper(), path): operation for path, item in DOCUMENT["paths"].items() for method, operation in item.items()
}


@pytest.fixture(scope="module")
def shared() -> Iterator[MockHub]:
    with MockHub(admin=True) as hub:
        yield hub


@pytest.fixture
def hub(shared: MockHub) -> MockHub:
    shared.reset()
    return shared


def raw(
    hub: MockHub, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
) -> tuple[int, http.client.HTTPMessage, Any]:
    """Asks as a program with nothing but a socket would: status, headers and content."""
    host = hub.admin_url.removeprefix("http://")
    with closing(http.client.HTTPConnection(host, timeout=DEADLINE_S)) as connection:
        given = {"Host": host} | (headers or {})
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in given.items():
            if value:
                connection.putheader(name, value)
        if body is not None and "Content-Length" not in given:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        response = connection.getresponse()
        text = response.read()
        return response.status, response.headers, json.loads(text) if text else None


def test_a_program_needs_no_more_than_http_and_json(hub: MockHub) -> None:
    body = b'{"when": {"message": "Hello"}, "then": "Hi"}'
    form = {"Content-Type": "application/x-www-form-urlencoded"}  # what curl says unless it is told otherwise
    status, headers, content = raw(hub, "POST", "/rules", body, form)
    assert (status, headers["content-type"]) == (201, "application/json")
    assert content["rules"][0]["rule"] == json.loads(body)
    assert [rule.name for rule in hub.rules] == ["rule 1"]
    assert raw(hub, "DELETE", "/rules/")[::2] == (200, {"removed": 1})


# -- who may ask


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost@evil.example:80", "10.0.0.1", ""]
)
def test_a_host_that_is_not_loopback_is_refused(hub: MockHub, host: str) -> None:
    status, _, content = raw(hub, "POST", "/rules", b'{"then": "x"}', {"Host": host})
    assert status == 403
    assert content["error"].startswith("the header Host must be localhost, 127.0.0.1 or [::1]")
    assert (repr(host) if host else "left out") in content["error"]
    assert len(hub.rules) == 0


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:80", "127.0.0.1", "[::1]:4444"])
def test_every_name_of_loopback_is_let_in(hub: MockHub, host: str) -> None:
    assert raw(hub, "GET", "/clock", headers={"Host": host})[0] == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:1", "http://127.0.0.1"])
@pytest.mark.parametrize(("method", "path"), [("GET", "/journal"), ("POST", "/reset"), ("OPTIONS", "/rules")])
def test_a_page_of_another_origin_is_refused_and_may_not_read_why(
    hub: MockHub, origin: str, method: str, path: str
) -> None:
    hub.on("x").reply("y")
    status, headers, content = raw(hub, method, path, headers={"Origin": origin})
    assert status == 403
    assert repr(origin) in content["error"]
    assert not [name for name in headers if name.lower().startswith("access-control-")]
    assert len(hub.rules) == 1


def test_its_own_origin_is_let_in_and_nothing_says_cors(hub: MockHub) -> None:
    status, headers, _ = raw(hub, "GET", "/", headers={"Origin": hub.admin_url})
    assert status == 200
    assert not [name for name in headers if name.lower().startswith("access-control-")]
    assert headers["x-content-type-options"] == "nosniff"


# -- what is refused


@pytest.mark.parametrize(
    ("method", "path", "body", "why"),
    [
        ("POST", "/rules", b"", "the body must be one JSON object: it is not JSON: "),
        ("POST", "/rules", b"[]", "the body must be one JSON object: it is JSON, but not an object"),
        ("POST", "/rules", b"\xff", "the body must be one JSON object: it is not UTF-8: byte 0 is wrong"),
        ("POST", "/rules", b'{"then": "a", "then": "b"}', "the body must be one JSON object: an object in it names a"),
        ("POST", "/rules", b'{"priority": NaN}', "the body must be one JSON object: NaN is not JSON"),
        ("POST", "/rules", b'{"name": 1}', "name must be text; it was 1"),
        ("POST", "/rules", b'{"rules": [{"name": 1}]}', "rule 1: name must be text; it was 1"),
        ("POST", "/rules", b'{"rules": [], "services": []}', "services is not known here; known are $schema, rules"),
        ("POST", "/rules", b'{"when": {"message": {"regex": "("}}}', "rule 1: when: the regular expression '(' is"),
        ("POST", "/rules", b'{"then": {"faults": [{"name": "reset", "self": 1}]}}', "rule 1: then: the fault 'reset'"),
        ("PATCH", "/rules", b'{"strict": 1}', "strict must be true or false; it was 1"),
        ("POST", "/near-misses", b"{}", "request is missing"),
        ("POST", "/near-misses", b'{"request": "x"}', 'request must be a table; it was "x"'),
        ("POST", "/faults", b"{}", "name is missing"),
        ("POST", "/faults", b'{"name": "nosuch"}', "there is no fault 'nosuch'; there are latency, "),
        ("POST", "/faults", b'{"name": "reset", "self": 1}', "the fault 'reset' has no setting 'self'"),
        ("POST", "/faults", b'{"name": "latency", "rate": 2}', "rate must be a finite number from 0 to 1; it was 2"),
        ("POST", "/faults", b'{"name": "latency", "seconds": -1}', "the fault 'latency' has a wrong setting 'seconds'"),
        ("POST", "/clock", b"{}", "advance is missing"),
        ("POST", "/clock", b'{"advance": -1}', "advance must be a finite number, 0 or more; it was -1"),
        ("POST", "/clock", b'{"advance": 1, "scale": 2}', "scale is not known here; known are advance"),
        ("POST", "/clock", b'{"advance": 1e308}', "a clock ends at 1e+12 s; it cannot go on by 1e+308 s at "),
        ("PATCH", "/clock", b'{"scale": 1e308}', "a clock's `scale` must be a finite number from 0 to 1e+09; it was"),
        ("PATCH", "/clock", b"{}", "scale is missing"),
        ("PATCH", "/clock", b'{"scale": -1}', "scale must be a finite number, 0 or more; it was -1"),
        ("PATCH", "/clock", b'{"scale": 1e999}', "the body must be one JSON object: "),
        ("PUT", "/services/no%20name", b"{}", "the service name 'no name' is wrong: it must be 1 to 64 letters"),
        ("PUT", "/services/A", b'{"name": "B"}', "name is not known here; known are key, access_keys, "),
        ("PUT", "/services/A", b'{"key_env": "HOME"}', "key_env is not known here; known are key, access_keys, "),
        ("PUT", "/services/A", b'{"key": ""}', "key must be text that is not empty"),
        ("PUT", "/services/A", b'{"access_keys": "x"}', "access_keys must be a list"),
        ("PUT", "/services/A", b'{"quota": -1}', "quota must be a whole number, 0 or more; it was -1"),
        ("PUT", "/services/A", b'{"quota_window_s": 0}', "quota_window_s must be a finite number above 0; it was 0"),
        ("PUT", "/services/A", b'{"pace": {"tokens_per_s": 0}}', "pace.tokens_per_s must be a finite number above 0"),
        ("POST", "/reset", b'{"strict": true}', "the body must be left out, or empty; it holds 'strict'"),
        ("GET", "/journal?wanted=1", None, "the query's 'wanted' is not known here; known are service, message, "),
        ("GET", "/journal?code=1&code=2", None, "the query's 'code' must be given once; it was given twice"),
        ("GET", "/journal?code=nosuch", None, "there is no error 'nosuch'; the errors are "),
        ("GET", "/journal?after=-1", None, "'after' must be a whole number, 0 or more; it was '-1'"),
        ("GET", "/journal?after=" + "9" * 5000, None, "'after' must be a whole number, 0 or more; it was '9"),
        ("GET", "/rules?x", None, "the query's 'x' is not known here; known are none"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_in_one_sentence_and_changes_nothing(
    hub: MockHub, method: str, path: str, body: bytes | None, why: str
) -> None:
    status, _, content = raw(hub, method, path, body)
    assert (status, list(content)) == (400, ["error"])
    assert content["error"].startswith(why)
    assert (len(hub.rules), list(hub.faults)) == (0, [])


@pytest.mark.parametrize(
    ("method", "path", "why"),
    [
        ("GET", "/nothing", "there is nothing at '/nothing'; there are /, /reset, /rules, "),
        ("GET", "/rules/a/b", "there is nothing at '/rules/a/b'; "),
        ("DELETE", "/rules/none", "there is no rule 'none'; there are none"),
        ("DELETE", "/faults/7777", "there is no standing fault 7777; there are none"),
        ("GET", "/services/none", "there is no service 'none'; there are Neuroengine-Large"),
        ("DELETE", "/services/none", "there is no service 'none'; there are Neuroengine-Large"),
        ("DELETE", "/faults/first", "'id' must be a whole number, 0 or more; it was 'first'"),
    ],
)
def test_what_is_not_there_is_said_with_what_is(hub: MockHub, method: str, path: str, why: str) -> None:
    status, _, content = raw(hub, method, path)
    assert status == 404
    assert content["error"].startswith(why)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/rules", "GET, POST, PATCH, DELETE"),
        ("GET", "/reset", "POST"),
        ("DELETE", "/faults/known", "GET"),
        ("GET", "/faults/1", "DELETE"),
        ("HEAD", "/clock", "GET, POST, PATCH"),
        ("POST", "/services/MYGPT", "GET, PUT, PATCH, DELETE"),
        ("PUT", "/services", "GET"),
        ("OPTIONS", "/", "GET"),
    ],
)
def test_another_method_is_refused_with_those_that_are_allowed(
    hub: MockHub, method: str, path: str, allowed: str
) -> None:
    status, headers, content = raw(hub, method, path)
    assert (status, headers["allow"]) == (405, allowed)
    if method != "HEAD":
        assert content["error"] == f"the method must be {allowed.replace(', ', ' or ')} at {path!r}; it was {method}"


def test_a_body_over_the_limit_is_refused_whether_its_length_is_told_or_not(hub: MockHub) -> None:
    def answer(**given: Any) -> tuple[int, str]:
        with httpx.Client(base_url=hub.admin_url, timeout=DEADLINE_S) as client:
            response = client.post("/rules", **given)
        return response.status_code, response.json()["error"]

    why = f"the body must be {HTTP_BODY_BYTES} bytes at most; it is larger"
    status, _, content = raw(hub, "POST", "/rules", headers={"Content-Length": str(HTTP_BODY_BYTES + 1)})
    assert (status, content["error"]) == (413, why)
    assert answer(content=(b" " * 65536 for _ in range(HTTP_BODY_BYTES // 65536 + 1))) == (413, why)
    fits = b'{"then": "x"}'
    assert raw(hub, "POST", "/rules", fits + b" " * (HTTP_BODY_BYTES - len(fits)))[0] == 201


def test_a_failure_of_its_own_is_said_as_json_too(hub: MockHub, caplog: pytest.LogCaptureFixture) -> None:
    def broken(_: object) -> bool:
        raise LookupError("the test's own")

    hub.rules.add(Rule(where=broken))
    with caplog.at_level(logging.CRITICAL, logger="mockserver"):
        status, _, content = raw(hub, "POST", "/near-misses", b'{"request": {"message": "x"}}')
    assert (status, content) == (500, {"error": "the mock hub failed: LookupError: the test's own"})


# -- hubs


def test_it_is_off_unless_it_is_asked_for() -> None:
    with MockHub() as hub, pytest.raises(RuntimeError, match="make it with admin=True"):
        _ = hub.admin_url
    with pytest.raises(ValueError, match="admin_port, 9443, but no admin API"):
        MockHub(admin_port=9443)
    with pytest.raises(RuntimeError, match="no address before it is started"):
        _ = MockHub(admin=True).admin_url


def test_the_hub_s_own_port_knows_nothing_of_it(hub: MockHub) -> None:
    with httpx.Client(transport=hub.transport()) as client:
        assert client.post(f"{hub.url}/reset", json={}).json()["errorcode"] != 0
        assert client.get(f"{hub.url}/rules").status_code == 405


def test_a_taken_port_is_said_and_nothing_stays_open(hub: MockHub) -> None:
    port = int(hub.admin_url.rpartition(":")[2])
    other = MockHub(admin=True, admin_port=port)
    with pytest.raises(OSError, match=f"port {port} on 127.0.0.1 cannot be used"):
        other.start()


def test_each_hub_has_its_own() -> None:
    with MockHub(admin=True) as first, MockHub(admin=True) as second:
        assert first.admin_url != second.admin_url
        raw(first, "POST", "/rules", b'{"name": "mine", "then": "x"}')
        raw(first, "POST", "/faults", b'{"name": "reset"}')
        assert raw(second, "GET", "/rules")[2]["rules"] == []
        assert raw(second, "POST", "/reset")[0] == 200
        assert [rule.name for rule in first.rules] == ["mine"]
        assert [fault.name for fault in first.faults] == ["reset"]


def test_a_hub_that_is_started_again_has_it_again() -> None:
    hub = MockHub(admin=True)
    for _ in range(2):
        with hub:
            assert raw(hub, "GET", "/clock")[0] == 200


def test_what_acts_when_the_hub_stops_is_ended_first_and_nothing_acts_later(monkeypatch: pytest.MonkeyPatch) -> None:
    acts, goes_on = threading.Event(), threading.Event()
    seen: list[bool] = []
    finish = AdminApp.finish

    async def finish_and_let_go(self: AdminApp, _: float) -> None:
        goes_on.set()
        await finish(self, DEADLINE_S)

    monkeypatch.setattr(AdminApp, "finish", finish_and_let_go)
    hub = MockHub(admin=True).start()

    def slow_reset(*_: object) -> dict[str, int]:
        acts.set()
        goes_on.wait(DEADLINE_S)
        seen.append(hub._keeper.is_closed)
        return {"rules": 0, "faults": 0, "journal": 0}

    monkeypatch.setattr("mockserver.admin.actions.Actions.reset", slow_reset)
    answers: list[tuple[int, Any]] = []
    asking = threading.Thread(target=lambda: answers.append(raw(hub, "POST", "/reset")[::2]))
    asking.start()
    assert acts.wait(DEADLINE_S)
    hub.stop()
    asking.join(DEADLINE_S)
    assert seen == [False]
    assert answers == [(200, {"rules": 0, "faults": 0, "journal": 0})]


def test_no_key_is_in_any_answer() -> None:
    kinds = ("SERVICE", "ACCESS", "STREAM", "RULED", "CHOSEN", "ASKED", "PUT", "PUT-ACCESS")
    canaries = [f"{kind}-CANARY" for kind in kinds]
    service = ServiceSettings("Mine", canaries[0], access_keys=(canaries[1],))
    with MockHub([service], admin=True) as hub:
        hub.on(fields={"key": canaries[3]}).reply("x")
        hub.on(fields={"key": PRESENT}).delay(0)
        hub.on(fields={"key": OneOf(canaries[4], "other")}, call=2).fail("queue_full")
        with httpx.Client(transport=hub.transport(), headers={"Authorization": f"Bearer {canaries[1]}"}) as client:
            body = {"message": "Hello", "key": canaries[2]}
            assert client.post(f"{hub.url}/Mine", json=body).json()["errorcode"] == 0
        said = [
            raw(hub, "POST", "/near-misses", json.dumps({"request": {"message": "x", "key": canaries[5]}}).encode())
        ]
        said += [raw(hub, one.method, one.path.replace("{name}", "Mine")) for one in routes() if one.method == "GET"]
        keys = {"key": canaries[6], "access_keys": [canaries[7]]}
        said += [raw(hub, method, "/services/Other", json.dumps(keys).encode()) for method in ("PUT", "PATCH")]
        said.append(raw(hub, "GET", "/services/Other"))
        said.append(raw(hub, "POST", "/reset"))
        assert [status for status, _, _ in said] == [200] * len(said)
        text = "".join(f"{headers}{json.dumps(content)}" for _, headers, content in said)
    assert "sha256:" in text
    assert [canary for canary in canaries if canary in text] == []


@pytest.mark.parametrize("keys", [{"key": ["CANARY"]}, {"access_keys": ["ok", ["CANARY"]]}, {"access_keys": "CANARY"}])
def test_a_key_that_is_refused_is_not_in_the_refusal(hub: MockHub, keys: Any) -> None:
    status, _, content = raw(hub, "PUT", "/services/A", json.dumps(keys).encode())
    assert status == 400
    assert "must be" in content["error"]
    assert "CANARY" not in content["error"]


def test_a_wrong_hub_that_shows_its_key_in_the_model_list_shows_it_nowhere_else() -> None:
    with MockHub({"Mine": "CANARY"}, admin=True, wrong="key_listed") as hub:
        with httpx.Client(transport=hub.transport()) as client:
            assert "CANARY" in client.post(hub.url, json={"command": "getmodels"}).text
        for path in ("/services", "/services/Mine"):
            assert "CANARY" not in str(raw(hub, "GET", path))


# -- the document


def test_the_document_holds_every_route_and_nothing_else() -> None:
    assert sorted(OPERATIONS) == sorted((one.method, one.path) for one in routes())
    for route in routes():
        operation = OPERATIONS[route.method, route.path]
        assert operation["operationId"] == route.name
        assert ("requestBody" in operation) == bool(route.body)
        assert [one["name"] for one in operation.get("parameters", ())] == [one["name"] for one in route.parameters]
        assert str(route.status) in operation["responses"]


def test_every_operation_is_answered_by_a_hub(hub: MockHub) -> None:
    for method, path in OPERATIONS:
        status, _, content = raw(hub, method, path)
        assert status != 405
        assert "there is nothing at" not in str(content.get("error"))


def test_the_document_defines_all_that_it_names_and_nothing_more() -> None:
    defined = {f"#/components/schemas/{name}" for name in DOCUMENT["components"]["schemas"]}
    named: set[str] = set()

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            named.update(value for name, value in node.items() if name == "$ref")
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(DOCUMENT)
    assert named == defined


SCHEMAS = DOCUMENT["components"]["schemas"]
OWN = spec.read_json("mock/admin.schema.json")["$defs"]


@pytest.mark.parametrize("name", OWN)
def test_every_definition_is_described_and_its_examples_are_valid(name: str) -> None:
    assert OWN[name]["title"]
    assert OWN[name]["description"].endswith(".")
    parts = {"": (SCHEMAS[name], {"$ref": f"#/components/schemas/{name}"})}
    for member, property_ in OWN[name].get("properties", {}).items():
        parts[member] = (property_, {"$ref": f"#/components/schemas/{name}/properties/{member}"})
    for part, reference in parts.values():
        assert part["title"]
        assert part["description"].endswith(".")
        assert part["examples"]
        for example in part["examples"]:
            Draft202012Validator({**DOCUMENT, **reference}).validate(example)
