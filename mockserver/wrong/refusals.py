"""Hubs that accept what must be refused: they mend the one wrong field and go on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mockserver.state.answers import Answer
from mockserver.state.behaviour import Behaviour
from mockserver.wrong.wrong_hub import WrongHub
from neuroengine._generated.registry import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mockserver.state.generations import Generation

_INTEGERS = ("top_k", "max_new_len", "seed", "gettokens", "seq")
_NUMBERS = ("temperature", "top_p", "min_p", "repetition_penalty", *_INTEGERS)
_KEY_CHARACTERS = 256


def _mending(names: tuple[str, ...], mended: Callable[[Any], Any]) -> type[Behaviour]:
    """A behaviour that reads other values: `mended` gives a field's value as the hub reads it, or `...` for none."""

    class Mended(Behaviour):
        """Accepts a wrong field."""

        def read_generation(self, request: dict[str, Any], limits: Mapping[str, float]) -> Generation:
            """Mends the field where it stands."""
            values = {name: mended(value) if name in names else value for name, value in request.items()}
            kept = {name: value for name, value in values.items() if value is not ...}
            return super().read_generation(kept, limits)

    return Mended


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _bounded(name: str, least: float, most: float = 1e300) -> type[Behaviour]:
    """A behaviour that takes the nearest valid value for a number out of range."""
    return _mending((name,), lambda value: min(max(value, least), most) if _is_number(value) else value)


def _left_out(*names: str, when: Callable[[Any], bool]) -> type[Behaviour]:
    """A behaviour that takes the default for some wrong values."""
    return _mending(names, lambda value: ... if when(value) else value)


class FieldNotNamed(Behaviour):
    """Does not say which field is wrong."""

    def answer(self, request: dict[str, Any], answer: Answer) -> Answer:
        """Takes the name out, where a type was wrong."""
        content = answer.content
        if answer.code != ErrorCode.INVALID_FIELD or isinstance(content, list):
            return answer
        value = request.get(content["field"])
        if _is_number(value) or isinstance(value, bool) or value is None:
            return answer
        return Answer({name: member for name, member in content.items() if name != "field"}, answer.code)


WRONG_HUBS = (
    WrongHub("negative_temperature_is_zero", "NE-REQ-037", "takes temperature -1 for 0", _bounded("temperature", 0)),
    WrongHub("top_p_clipped", "NE-REQ-038", "takes top_p 1.01 for 1", _bounded("top_p", 0, 1)),
    WrongHub("negative_top_k_is_none", "NE-REQ-039", "takes top_k -1 for no limit", _bounded("top_k", 0)),
    WrongHub("min_p_clipped", "NE-REQ-040", "takes min_p 1.01 for 1", _bounded("min_p", 0, 1)),
    WrongHub(
        "zero_penalty_is_neutral",
        "NE-REQ-041",
        "takes repetition_penalty 0 for 1",
        _mending(("repetition_penalty",), lambda value: 1 if _is_number(value) and value <= 0 else value),
    ),
    WrongHub("negative_length_is_zero", "NE-REQ-042", "takes max_new_len -1 for 0", _bounded("max_new_len", 0)),
    WrongHub(
        "seed_wrapped",
        "NE-REQ-043",
        "takes the lowest 64 bits of a seed",
        _mending(("seed",), lambda value: (value + 2**63) % 2**64 - 2**63 if type(value) is int else value),
    ),
    WrongHub(
        "any_raw_is_false",
        "NE-REQ-044",
        'takes raw "yes" for false',
        _left_out("raw", when=lambda value: isinstance(value, str) and value.lower() not in {"true", "false"}),
    ),
    WrongHub(
        "long_key_cut",
        "NE-REQ-045",
        "cuts a key to 256 characters",
        _mending(("key",), lambda value: value[:_KEY_CHARACTERS] if isinstance(value, str) else value),
    ),
    WrongHub(
        "gettokens_zero_is_default",
        "NE-REQ-046",
        "takes gettokens 0 for the default",
        _left_out("gettokens", when=lambda value: value == "0" or (_is_number(value) and value < 1)),
    ),
    WrongHub(
        "any_digits_are_default",
        "NE-REQ-047",
        'takes gettokens "abc" for the default',
        _left_out("gettokens", when=lambda value: isinstance(value, str) and not value.isdecimal()),
    ),
    WrongHub(
        "fractions_cut_off",
        "NE-REQ-048",
        "takes 1.5 for 1 in an integer",
        _mending(_INTEGERS, lambda value: int(value) if isinstance(value, float) else value),
    ),
    WrongHub(
        "booleans_are_numbers",
        "NE-REQ-049",
        "takes true for 1",
        _mending(_NUMBERS, lambda value: int(value) if isinstance(value, bool) else value),
    ),
    WrongHub(
        "null_is_default",
        "NE-REQ-050",
        "takes null for the default",
        _left_out(*_NUMBERS, "raw", when=lambda value: value is None),
    ),
    WrongHub("wrong_field_not_named", "NE-CODE-004", "does not name the field of a wrong type", FieldNotNamed),
    WrongHub("negative_index_is_zero", "NE-RESUME-017", "takes seq -1 for 0", _bounded("seq", 0)),
)
