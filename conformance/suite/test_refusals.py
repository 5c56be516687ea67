"""Extended: what a hub refuses with code 4, and the field that it names. One fault a request, beside a valid twin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from conformance.judge import SHORT
from conformance.requirement import case, judges

if TYPE_CHECKING:
    from conformance.judge import Judge

INVALID_FIELD: Final = 4
KEY_CHARACTERS: Final = 256
OF_STREAMS: Final = ("gettokens", "seq", "key")
"""Fields that are judged under a stream key only."""
NUMBERS: Final = ("temperature", "top_p", "min_p", "repetition_penalty")
INTEGERS: Final = ("top_k", "max_new_len", "seed")
STREAM_INTEGERS: Final = ("gettokens", "seq")


def refuse(judge: Judge, field: str, value: Any, valid: Any) -> None:
    """Requires that the value is refused by the field's name, while the valid value succeeds."""

    def fields(given: Any) -> dict[str, Any]:
        return SHORT | ({"key": judge.new_key()} if field in OF_STREAMS else {}) | {field: given}

    judge.refuses(fields(value), fields(valid), codes={INVALID_FIELD}, field=field)


@pytest.mark.parametrize(
    ("field", "wrong", "valid"),
    [
        case("NE-REQ-037", "temperature", [-0.01, -1], [0]),
        case("NE-REQ-038", "top_p", [-0.01, 1.01], [0, 1]),
        case("NE-REQ-039", "top_k", [-1], [0]),
        case("NE-REQ-040", "min_p", [-0.01, 1.01], [0, 1]),
        case("NE-REQ-041", "repetition_penalty", [0, -1], [0.01, 0.01]),
        case("NE-REQ-042", "max_new_len", [-1], [0]),
        case("NE-REQ-043", "seed", [2**63, -(2**63) - 1], [2**63 - 1, -(2**63)]),
        case("NE-REQ-044", "raw", ["yes", "1", ""], ["True"]),
        case("NE-REQ-046", "gettokens", [0, -1, "0"], [1]),
        case("NE-REQ-047", "gettokens", ["abc", "", "1.5"], ["1"]),
        case("NE-RESUME-017", "seq", [-1], [0]),
    ],
)
def test_a_value_out_of_range_is_refused(judge: Judge, field: str, wrong: list[Any], valid: list[Any]) -> None:
    for number, value in enumerate(wrong):
        refuse(judge, field, value, valid[min(number, len(valid) - 1)])


@judges("NE-REQ-045")
def test_a_key_that_is_too_long_is_refused(judge: Judge) -> None:
    refuse(judge, "key", judge.new_key(KEY_CHARACTERS + 1), judge.new_key(KEY_CHARACTERS))


@judges("NE-REQ-048")
@pytest.mark.parametrize("field", [*INTEGERS, "gettokens"])
def test_a_fraction_is_no_integer(judge: Judge, field: str) -> None:
    refuse(judge, field, 1.5, 1.0)


@judges("NE-REQ-049")
@pytest.mark.parametrize("field", [*NUMBERS, *INTEGERS, *STREAM_INTEGERS])
def test_a_boolean_is_no_number(judge: Judge, field: str) -> None:
    for value in (True, False):
        refuse(judge, field, value, 0 if field == "seq" else 1)


@judges("NE-REQ-050")
@pytest.mark.parametrize("field", ["message", *NUMBERS, *INTEGERS, *STREAM_INTEGERS, "raw"])
def test_null_is_no_value(judge: Judge, field: str) -> None:
    valid: dict[str, Any] = {"message": "Hello", "raw": "False", "seq": 0}
    refuse(judge, field, None, valid.get(field, 1))


@judges("NE-CODE-004")
@pytest.mark.parametrize(
    ("field", "wrong", "valid"),
    [
        ("message", [1, ["Hello"], {"text": "Hello"}, True], "Hello"),
        ("raw", [1, ["True"], {}], "True"),
        ("key", [1, ["k"], {}, True], None),
        *[(field, ["1", [1], {}], 1) for field in (*NUMBERS, *INTEGERS)],
        ("gettokens", [[1], {}], 1),
        ("seq", ["0", [0], {}], 0),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_type_is_refused(judge: Judge, field: str, wrong: list[Any], valid: Any) -> None:
    for value in wrong:
        refuse(judge, field, value, valid)
