"""The vectors of spec/vectors/hub_*.json: their data, the mock hub that plays them, and hubs that break them."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
from hub_vector_runner import SERVICES, VECTORS, WrongStep, play

from mockserver.wrong import WRONG_HUBS
from neuroengine import spec
from neuroengine.cli.conformance.vectors import examples

if TYPE_CHECKING:
    from collections.abc import Iterator

Json = dict[str, Any]

ROWS = {row["id"]: row for row in spec.requirements()}
SHOWN = {name for vector in VECTORS.values() for name in vector["requirements"]}
SOON_S = 0.25
"""How long a hub may take that is to fail, in seconds: what a sound one does is there before anybody looks."""

# -- what is shown


def test_every_requirement_of_hubs_is_shown_by_a_vector_or_has_a_reason_why_none_can() -> None:
    shown, reasons = {example.shows for example in examples()}, set(spec.unshown())
    assert shown & reasons == set()
    assert {name for name, row in ROWS.items() if row["role"] == "hub"} - shown == reasons


# -- the data


def test_names_and_titles_are_unique_among_all_vectors() -> None:
    files = [spec.read_json(path)["vectors"] for path in spec.paths("vectors")]
    vectors = [vector for file in files for vector in file]
    for part in ("name", "title"):
        values = [vector[part] for vector in vectors]
        assert sorted(value for value in set(values) if values.count(value) > 1) == []


@pytest.mark.parametrize("vector", VECTORS.values(), ids=VECTORS)
def test_a_vector_shows_requirements_of_hubs_and_has_their_profile(vector: Json) -> None:
    rows = [ROWS[name] for name in vector["requirements"]]
    assert {row["role"] for row in rows} == {"hub"}
    assert vector["profile"] == ("extended" if "extended" in {row["profile"] for row in rows} else "core")


@pytest.mark.parametrize("vector", VECTORS.values(), ids=VECTORS)
def test_no_request_and_no_login_of_a_vector_is_left_open(vector: Json) -> None:
    waiting: set[str] = set()
    for step in vector["steps"]:
        if {"request", "login"} & set(step) and "from" in step:
            assert step["from"] not in waiting, step
            waiting.add(step["from"])
        if {"answer", "models", "accepted", "refused"} & set(step) and "to" in step:
            assert step["to"] in waiting, step
            waiting.remove(step["to"])
        if "closes" in step:
            waiting.discard(step["from"])
    assert waiting == set()
    assert "to" in vector["steps"][-1]


def test_a_vectors_limits_are_limits_of_hubs_and_not_at_their_defaults() -> None:
    defaults = {limit["name"]: limit["value"] for limit in spec.limits() if limit["scope"] == "hub"}
    for vector in VECTORS.values():
        for name, value in vector.get("limits", {}).items():
            assert defaults[name] != value, vector["name"]


# -- the mock hub


@pytest.mark.parametrize("vector", VECTORS.values(), ids=VECTORS)
def test_the_mock_hub_does_what_the_vector_says(vector: Json) -> None:
    play(vector)


def changed(step: Json) -> Json | None:
    """The step with another expectation, which a hub that meets the step's own does not meet; none for some kinds."""
    other: Json | None = None
    match step:
        case {"to": _, "answer": {"errorcode": 0} as answer}:
            other = {**step, "answer": {**answer, "errorcode": "any-error"}}
        case {"to": _, "answer": answer}:
            other = {**step, "answer": {**answer, "errorcode": 0}}
        case {"to": _, "models": models}:
            other = {**step, "models": dict.fromkeys(models, "other")}
        case {"to": _, "request": request}:
            other = {**step, "request": {**request, "message": "another"}}
        case {"to": party, "accepted": _}:
            other = {"to": party, "refused": True}
        case {"to": party, "refused": _}:
            other = {"to": party, "accepted": True}
    return other


def wrong_versions(vector: Json) -> Iterator[Json]:
    """The vector with one step changed: the first, and the last that can be."""
    steps = [number for number, step in enumerate(vector["steps"]) if changed(step)]
    for number in dict.fromkeys([*steps[:1], *steps[-1:]]):
        wrong = copy.deepcopy(vector)
        wrong["steps"][number] = changed(vector["steps"][number])
        yield wrong


@pytest.mark.parametrize("vector", VECTORS.values(), ids=VECTORS)
def test_a_vector_with_a_changed_step_does_not_hold(vector: Json) -> None:
    for wrong in wrong_versions(vector):
        with pytest.raises(WrongStep):
            play(wrong)


LOGIN = [{"from": "provider", "login": {"user": "MYGPT", "key": "DEMOKEY"}}, {"to": "provider", "accepted": True}]
ASKED = [*LOGIN, {"from": "client", "request": {"message": "Hi"}}, {"to": "provider", "request": {"message": "Hi"}}]
ANSWERED = [*ASKED, {"from": "provider", "answer": {"reply": "é"}}]
LISTED = [{"from": "client", "request": {"command": "getmodels"}}]
OK: Json = {"to": "client", "answer": {"errorcode": 0}}


@pytest.mark.parametrize(
    ("steps", "wrong"),
    [
        (ANSWERED, {"to": "client", "nothing": True}),
        (ANSWERED, {"to": "client", "blank": True}),
        (ASKED, {"to": "client", "blank": True}),
        (ASKED, OK),
        (ANSWERED, {**OK, "piece": "è"}),
        (ANSWERED, {**OK, "status": 502}),
        (ANSWERED, {**OK, "lacks": ["u00e9"]}),
        (ANSWERED, {"to": "client", "answer": {"errorcode": 0, "retry_after": 1}}),
        (LISTED, {"to": "client", "models": {"numreq": 0}, "lacks": ["MYGPT"]}),
        (LISTED, {"to": "client", "models": {"connected": False}}),
        (LOGIN, {"to": "provider", "ping": True}),
        (LOGIN, {"to": "provider", "closed": True}),
        (LOGIN, {"to": "provider", "request": {"message": "Hi"}}),
        ([*LOGIN, {"from": "client", "request": {"message": "Hi"}}], {"to": "provider", "nothing": True}),
        ([*LOGIN, {"from": "client", "request": {"message": "Hi"}}], {"to": "provider", "closed": True}),
        ([*LOGIN, {"from": "client", "request": {"message": "Hi", "n": 1}}], ASKED[-1]),
    ],
)
def test_every_kind_of_expectation_can_fail(steps: list[Json], wrong: Json) -> None:
    with pytest.raises(WrongStep, match=f"^step {len(steps)}, "):
        play({"services": SERVICES, "steps": [*steps, wrong]}, SOON_S)


# -- wrong hubs


@pytest.mark.parametrize("name", [name for name, wrong in WRONG_HUBS.items() if wrong.breaks in SHOWN])
def test_a_wrong_hub_fails_a_vector_of_the_requirement_that_it_breaks(name: str) -> None:
    for vector in VECTORS.values():
        if WRONG_HUBS[name].breaks in vector["requirements"]:
            try:
                play(vector, SOON_S, wrong=name)
            except WrongStep:
                return
    pytest.fail(f"{name} plays every vector of {WRONG_HUBS[name].breaks} as it stands")
