"""Hubs that are wrong in how they read a request's fields."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any

from mockserver.state.answers import failure
from mockserver.state.behaviour import Behaviour
from mockserver.state.generations import Refused
from mockserver.wrong.wrong_hub import WrongHub
from neuroengine._generated.models import GenerateRequest
from neuroengine._generated.registry import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mockserver.state.generations import Generation


def _refuse(field: str) -> Refused:
    return Refused(failure(ErrorCode.INVALID_FIELD, f"This hub does not like the field {field!r}.", field=field))


class MembersRefused(Behaviour):
    """Refuses members that it does not know."""

    def read_generation(self, request: dict[str, Any], limits: Mapping[str, float]) -> Generation:
        """Refuses the first one."""
        for name in request:
            if name not in GenerateRequest.model_fields:
                raise _refuse(name)
        return super().read_generation(request, limits)


class EmptyMessageRefused(Behaviour):
    """Refuses the empty message."""

    def read_generation(self, request: dict[str, Any], limits: Mapping[str, float]) -> Generation:
        """Refuses it."""
        if request.get("message") == "":
            raise _refuse("message")
        return super().read_generation(request, limits)


class WholeFloatRefused(Behaviour):
    """Refuses an integer that is written with a zero fraction."""

    def read_generation(self, request: dict[str, Any], limits: Mapping[str, float]) -> Generation:
        """Refuses it."""
        for name in ("top_k", "max_new_len", "seed", "gettokens"):
            if isinstance(request.get(name), float):
                raise _refuse(name)
        return super().read_generation(request, limits)


class RawSpellingDemanded(Behaviour):
    """Refuses `raw` in another spelling than the canonical one."""

    def read_generation(self, request: dict[str, Any], limits: Mapping[str, float]) -> Generation:
        """Refuses it."""
        if isinstance(raw := request.get("raw"), str) and raw not in {"True", "False"}:
            raise _refuse("raw")
        return super().read_generation(request, limits)


class RawBooleanRefused(Behaviour):
    """Refuses `raw` as a boolean."""

    def read_generation(self, request: dict[str, Any], limits: Mapping[str, float]) -> Generation:
        """Refuses it."""
        if isinstance(request.get("raw"), bool):
            raise _refuse("raw")
        return super().read_generation(request, limits)


class DigitsRefused(Behaviour):
    """Refuses `gettokens` as a string of digits."""

    def read_generation(self, request: dict[str, Any], limits: Mapping[str, float]) -> Generation:
        """Refuses it."""
        if isinstance(request.get("gettokens"), str):
            raise _refuse("gettokens")
        return super().read_generation(request, limits)


class NullKeyRefused(Behaviour):
    """Refuses `"key": null`."""

    def read_generation(self, request: dict[str, Any], limits: Mapping[str, float]) -> Generation:
        """Refuses it."""
        if "key" in request and request["key"] is None:
            raise _refuse("key")
        return super().read_generation(request, limits)


class LongKeyRefused(Behaviour):
    """Refuses a stream key of more than 64 characters."""

    def read_generation(self, request: dict[str, Any], limits: Mapping[str, float]) -> Generation:
        """Refuses it."""
        if len(request.get("key") or "") > 64:
            raise _refuse("key")
        return super().read_generation(request, limits)


class ShortKeyRefused(Behaviour):
    """Refuses a stream key of less than 32 characters."""

    def read_generation(self, request: dict[str, Any], limits: Mapping[str, float]) -> Generation:
        """Refuses it."""
        if 0 < len(request.get("key") or "") < 32:
            raise _refuse("key")
        return super().read_generation(request, limits)


class MaxNewLenIgnored(Behaviour):
    """Generates as much as it likes."""

    def read_generation(self, request: dict[str, Any], limits: Mapping[str, float]) -> Generation:
        """Puts a length of its own in the place of the client's."""
        generation = super().read_generation(request, limits)
        return replace(generation, sampling=replace(generation.sampling, max_new_len=300))


class ZeroLengthIsDefault(Behaviour):
    """Takes `max_new_len` 0 for the default."""

    def read_generation(self, request: dict[str, Any], limits: Mapping[str, float]) -> Generation:
        """Replaces 0."""
        generation = super().read_generation(request, limits)
        if generation.sampling.max_new_len:
            return generation
        return replace(generation, sampling=replace(generation.sampling, max_new_len=128))


class TopKIgnored(Behaviour):
    """Considers every token, whatever `top_k` says."""

    def read_generation(self, request: dict[str, Any], limits: Mapping[str, float]) -> Generation:
        """Takes the limit away."""
        generation = super().read_generation(request, limits)
        return replace(generation, sampling=replace(generation.sampling, top_k=0))


class ZeroSeedIsChance(Behaviour):
    """Takes seed 0 for a wish for chance."""

    def __init__(self) -> None:
        self._draws = count(1)

    def read_generation(self, request: dict[str, Any], limits: Mapping[str, float]) -> Generation:
        """Draws another seed each time."""
        generation = super().read_generation(request, limits)
        if generation.sampling.seed:
            return generation
        return replace(generation, sampling=replace(generation.sampling, seed=next(self._draws)))


WRONG_HUBS = (
    WrongHub("members_refused", "NE-REQ-006", "refuses members that it does not know", MembersRefused),
    WrongHub("empty_message_refused", "NE-REQ-005", "refuses the empty message", EmptyMessageRefused),
    WrongHub("whole_float_refused", "NE-BODY-005", "refuses 40.00 as an integer", WholeFloatRefused),
    WrongHub(
        "raw_spelling_demanded",
        "NE-REQ-017",
        'refuses raw in another spelling than "True" and "False"',
        RawSpellingDemanded,
    ),
    WrongHub("raw_boolean_refused", "NE-REQ-018", "refuses raw as a boolean", RawBooleanRefused),
    WrongHub("digits_refused", "NE-REQ-024", "refuses gettokens as a string of digits", DigitsRefused),
    WrongHub("null_key_refused", "NE-REQ-021", "refuses a null key", NullKeyRefused),
    WrongHub("long_key_refused", "NE-REQ-020", "refuses a key of more than 64 characters", LongKeyRefused),
    WrongHub("short_key_refused", "NE-REQ-019", "refuses a key of less than 32 characters", ShortKeyRefused),
    WrongHub("max_new_len_ignored", "NE-REQ-034", "generates as much as it likes", MaxNewLenIgnored),
    WrongHub("zero_length_is_default", "NE-REQ-035", "takes max_new_len 0 for the default", ZeroLengthIsDefault),
    WrongHub("top_k_ignored", "NE-REQ-029", "considers every token, whatever top_k says", TopKIgnored),
    WrongHub("zero_seed_is_chance", "NE-REQ-033", "takes seed 0 for a wish for chance", ZeroSeedIsChance),
)
