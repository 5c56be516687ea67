"""From the costs of candidate tokens to one token: the sampler chain.

A cost is a logit with its sign turned: -log P plus the prompt's bias, in units of 1/256 nat, never below 0. The steps,
in this order:

1. repetition penalty: the cost of every token already in the prompt or the reply is multiplied by it (logits at or
   below 0 are multiplied, so above 1 it makes repeats rarer, below 1 more frequent, and 1 is neutral: NE-REQ-031)
2. temperature: costs are divided by it and turned into weights; 0 takes the cheapest token (NE-REQ-028)
3. top_k: the k cheapest stay; 0 keeps all (NE-REQ-029)
4. top_p: of these, the fewest that hold this share of the weight stay, at least one (NE-REQ-030)
5. min_p: tokens below this share of the heaviest one's weight go; active only strictly between 0 and 1 (NE-REQ-027)
6. draw, with a generator seeded by the caller (NE-REQ-032)

Laws: equal costs rank by token id; sums run in the order of rank, by plain addition, so that every version of Python
draws the same token; a step costs the same however long the reply is.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate
from math import exp
from operator import neg
from random import Random
from typing import Final

from mockserver.model.ngram import UNITS_PER_NAT, Candidates

# A larger penalty changes nothing more, and below it no cost overflows.
_LARGEST_PENALTY: Final = 1e300


@dataclass(frozen=True, slots=True)
class Sampling:
    """How a reply is drawn. The caller has checked the ranges."""

    temperature: float = 1.0
    """At least 0; 0 is greedy."""
    top_p: float = 0.9
    """0 to 1; the nucleus always holds at least one token."""
    top_k: int = 40
    """At least 0; 0 means no limit."""
    min_p: float = 0.0
    """0 to 1; active only strictly between."""
    repetition_penalty: float = 1.2
    """Above 0; 1 is neutral."""
    max_new_len: int = 128
    """The most tokens in the reply, at least 0."""
    seed: int = 0
    """Any integer; the same prompt, settings and seed give the same reply."""
    raw: bool = False
    """True: the model reads the prompt alone, without its pre-prompt."""


class Sampler:
    """Draws the tokens of one reply and remembers them for the repetition penalty."""

    def __init__(self, sampling: Sampling, *, prompt: Iterable[int], bias: bytes, entropy: bytes) -> None:
        """Prepare for one reply.

        Args:
            sampling: the settings of the chain
            prompt: the tokens that already count as used
            bias: an extra cost for each token id, in units of 1/256 nat
            entropy: the seed of the draws

        """
        self._used = set(prompt)
        self._bias = bias
        self._penalty = min(sampling.repetition_penalty, _LARGEST_PENALTY)
        self._units = sampling.temperature * UNITS_PER_NAT
        self._top_k = sampling.top_k or None
        self._top_p = sampling.top_p
        self._min_p = sampling.min_p
        self._random = Random(int.from_bytes(entropy, "big")).random

    def pick(self, candidates: Candidates) -> int:
        """The next token, one of `candidates`, which hold at least one."""
        bias, used, penalty = self._bias, self._used, self._penalty
        ranked = sorted(
            [
                ((cost + bias[token]) * penalty, token) if token in used else (cost + bias[token], token)
                for token, cost in zip(*candidates, strict=True)
            ]
        )
        picked = ranked[0][1] if self._units == 0 else self._draw(ranked[: self._top_k])
        used.add(picked)
        return picked

    def _draw(self, ranked: list[tuple[float, int]]) -> int:
        lowest, units = ranked[0][0], self._units
        weights = [exp((lowest - cost) / units) for cost, _ in ranked]
        running = list(accumulate(weights))
        last = bisect_left(running, self._top_p * running[-1], hi=len(running) - 1)
        if 0 < self._min_p < 1:
            last = min(last, bisect_right(weights, -self._min_p, key=neg) - 1)
        return ranked[bisect_right(running, self._random() * running[last], hi=last)][1]
