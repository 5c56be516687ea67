"""The model list: the command, and the members of its entries."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

import pytest

from conformance.evidence import not_judged
from conformance.exchange import excerpt, is_integer
from conformance.judge import GETMODELS, SHORT
from conformance.requirement import case, judges

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.judge import Judge

OTHER_COMMANDS: Final = ["getmodel", "GETMODELS", "", "generate", 1, ["getmodels"], {}, True, None]
ARRAY: Final = "an array of objects"


def is_list(content: Any) -> bool:
    """Whether it is an array of one object or more."""
    return isinstance(content, list) and bool(content) and all(isinstance(entry, dict) for entry in content)


@judges("NE-MODELS-001", smoke=True)
def test_getmodels_is_answered_with_an_array_of_objects(judge: Judge) -> None:
    exchange = judge.model_list()
    judge.require(is_list(exchange.content), ARRAY, exchange.describe(), exchange)


@judges("NE-MODELS-002")
@pytest.mark.parametrize("path", ["/", "/{service}", "/{service}/", "/no-such-service-7f3a"])
def test_getmodels_is_answered_at_any_path(judge: Judge, path: str) -> None:
    if not is_list(judge.models()):
        not_judged("the hub sent no model list")
    exchange = judge.post(GETMODELS, path=judge.settings.prefix + path.format(service=judge.settings.service))
    judge.require(is_list(exchange.content), ARRAY, exchange.describe(), exchange)


def is_text(value: Any) -> bool:
    return isinstance(value, str)


def is_truth(value: Any) -> bool:
    return isinstance(value, bool)


def is_count(value: Any) -> bool:
    return is_integer(value) and value >= 0


@pytest.mark.parametrize(
    ("member", "is_right", "kind"),
    [
        case("NE-MODELS-003", "name", is_text, "a string", smoke=True),
        case("NE-MODELS-004", "connected", is_truth, "a boolean", smoke=True),
        case("NE-MODELS-005", "numreq", is_count, "an integer of 0 or more", smoke=True),
        case("NE-MODELS-006", "queuelen", is_count, "an integer of 0 or more", smoke=True),
        case("NE-MODELS-007", "comment", is_text, "a string", smoke=True),
        case("NE-MODELS-008", "operator", is_text, "a string", smoke=True),
    ],
)
def test_every_entry_has_the_member(judge: Judge, member: str, is_right: Callable[[Any], bool], kind: str) -> None:
    entries = [entry for entry in judge.models() if isinstance(entry, dict)]
    if not entries:
        not_judged("the model list has no entry")
    wrong = [entry for entry in entries if not is_right(entry.get(member))]
    shown = excerpt(json.dumps(wrong[0])) if wrong else ""
    judge.require(not wrong, f"{member}: {kind} in every entry", f"the entry {shown}", judge.model_list())


@judges("NE-MODELS-009")
def test_the_service_is_listed_once(judge: Judge) -> None:
    names = [entry.get("name") for entry in judge.models() if isinstance(entry, dict)]
    judge.has_twin(SHORT)
    for service in filter(None, (judge.settings.service, judge.settings.second_service)):
        expected = f"one entry with the name {service!r}"
        judge.require(names.count(service) == 1, expected, f"the names {names}", judge.model_list())
    twice = [name for name in names if names.count(name) > 1]
    judge.require(not twice, "no name twice", f"the names {names}", judge.model_list())


@judges("NE-MODELS-010")
def test_a_prompt_frame_is_a_string(judge: Judge) -> None:
    entries = [entry for entry in judge.models() if isinstance(entry, dict)]
    framed = [entry[name] for entry in entries for name in ("preprompt", "endprompt") if name in entry]
    if not framed:
        not_judged("no entry has a prompt frame")
    judge.require(all(map(is_text, framed)), "strings", excerpt(json.dumps(framed)), judge.model_list())


@judges("NE-MODELS-012")
def test_the_command_wins_over_a_message(judge: Judge) -> None:
    if not is_list(judge.models()):
        not_judged("the hub sent no model list")
    exchange = judge.post(GETMODELS | SHORT)
    judge.require(is_list(exchange.content), ARRAY, exchange.describe(), exchange)


@pytest.mark.parametrize("codes", [case("NE-MODELS-013", ()), case("NE-CODE-005", {5})])
def test_any_other_command_is_refused(judge: Judge, codes: set[int]) -> None:
    if not is_list(judge.models()):
        not_judged("the hub sent no model list, so a refused command tells nothing")
    for command in OTHER_COMMANDS:
        judge.refuses({"command": command}, SHORT, codes=codes)


@judges("NE-MODELS-019")
def test_a_service_that_answers_is_connected(judge: Judge) -> None:
    judge.models()
    judge.succeeds(SHORT)
    exchange = judge.post(GETMODELS)
    judge.succeeds(SHORT)
    entries = exchange.content if isinstance(exchange.content, list) else []
    own = [entry for entry in entries if isinstance(entry, dict) and entry.get("name") == judge.settings.service]
    if not own:
        not_judged("the service is not in the model list")
    connected = own[0].get("connected")
    judge.require(connected is True, '"connected": true', f'"connected": {json.dumps(connected)}', exchange)


@judges("NE-MODELS-011")
def test_the_list_holds_no_key(judge: Judge) -> None:
    secrets = set(judge.settings.secrets().values())
    if not secrets:
        not_judged("knows no key that could be in the list: give $NE_SERVICE_KEY, or --access-key-env VARIABLE")
    values = [
        (name, value)
        for entry in judge.models()
        if isinstance(entry, dict)
        for name, value in entry.items()
        if name != "name" and isinstance(value, str)
    ]
    shown = sorted({name for name, value in values if any(is_in(secret, value) for secret in secrets)})
    judge.require(not shown, "no service key and no access key", f"one in {', '.join(shown)}", judge.model_list())


def is_in(secret: str, text: str) -> bool:
    """Whether a text holds a key as a word of its own; a weak key may well be a part of another word."""
    return re.search(rf"(?<!\w){re.escape(secret)}(?!\w)", text) is not None
