"""The back-off n-gram model: exact probabilities and the candidates made from them."""

from math import fsum, isclose, log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.model.ngram import UNITS_PER_NAT, NGram

A, B, C, D, UNSEEN = range(5)
TOKENS = st.lists(st.integers(A, D), min_size=2, max_size=40).filter(lambda tokens: len(set(tokens)) > 1)
CONTEXTS = st.lists(st.integers(A, UNSEEN), max_size=3).map(tuple)

# A is followed by B twice and by C once; (A, B) by A and by C once each.
WORKED = NGram([A, B, A, B, C, A, C])


@given(TOKENS, CONTEXTS)
def test_the_probabilities_after_any_context_sum_to_one(tokens: list[int], context: tuple[int, ...]) -> None:
    model = NGram(tokens)
    assert isclose(fsum(model.probability(token, context) for token in range(A, UNSEEN + 1)), 1.0)


def test_a_single_token_has_its_share_of_the_text() -> None:
    assert WORKED.probability(A, ()) == 3 / 7
    assert WORKED.probability(UNSEEN, ()) == 0.0


def test_a_seen_pair_keeps_its_count_less_the_discount() -> None:
    weight = 0.04 * 2 / 3  # two different followers of A, seen three times in all
    assert WORKED.probability(B, (A,)) == pytest.approx((2 - 0.04) / 3 + weight * 2 / 7)
    assert WORKED.probability(C, (A,)) == pytest.approx((1 - 0.04) / 3 + weight * 2 / 7)


def test_an_unseen_pair_gets_the_back_off_weight_times_the_single_token() -> None:
    assert WORKED.probability(A, (A,)) == pytest.approx(0.04 * 2 / 3 * 3 / 7)


def test_a_trigram_backs_off_to_the_pair_and_then_to_the_single_token() -> None:
    after_b = {token: WORKED.probability(token, (B,)) for token in (A, B, C)}
    weight = 0.4 * 2 / 2  # two different followers of (A, B), seen twice in all
    assert WORKED.probability(A, (A, B)) == pytest.approx((1 - 0.4) / 2 + weight * after_b[A])
    assert WORKED.probability(B, (A, B)) == pytest.approx(weight * after_b[B])
    assert after_b[B] == pytest.approx(0.04 * 2 / 2 * 2 / 7)


@given(st.integers(A, D))
def test_an_unseen_context_speaks_with_the_voice_of_the_next_shorter_one(token: int) -> None:
    assert WORKED.probability(token, (UNSEEN, A)) == WORKED.probability(token, (A,))
    assert WORKED.probability(token, (A, UNSEEN)) == WORKED.probability(token, ())
    assert WORKED.candidates((UNSEEN, A)) == WORKED.candidates((A,))


def test_only_the_last_two_tokens_of_a_context_count() -> None:
    assert WORKED.candidates((C, C, A, B)) == WORKED.candidates((A, B))


@given(TOKENS, CONTEXTS)
def test_candidates_stand_best_first_with_their_cost(tokens: list[int], context: tuple[int, ...]) -> None:
    model = NGram(tokens)
    ids, costs = model.candidates(context)
    assert len(ids) == len(set(ids)) == len(costs) > 0
    shares = [model.probability(token, context) for token in ids]
    order = [(-share, token) for share, token in zip(shares, ids, strict=True)]
    assert order == sorted(order)
    assert list(costs) == [round(-log(share) * UNITS_PER_NAT) for share in shares]


@given(TOKENS, CONTEXTS)
def test_candidates_are_the_fewest_that_hold_nine_tenths(tokens: list[int], context: tuple[int, ...]) -> None:
    model = NGram(tokens)
    shares = [model.probability(token, context) for token in model.candidates(context).ids]
    assert fsum(shares) >= 0.9 - 1e-12
    if context and context[-1] in tokens[:-1]:
        assert fsum(shares[:-1]) < 0.9


def test_there_are_at_most_48_candidates() -> None:
    model = NGram([token for number in range(1, 200) for token in (0, number)])
    assert len(model.candidates((0,)).ids) == 48
    assert len(model.candidates(()).ids) == 48


def test_a_candidate_can_be_left_out() -> None:
    ids, costs = WORKED.candidates((A,))
    assert ids == (B, C)
    assert WORKED.candidates((A,), without=B) == ((C,), costs[1:])
    assert WORKED.candidates((A,), without=UNSEEN) == (ids, costs)


def test_where_the_only_candidate_is_left_out_the_shorter_context_speaks() -> None:
    model = NGram([A, B] * 20 + [A, C])
    assert model.candidates((A,)).ids == (B,)
    assert model.candidates((A,), without=B) == model.candidates((), without=B)
    assert set(model.candidates((A,), without=B).ids) == {A, C}


@given(TOKENS, CONTEXTS, st.integers(A, D))
def test_what_is_left_out_is_never_offered(tokens: list[int], context: tuple[int, ...], left_out: int) -> None:
    ids = NGram(tokens).candidates(context, without=left_out).ids
    assert ids
    assert left_out not in ids
