"""Hubs that refuse a valid request, or take it for another one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mockserver.state.answers import Answer, failure
from mockserver.state.behaviour import Behaviour
from mockserver.state.generations import Refused
from mockserver.wrong.wrong_hub import WrongHub
from neuroengine._generated.models import GenerateRequest
from neuroengine._generated.registry import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mockserver.state.generations import Generation

_INTEGERS = ("top_k", "max_new_len", "seed", "gettokens")
_OWN_TEMPERATURE = 0.3
_OWN_PIECE = 100


def _refusing(field: str, dislikes: Callable[[dict[str, Any]], bool]) -> type[Behaviour]:
    """A behaviour that refuses a field for what it likes none of."""

    class Refusing(Behaviour):
        """Refuses a valid request."""

        def read_generation(self, request: dict[str, Any], limits: Mapping[str, float]) -> Generation:
            """Refuses it."""
            if dislikes(request):
                why = f"This hub does not like the field {field!r}."
                raise Refused(failure(ErrorCode.INVALID_FIELD, why, field=field))
            return super().read_generation(request, limits)

    return Refusing


def _given(**fields: Any) -> type[Behaviour]:
    """A behaviour that has defaults of its own."""

    class Defaulted(Behaviour):
        """Has other defaults."""

        def read_generation(self, request: dict[str, Any], limits: Mapping[str, float]) -> Generation:
            """Adds what the request left out."""
            return super().read_generation(fields | request, limits)

    return Defaulted


class WholeFloatRefused(Behaviour):
    """Refuses an integer that is written with a zero fraction."""

    def read_generation(self, request: dict[str, Any], limits: Mapping[str, float]) -> Generation:
        """Refuses it."""
        for name in _INTEGERS:
            if isinstance(request.get(name), float):
                raise Refused(failure(ErrorCode.INVALID_FIELD, f"{name} has a point.", field=name))
        return super().read_generation(request, limits)


class WrongFieldUnanswered(Behaviour):
    """Answers a field of a wrong type, or out of range, with a line that is no JSON."""

    def __init__(self, *, of_type: bool) -> None:
        self._of_type = of_type

    def answer(self, request: dict[str, Any], answer: Answer) -> Answer:
        """Takes the answer away."""
        if answer.code != ErrorCode.INVALID_FIELD or isinstance(answer.content, list):
            return answer
        value = request.get(answer.content["field"])
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return answer if is_number == self._of_type else Answer([], answer.code)

    def render(self, answer: Answer) -> bytes:
        """The line."""
        return b"Bad Request" if answer.code and answer.content == [] else super().render(answer)


class WrongTypeUnanswered(WrongFieldUnanswered):
    """Answers a field of a wrong type with no JSON."""

    def __init__(self) -> None:
        super().__init__(of_type=True)


class WrongNumberUnanswered(WrongFieldUnanswered):
    """Answers a number out of range with no JSON."""

    def __init__(self) -> None:
        super().__init__(of_type=False)


class EmptyMessageEndsStream(Behaviour):
    """Asks the polls that go on with a stream for a message that is not empty."""

    def __init__(self) -> None:
        self._begun: set[str] = set()

    def read_generation(self, request: dict[str, Any], limits: Mapping[str, float]) -> Generation:
        """Takes the empty message of such a poll away."""
        if request.get("message") == "" and request.get("key") in self._begun:
            request = {name: value for name, value in request.items() if name != "message"}
        generation = super().read_generation(request, limits)
        self._begun.add(generation.key)
        return generation


class EmptyKeyIsKey(Behaviour):
    """Takes the empty key for a stream key."""

    def read_generation(self, request: dict[str, Any], limits: Mapping[str, float]) -> Generation:
        """Gives it a name."""
        return super().read_generation(request | {"key": "(empty)"} if request.get("key") == "" else request, limits)


def _has(name: str) -> Callable[[dict[str, Any]], bool]:
    return lambda request: name in request


def _unknown(request: dict[str, Any]) -> bool:
    return not request.keys() <= GenerateRequest.model_fields.keys()


def _misspelt_raw(request: dict[str, Any]) -> bool:
    return isinstance(raw := request.get("raw"), str) and raw not in {"True", "False"}


def _key_length(request: dict[str, Any]) -> int:
    return len(request.get("key") or "")


WRONG_HUBS = (
    WrongHub(
        "message_alone_refused",
        "NE-REQ-001",
        "refuses a message with no other field beside it",
        _refusing("max_new_len", lambda it: it.keys() == {"message"}),
    ),
    WrongHub(
        "long_message_refused",
        "NE-LIM-002",
        "refuses a message over 4 KiB",
        _refusing("message", lambda it: len(str(it.get("message"))) > 4096),
    ),
    WrongHub(
        "published_example_refused",
        "NE-REQ-002",
        "refuses requests with all documented fields",
        _refusing("top_k", lambda it: len(it) > 8),
    ),
    WrongHub(
        "top_k_demanded",
        "NE-REQ-003",
        "refuses other fields without top_k",
        _refusing("top_k", lambda it: len(it) > 1 and "top_k" not in it),
    ),
    WrongHub("missing_message_accepted", "NE-REQ-004", "takes no message for an empty one", _given(message="")),
    WrongHub(
        "empty_message_refused",
        "NE-REQ-005",
        "refuses the empty message",
        _refusing("message", lambda it: it.get("message") == ""),
    ),
    WrongHub(
        "empty_message_not_streamed",
        "NE-REQ-005",
        "refuses the empty message in a poll",
        _refusing("message", lambda it: it.get("message") == "" and bool(it.get("key"))),
    ),
    WrongHub(
        "empty_message_ends_stream",
        "NE-REQ-005",
        "takes a later poll with the empty message for one without a message",
        EmptyMessageEndsStream,
    ),
    WrongHub("members_refused", "NE-REQ-006", "refuses members that it does not know", _refusing("?", _unknown)),
    WrongHub("wrong_type_unanswered", "NE-REQ-007", "answers wrong types with no JSON", WrongTypeUnanswered),
    WrongHub("wrong_number_unanswered", "NE-REQ-008", "answers wrong numbers with no JSON", WrongNumberUnanswered),
    WrongHub(
        "hot_temperature_refused",
        "NE-REQ-009",
        "refuses a temperature above 2",
        _refusing("temperature", lambda it: it.get("temperature", 1) > 2),
    ),
    WrongHub(
        "whole_number_refused",
        "NE-BODY-006",
        "refuses a number without a point",
        _refusing("temperature", lambda it: type(it.get("temperature")) is int),
    ),
    WrongHub("whole_float_refused", "NE-BODY-005", "refuses 40.00 as an integer", WholeFloatRefused),
    WrongHub(
        "top_p_zero_refused",
        "NE-REQ-010",
        "refuses a top_p of 0",
        _refusing("top_p", lambda it: it.get("top_p", 1) == 0),
    ),
    WrongHub(
        "top_k_zero_refused",
        "NE-REQ-011",
        "refuses a top_k of 0",
        _refusing("top_k", lambda it: it.get("top_k", 1) == 0),
    ),
    WrongHub("min_p_refused", "NE-REQ-012", "refuses min_p", _refusing("min_p", _has("min_p"))),
    WrongHub(
        "low_penalty_refused",
        "NE-REQ-013",
        "refuses a repetition_penalty below 1",
        _refusing("repetition_penalty", lambda it: it.get("repetition_penalty", 1) < 1),
    ),
    WrongHub(
        "long_reply_refused",
        "NE-REQ-014",
        "refuses a max_new_len above its limit",
        _refusing("max_new_len", lambda it: it.get("max_new_len", 1) > 4096),
    ),
    WrongHub(
        "negative_seed_refused",
        "NE-REQ-015",
        "refuses a seed below 0",
        _refusing("seed", lambda it: it.get("seed", 0) < 0),
    ),
    WrongHub(
        "raw_true_refused", "NE-REQ-016", 'refuses raw "True"', _refusing("raw", lambda it: it.get("raw") == "True")
    ),
    WrongHub(
        "raw_spelling_demanded",
        "NE-REQ-017",
        'refuses raw in another spelling than "True" and "False"',
        _refusing("raw", _misspelt_raw),
    ),
    WrongHub(
        "raw_boolean_refused",
        "NE-REQ-018",
        "refuses raw as a boolean",
        _refusing("raw", lambda it: isinstance(it.get("raw"), bool)),
    ),
    WrongHub(
        "short_key_refused",
        "NE-REQ-019",
        "refuses a key of less than 32 characters",
        _refusing("key", lambda it: 0 < _key_length(it) < 32),
    ),
    WrongHub(
        "long_key_refused",
        "NE-REQ-020",
        "refuses a key of more than 64 characters",
        _refusing("key", lambda it: _key_length(it) > 64),
    ),
    WrongHub(
        "null_key_refused",
        "NE-REQ-021",
        "refuses a null key",
        _refusing("key", lambda it: it.get("key", "") is None),
    ),
    WrongHub("empty_key_is_key", "NE-REQ-022", "takes the empty key for a stream key", EmptyKeyIsKey),
    WrongHub(
        "large_piece_refused",
        "NE-REQ-023",
        "refuses a gettokens above 100",
        _refusing("gettokens", lambda it: type(it.get("gettokens")) is int and it["gettokens"] > 100),
    ),
    WrongHub(
        "digits_refused",
        "NE-REQ-024",
        "refuses gettokens as a string of digits",
        _refusing("gettokens", lambda it: isinstance(it.get("gettokens"), str)),
    ),
    WrongHub(
        "gettokens_without_key_refused",
        "NE-REQ-025",
        "refuses gettokens without a stream key",
        _refusing("gettokens", lambda it: "gettokens" in it and not it.get("key")),
    ),
    WrongHub(
        "default_temperature_low",
        "NE-REQ-026",
        "takes 0.3 for a missing temperature",
        _given(temperature=_OWN_TEMPERATURE),
    ),
    WrongHub("default_piece_large", "NE-STREAM-006", "gives 100 tokens by default", _given(gettokens=_OWN_PIECE)),
)
