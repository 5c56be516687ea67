"""A back-off n-gram model: the probability of each token after the two before it.

A token seen after a context keeps its share of the counts there, less a discount; what the discounts free is given to
all tokens in the proportions of the next shorter context (interpolated absolute discounting):

    P(w | h) = (c(hw) - D) / c(h) + weight(h) * P(w | h')     if w was seen after h
    P(w | h) =                      weight(h) * P(w | h')     otherwise

where h' is h without its oldest token and weight(h) = D * (number of different tokens seen after h) / c(h).

Laws: the probabilities after any context sum to 1; a context that was never seen speaks with the voice of the next
shorter one; costs are whole numbers, so that they add and compare alike on every platform.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import accumulate
from math import log
from typing import Final, NamedTuple

UNITS_PER_NAT: Final = 256
"""Costs are counted in 1/256 of a nat, the unit of the natural logarithm."""

Context = tuple[int, ...]

# The share of one count that each seen token gives up, by the length of the context. Most pairs of tokens are followed
# by one token only, so pairs give much, or the model would recite its text; single tokens give little, or the words
# would not fit each other.
_DISCOUNTS: Final = (0.0, 0.04, 0.4)
_LONGEST_CONTEXT: Final = len(_DISCOUNTS) - 1

# The candidates of a context come from the tokens seen after it and the candidates of the next shorter context: the
# likeliest that hold this share of the probability, but at most so many. A step is cheap, however large the vocabulary.
_CANDIDATE_SHARE: Final = 0.9
_MOST_CANDIDATES: Final = 48


class Candidates(NamedTuple):
    """The likely tokens after a context, best first, and the cost of each: -log P in units of 1/256 nat, >= 0."""

    ids: tuple[int, ...]
    costs: tuple[float, ...]


class NGram:
    """A trigram model over token ids, with back-off to bigrams and to single tokens."""

    def __init__(self, tokens: Sequence[int]) -> None:
        """Count `tokens`, one running text with at least two different ones."""
        text = tuple(tokens)
        counts: dict[Context, dict[int, int]] = {}
        for length in range(_LONGEST_CONTEXT + 1):
            runs = Counter(zip(*(text[start:] for start in range(length + 1)), strict=False))
            for run, count in runs.items():
                counts.setdefault(run[:-1], {})[run[-1]] = count
        self._followers = counts
        self._totals: dict[Context, int] = {}
        """How often each context was followed by anything, worked out when it is asked for: most never are."""
        self._candidates: dict[tuple[Context, int | None], Candidates] = {}

    def probability(self, token: int, context: Context) -> float:
        """P(token | the last two tokens of `context`), 0 to 1; 0 only for a token that the text never held."""
        return self._probability(token, self._known(context))

    def candidates(self, context: Context, without: int | None = None) -> Candidates:
        """The likely tokens after the last two of `context`, best first, ties by id, at least one.

        With `without` that token is left out; if it is the only one, the next shorter context speaks. The answer is
        kept, one for each context of the text, so that it is worked out once.
        """
        context = self._known(context)
        kept = self._candidates.get((context, without))
        if kept is None:
            kept = self._rank(context) if without is None else self._leave_out(without, context)
            self._candidates[context, without] = kept
        return kept

    def _known(self, context: Context) -> Context:
        context = context[-_LONGEST_CONTEXT:]
        while context not in self._followers:
            context = context[1:]
        return context

    def _probability(self, token: int, known: Context) -> float:
        followers, discount = self._followers[known], _DISCOUNTS[len(known)]
        total = self._totals.get(known)
        if total is None:
            total = self._totals[known] = sum(followers.values())
        count = followers.get(token)
        own = (count - discount) / total if count else 0.0
        return own + discount * len(followers) / total * self._probability(token, known[1:]) if known else own

    def _rank(self, known: Context) -> Candidates:
        possible = set(self._followers[known])
        if known:
            possible.update(self.candidates(known[1:]).ids)
        ranked = sorted((-self._probability(token, known), token) for token in possible)[:_MOST_CANDIDATES]
        held = accumulate(-probability for probability, _ in ranked)
        wanted = _CANDIDATE_SHARE if known else 1.0
        enough = next((size for size, share in enumerate(held, start=1) if share >= wanted), len(ranked))
        return Candidates(
            tuple(token for _, token in ranked[:enough]),
            tuple(float(round(-log(-probability) * UNITS_PER_NAT)) for probability, _ in ranked[:enough]),
        )

    def _leave_out(self, left_out: int, known: Context) -> Candidates:
        found = self.candidates(known)
        if left_out not in found.ids:
            return found
        if found.ids == (left_out,):
            return self.candidates(known[1:], without=left_out)
        ids, costs = zip(*(pair for pair in zip(*found, strict=True) if pair[0] != left_out), strict=True)
        return Candidates(ids, costs)
