"""The tree of errors, held against the registry both ways."""

from __future__ import annotations

import copy
import pickle
import re
from typing import Any

import pytest

from neuroengine import errors, spec
from neuroengine.errors import (
    HUB_ERRORS,
    ConfigurationError,
    ConnectionFailed,
    HubError,
    InvalidField,
    LoginRefused,
    NeuroengineError,
    ProtocolError,
    StreamGap,
    TimedOut,
    TLSFailed,
)

ROWS = [row for row in spec.errors() if row["code"] != 0]
KEY = "acc3ss-k3y"


def example(kind: type[NeuroengineError]) -> NeuroengineError:
    """One error of the class, with the secret wherever a hub could have put it."""
    if issubclass(kind, HubError):
        members = {"reply": KEY, "echo": [{"header": f"Bearer {KEY}"}]}
        return kind(f"no {KEY}", code=getattr(kind, "code", 4711), field=KEY, retry_after=2.5, members=members)
    if issubclass(kind, ConnectionFailed):
        return kind(f"reset {KEY}", request_sent=True)
    others: dict[type[NeuroengineError], NeuroengineError] = {
        InvalidField: InvalidField("seed", KEY, "a whole number"),
        LoginRefused: LoginRefused("MYGPT", KEY),
        ProtocolError: ProtocolError(f"nonsense {KEY}", status=500),
        StreamGap: StreamGap(f"so far {KEY}"),
    }
    return others.get(kind) or kind(f"wrong {KEY}")


def every_class(kind: type[NeuroengineError] = NeuroengineError) -> list[type[NeuroengineError]]:
    return [kind, *(found for child in kind.__subclasses__() for found in every_class(child))]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["name"])
def test_every_code_of_the_registry_has_a_class_of_its_name(row: dict[str, Any]) -> None:
    camel = "".join(part.capitalize() for part in row["name"].split("_"))
    kind = getattr(errors, camel if camel.endswith("Error") else f"{camel}Error")
    assert HUB_ERRORS[row["code"]] is kind
    error = kind("sentence", code=row["code"])
    assert (error.code, error.name, error.fix) == (row["code"], row["name"], row["fix"])
    assert error.retryable is (row["retry"] != "no")
    assert str(row["when"]) in str(kind.__doc__)


def test_every_class_of_a_hub_error_stands_in_the_registry() -> None:
    assert {kind.code for kind in HubError.__subclasses__()} == {row["code"] for row in ROWS}
    assert len(HubError.__subclasses__()) == len(ROWS)


def test_the_tree_in_the_module_names_every_class_that_no_code_makes() -> None:
    drawn = set(re.findall(r"(?:── |^ {4})(\w+)", str(errors.__doc__), re.MULTILINE)) - {"one"}
    assert drawn == {kind.__name__ for kind in every_class() if kind not in HUB_ERRORS.values()}


@pytest.mark.parametrize("kind", every_class(), ids=lambda kind: kind.__name__)
def test_an_error_survives_pickling_and_copying(kind: type[NeuroengineError]) -> None:
    error = example(kind)
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error)):  # noqa: S301 - our own bytes
        assert type(twin) is kind
        assert str(twin) == str(error)
        assert vars(twin) == vars(error)


@pytest.mark.parametrize("kind", every_class(), ids=lambda kind: kind.__name__)
def test_a_hidden_secret_is_nowhere_in_the_error(kind: type[NeuroengineError]) -> None:
    error = example(kind)
    assert KEY in f"{error!r} {vars(error)}"
    error.hide(KEY)
    assert KEY not in f"{error} {error!r} {vars(error)}"


def test_a_sentence_of_the_hub_is_part_of_the_message() -> None:
    error = HUB_ERRORS[7]("The provider sleeps.", code=7)
    assert str(error) == "the hub answered error 7 (provider_offline): The provider sleeps."
    assert "unknown" not in str(HubError("Own code.", code=4711))


def test_an_invalid_field_names_field_value_and_rule_and_shows_no_more_than_needed() -> None:
    error = InvalidField("message", "x" * 100_000, "text")
    assert str(error).startswith("message must be text; it was 'xxx")
    assert len(str(error)) < 200
    assert (error.field, error.rule) == ("message", "text")


def test_errors_of_use_are_value_errors_and_errors_of_the_network_are_not() -> None:
    assert issubclass(InvalidField, ValueError)
    assert issubclass(ConfigurationError, ValueError)
    assert not issubclass(ConnectionFailed, ValueError)
    assert issubclass(TimedOut, ConnectionFailed)
    assert issubclass(TLSFailed, ConnectionFailed)


@pytest.mark.parametrize(("status", "retryable"), [(200, True), (502, True), (429, True), (404, False), (301, False)])
def test_nonsense_is_worth_another_try_where_a_gateway_may_have_spoken(status: int, retryable: bool) -> None:
    assert ProtocolError("nonsense", status=status).retryable is retryable
