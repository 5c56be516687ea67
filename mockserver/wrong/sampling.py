"""Hubs that are wrong in how they generate: they do something else than the sampling fields say."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any

from mockserver.state.behaviour import Behaviour
from mockserver.wrong.wrong_hub import WrongHub

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mockserver.model import Sampling
    from mockserver.state.generations import Generation


def _sampling(change: Callable[[Sampling], Sampling]) -> type[Behaviour]:
    """A behaviour that generates by other settings than the request's."""

    class Resampled(Behaviour):
        """Generates otherwise."""

        def read_generation(self, request: dict[str, Any], limits: Mapping[str, float]) -> Generation:
            """Changes the settings."""
            generation = super().read_generation(request, limits)
            return replace(generation, sampling=change(generation.sampling))

    return Resampled


class _SeedIsChance(Behaviour):
    """Draws another reply each time for some seeds."""

    def __init__(self) -> None:
        self._draws = count(1)

    def read_generation(self, request: dict[str, Any], limits: Mapping[str, float]) -> Generation:
        """Draws another seed."""
        generation = super().read_generation(request, limits)
        if not self.is_chance(generation.sampling.seed):
            return generation
        return replace(generation, sampling=replace(generation.sampling, seed=next(self._draws) << 64))

    def is_chance(self, seed: int) -> bool:
        """Whether the seed is taken for a wish for chance."""
        raise NotImplementedError


class ZeroSeedIsChance(_SeedIsChance):
    """Takes seed 0 for a wish for chance."""

    def is_chance(self, seed: int) -> bool:
        """Zero is."""
        return not seed


class LongSeedIsChance(_SeedIsChance):
    """Takes a seed of more than 32 bits for a wish for chance."""

    def is_chance(self, seed: int) -> bool:
        """One that does not fit is."""
        return not -(2**31) <= seed < 2**31


class StreamLengthIgnored(Behaviour):
    """Bounds whole replies alone."""

    def read_generation(self, request: dict[str, Any], limits: Mapping[str, float]) -> Generation:
        """Asks for a longer reply where there is a stream key."""
        generation = super().read_generation(request, limits)
        if not generation.key:
            return generation
        return replace(generation, sampling=replace(generation.sampling, max_new_len=300))


class EmptyStreamHasToken(Behaviour):
    """Gives a stream of length 0 a token before its end."""

    def read_generation(self, request: dict[str, Any], limits: Mapping[str, float]) -> Generation:
        """Takes 0 for 1."""
        generation = super().read_generation(request, limits)
        if not generation.key or generation.sampling.max_new_len:
            return generation
        return replace(generation, sampling=replace(generation.sampling, max_new_len=1))


WRONG_HUBS = (
    WrongHub(
        "min_p_one_is_greedy",
        "NE-REQ-027",
        "keeps the most probable token alone when min_p is 1",
        _sampling(lambda it: replace(it, top_k=1) if it.min_p == 1 else it),
    ),
    WrongHub(
        "zero_temperature_is_default",
        "NE-REQ-028",
        "takes temperature 0 for 1",
        _sampling(lambda it: it if it.temperature else replace(it, temperature=1.0)),
    ),
    WrongHub(
        "top_k_ignored",
        "NE-REQ-029",
        "considers every token, whatever top_k says",
        _sampling(lambda it: replace(it, top_k=0)),
    ),
    WrongHub(
        "zero_top_p_is_all",
        "NE-REQ-030",
        "considers every token when top_p is 0",
        _sampling(lambda it: it if it.top_p else replace(it, top_p=1.0)),
    ),
    WrongHub("long_seed_is_chance", "NE-REQ-032", "takes a seed of more than 32 bits for chance", LongSeedIsChance),
    WrongHub("zero_seed_is_chance", "NE-REQ-033", "takes seed 0 for a wish for chance", ZeroSeedIsChance),
    WrongHub(
        "max_new_len_ignored",
        "NE-REQ-034",
        "generates as much as it likes",
        _sampling(lambda it: replace(it, max_new_len=300)),
    ),
    WrongHub("stream_length_ignored", "NE-REQ-034", "streams as much as it likes", StreamLengthIgnored),
    WrongHub(
        "zero_length_is_default",
        "NE-REQ-035",
        "takes max_new_len 0 for the default",
        _sampling(lambda it: it if it.max_new_len else replace(it, max_new_len=128)),
    ),
    WrongHub("empty_stream_has_token", "NE-REQ-036", "gives a stream of length 0 a token", EmptyStreamHasToken),
)
