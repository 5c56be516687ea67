"""Where a hub is posted to: paths and service names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from conformance.evidence import not_judged
from conformance.judge import SHORT
from conformance.requirement import judges

if TYPE_CHECKING:
    from conformance.judge import Judge

NAME_FORM = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"


@judges("NE-HTTP-001", smoke=True)
def test_the_path_with_a_slash_is_answered(judge: Judge) -> None:
    judge.accepts(SHORT, path=judge.subject.path_with_slash)


@judges("NE-HTTP-002")
def test_the_path_without_a_slash_is_answered(judge: Judge) -> None:
    judge.accepts(SHORT, path=judge.subject.path_without_slash)


@judges("NE-HTTP-008")
def test_a_query_string_changes_nothing(judge: Judge) -> None:
    judge.has_twin(SHORT)
    judge.accepts(SHORT, path=f"{judge.subject.path}?a=b")


@judges("NE-HTTP-005")
def test_a_name_in_another_case_is_another_name(judge: Judge) -> None:
    name = judge.settings.service
    other = name.swapcase()
    listed = [entry.get("name") for entry in judge.models() if isinstance(entry, dict)]
    if other == name or other in listed:
        not_judged(f"the service name {name!r} has no letter to swap, or the hub has a service {other!r}")
    judge.refuses(SHORT, SHORT, path=judge.subject.path_of(other))


@judges("NE-HTTP-006")
def test_every_listed_name_has_the_form_of_a_name(judge: Judge) -> None:
    names = [
        entry["name"] for entry in judge.models() if isinstance(entry, dict) and isinstance(entry.get("name"), str)
    ]
    wrong = [name for name in names if not re.fullmatch(NAME_FORM, name)]
    if not names:
        not_judged("the model list holds no name")
    judge.require(not wrong, f"names of the form {NAME_FORM}", f"the names {wrong}", judge.model_list())


@judges("NE-HTTP-007")
@pytest.mark.parametrize("path", ["/", "/{service}/{service}", "/" + "a" * 65, "/.{service}"])
def test_a_path_that_is_no_name_is_refused(judge: Judge, path: str) -> None:
    judge.refuses(SHORT, SHORT, path=judge.settings.prefix + path.format(service=judge.settings.service))
