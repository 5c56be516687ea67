"""The mock hub against the HTTP vectors of spec/vectors/http_*.json.

The vectors as data (shape, names, agreement with the message schemas) are tested in `test_http_vector_data.py`.
"""

from __future__ import annotations

import copy
import http.client
import json
import ssl
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from patience import DEADLINE_S
from vector_runner import SERVICE, VECTORS, Json, Post, Received, Run, over, run, schema_of

from mockserver import MockHub
from mockserver.wrong import WRONG_HUBS

if TYPE_CHECKING:
    from collections.abc import Iterator

OVER_TLS = (
    "published-example",
    "content-type-none",
    "utf-8",
    "body-of-16-kib",
    "stream-many-pieces",
    "seq-to-the-end",
    "getmodels-at-root",
)
JUDGED = {name for vector in VECTORS.values() for name in vector["requirements"]}


@pytest.fixture(scope="module")
def plain() -> Iterator[Post]:
    with MockHub(services={SERVICE: "SERVICE-KEY"}, tls=False) as hub:
        connection = http.client.HTTPConnection(hub.url.removeprefix("http://"), timeout=DEADLINE_S)
        yield over(connection)
        connection.close()


@pytest.fixture(scope="module")
def tls() -> Iterator[Post]:
    with MockHub(services={SERVICE: "SERVICE-KEY"}) as hub:
        trust = ssl.create_default_context(cafile=hub.ca_file)
        connection = http.client.HTTPSConnection(hub.url.removeprefix("https://"), timeout=DEADLINE_S, context=trust)
        yield over(connection)
        connection.close()


@pytest.mark.parametrize("name", VECTORS)
def test_the_mock_hub_answers_as_the_vector_says(plain: Post, name: str) -> None:
    result = run(plain, VECTORS[name])
    assert (result.unjudged, result.problems) == ("", [])
    for answer in (answer for answers in result.answers for answer in answers):
        schema_of(own_form(answer.content)).validate(answer.content)


def own_form(content: Any) -> str:
    """The closed definition that an answer of the mock hub's own is valid against."""
    if isinstance(content, list):
        return "ModelList"
    return "ErrorAnswer" if content["errorcode"] else "SuccessAnswer"


@pytest.mark.parametrize("name", OVER_TLS)
def test_the_mock_hub_answers_the_same_over_tls(tls: Post, name: str) -> None:
    result = run(tls, VECTORS[name])
    assert (result.unjudged, result.problems) == ("", [])


WRONG: Json = {
    "status": 599,
    "field": "x",
    "absent": ["reply"],
    "members": {"seq": -1},
    "reply": {"equals": "x"},
    "service_entry": {"connected": 0},
}
"""For the parts of a check: an expectation that no answer of the vectors below meets."""


def changed(vector: Json) -> Iterator[Json]:
    """The vector with one expectation made wrong, for each part of each step."""
    for number, step in enumerate(vector["steps"]):
        for part, value in step.get("expect", {}).items():
            wrong = WRONG | {"code": 0 if value in {"any-error", 6} else 6} if part == "code" else WRONG
            if part in wrong:
                mutant = copy.deepcopy(vector)
                mutant["steps"][number]["expect"][part] = wrong[part]
                yield mutant
        if "joined" in step:
            mutant = copy.deepcopy(vector)
            mutant["steps"][number]["joined"]["steps"] *= 2
            yield mutant


@pytest.mark.parametrize(
    "name",
    [
        "success-status",
        "temperature-out-of-range",
        "error-name",
        "seq-beyond-the-end",
        "stream-keys-apart",
        "getmodels-service-connected",
        "stream-conflict",
    ],
)
def test_a_changed_expectation_does_not_hold(plain: Post, name: str) -> None:
    mutants = list(changed(VECTORS[name]))
    assert mutants
    for mutant in mutants:
        assert run(plain, mutant).problems, mutant


@pytest.mark.parametrize("row", sorted({wrong.breaks for wrong in WRONG_HUBS.values()} & JUDGED))
def test_the_vectors_of_a_requirement_tell_a_hub_that_breaks_it(row: str) -> None:
    """Wrong hubs are finer than examples, so one of them is enough."""
    judging = [vector for vector in VECTORS.values() if row in vector["requirements"]]
    assert any(has_problem(name, judging) for name, wrong in WRONG_HUBS.items() if wrong.breaks == row)


def has_problem(name: str, judging: list[Json]) -> bool:
    """Whether a wrong hub fails one of the vectors."""
    with (
        MockHub(services={SERVICE: "SERVICE-KEY"}, tls=False, wrong=name) as hub,
        closing(http.client.HTTPConnection(hub.url.removeprefix("http://"), timeout=DEADLINE_S)) as connection,
    ):
        return any(run(over(connection), vector).problems for vector in judging)


def test_every_part_of_a_check_can_fail() -> None:
    judge = Run(over(http.client.HTTPConnection("unused.invalid")))
    piece = {"reply": "a b", "errorcode": 0}
    models = [{"name": SERVICE, "connected": True, "numreq": 0, "queuelen": 0, "comment": "", "operator": ""}]
    judge.answers = [[answer_of({"reply": "first", "errorcode": 0})]]
    cases: list[tuple[Json, Any, Any]] = [
        ({"schema": "ModelList"}, models, [{**models[0], "numreq": -1}]),
        ({"schema": "Answer"}, piece, {"reply": None, "errorcode": 0}),
        ({"code": "any"}, piece, {"reply": "a b", "errorcode": "0"}),
        ({"code": "any-error"}, {"reply": "no", "errorcode": 7}, piece),
        ({"reply": {"empty": True}}, {"reply": "", "errorcode": 0}, piece),
        ({"reply": {"empty": False}}, piece, {"reply": "", "errorcode": 0}),
        ({"reply": {"min_words": 2}}, piece, {"reply": "a", "errorcode": 0}),
        ({"reply": {"max_words": 2}}, piece, {"reply": "a b c", "errorcode": 0}),
        ({"reply": {"same_as": 0}}, {"reply": "first", "errorcode": 0}, piece),
        ({"members": {"done": True}}, {**piece, "done": True}, {**piece, "done": False}),
        ({"members": {"x": 1}}, {**piece, "x": 1}, {**piece, "x": True}),
        ({"schema": "ModelList", "service_entry": {}}, models, models * 2),
        ({"schema": "ModelList", "service_names": True}, models, [{**models[0], "name": "-"}]),
        ({"schema": "ModelList", "service_names": True}, models, models * 2),
    ]
    for check, holds, fails in cases:
        assert judge.breaches(check, answer_of(holds)) == []
        assert judge.breaches(check, answer_of(fails)) != []
    assert judge.breaches({"content_length": True}, Received(200, {}, json.dumps(piece).encode(), 0)) != []
    assert judge.breaches({"content_length": True}, Received(200, {}, b" " + json.dumps(piece).encode(), 0)) == []


def answer_of(content: Any) -> Received:
    return Received(200, {}, json.dumps(content).encode(), 0)
