"""The sampler chain: what each setting does to a known distribution, exactly or by counting draws."""

from collections import Counter
from collections.abc import Iterable
from itertools import product
from math import exp, log
from typing import TypedDict, Unpack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.model.ngram import UNITS_PER_NAT, Candidates
from mockserver.model.sampler import Sampler, Sampling


class Chain(TypedDict, total=False):
    temperature: float
    top_p: float
    top_k: int
    min_p: float
    repetition_penalty: float


NEUTRAL: Chain = {"temperature": 1.0, "top_p": 1.0, "top_k": 0, "min_p": 0.0, "repetition_penalty": 1.0}
NO_BIAS = bytes(8)
DRAWS = 2000


def distribution(*probabilities: float) -> Candidates:
    """Tokens 0, 1, 2, … with these probabilities."""
    return Candidates(tuple(range(len(probabilities))), tuple(-log(share) * UNITS_PER_NAT for share in probabilities))


FOUR = distribution(0.4, 0.3, 0.2, 0.1)


def draw_once(
    candidates: Candidates, seed: int, *, used: Iterable[int] = (), bias: bytes = NO_BIAS, chain: Chain | None = None
) -> int:
    settings = NEUTRAL | (chain or {})
    return Sampler(Sampling(**settings), prompt=used, bias=bias, entropy=seed.to_bytes(8, "big")).pick(candidates)


def draws(candidates: Candidates, count: int, *, used: Iterable[int] = (), **chain: Unpack[Chain]) -> list[int]:
    return [draw_once(candidates, seed, used=used, chain=chain) for seed in range(count)]


def frequencies(candidates: Candidates, *, used: Iterable[int] = (), **chain: Unpack[Chain]) -> dict[int, float]:
    counts = Counter(draws(candidates, DRAWS, used=used, **chain))
    return {token: count / DRAWS for token, count in counts.items()}


def support(candidates: Candidates, *, used: Iterable[int] = (), **chain: Unpack[Chain]) -> set[int]:
    return set(draws(candidates, DRAWS, used=used, **chain))


def test_a_neutral_chain_draws_in_proportion() -> None:
    drawn = frequencies(FOUR)
    assert drawn == pytest.approx({0: 0.4, 1: 0.3, 2: 0.2, 3: 0.1}, abs=0.04)


def test_temperature_zero_takes_the_likeliest_whatever_the_seed() -> None:
    assert support(FOUR, temperature=0) == {0}


def test_temperature_zero_breaks_ties_by_token_id() -> None:
    assert support(Candidates((5, 2, 7), (100.0, 100.0, 100.0)), temperature=0) == {2}


def test_temperature_sharpens_and_flattens_as_the_formula_says() -> None:
    for temperature in (0.5, 2.0):
        weights = [share ** (1 / temperature) for share in (0.4, 0.3, 0.2, 0.1)]
        expected = {token: weight / sum(weights) for token, weight in enumerate(weights)}
        assert frequencies(FOUR, temperature=temperature) == pytest.approx(expected, abs=0.04)


def test_a_huge_temperature_makes_all_candidates_equal() -> None:
    assert frequencies(FOUR, temperature=1e308) == pytest.approx(dict.fromkeys(range(4), 0.25), abs=0.04)


@pytest.mark.parametrize(
    ("top_k", "kept"), [(1, {0}), (2, {0, 1}), (3, {0, 1, 2}), (4, {0, 1, 2, 3}), (99, {0, 1, 2, 3})]
)
def test_top_k_keeps_the_k_likeliest(top_k: int, kept: set[int]) -> None:
    assert support(FOUR, top_k=top_k) == kept


def test_top_k_zero_means_no_limit() -> None:
    assert support(FOUR, top_k=0) == {0, 1, 2, 3}


@pytest.mark.parametrize(
    ("top_p", "kept"), [(0.0, {0}), (0.39, {0}), (0.41, {0, 1}), (0.69, {0, 1}), (0.71, {0, 1, 2}), (1.0, {0, 1, 2, 3})]
)
def test_top_p_keeps_the_fewest_that_hold_the_share_and_at_least_one(top_p: float, kept: set[int]) -> None:
    assert support(FOUR, top_p=top_p) == kept


@pytest.mark.parametrize(("min_p", "kept"), [(0.2, {0, 1, 2, 3}), (0.26, {0, 1, 2}), (0.51, {0, 1}), (0.99, {0})])
def test_min_p_drops_what_is_far_below_the_likeliest(min_p: float, kept: set[int]) -> None:
    assert support(FOUR, min_p=min_p) == kept


def test_min_p_zero_and_one_change_nothing() -> None:
    plain = draws(FOUR, 200)
    assert draws(FOUR, 200, min_p=0.0) == plain
    assert draws(FOUR, 200, min_p=1.0) == plain
    assert draws(FOUR, 200, min_p=0.5) != plain


def test_a_penalty_above_one_makes_used_tokens_rarer() -> None:
    weights = [0.4**2, 0.3, 0.2, 0.1]
    expected = {token: weight / sum(weights) for token, weight in enumerate(weights)}
    assert frequencies(FOUR, used=[0], repetition_penalty=2.0) == pytest.approx(expected, abs=0.04)


def test_a_penalty_below_one_makes_used_tokens_more_frequent() -> None:
    weights = [0.4, 0.3, 0.2, 0.1**0.5]
    expected = {token: weight / sum(weights) for token, weight in enumerate(weights)}
    assert frequencies(FOUR, used=[3], repetition_penalty=0.5) == pytest.approx(expected, abs=0.04)


def test_a_penalty_of_one_is_neutral() -> None:
    unused = draws(FOUR, 200)
    assert draws(FOUR, 200, used=[0, 2], repetition_penalty=1.0) == unused


def test_the_penalty_counts_the_tokens_of_the_reply() -> None:
    sampling = Sampling(temperature=0, repetition_penalty=1e308)
    sampler = Sampler(sampling, prompt=[1], bias=NO_BIAS, entropy=b"")
    assert [sampler.pick(FOUR) for _ in range(4)] == [0, 2, 3, 0]


def test_the_penalty_comes_before_top_k() -> None:
    assert support(FOUR, used=[0], repetition_penalty=3.0, top_k=1) == {1}


def test_the_temperature_comes_before_top_p() -> None:
    assert support(FOUR, top_p=0.69) == {0, 1}
    assert support(FOUR, top_p=0.69, temperature=1e9) == {0, 1, 2}


def test_top_k_comes_before_top_p() -> None:
    assert support(FOUR, top_p=0.5) == {0, 1}
    assert support(FOUR, top_p=0.5, top_k=2) == {0}


def test_the_bias_is_a_cost_in_parts_of_a_nat() -> None:
    bias = bytes([64, 0, 0, 255])
    weights = [0.4 * exp(-64 / 256), 0.3, 0.2, 0.1 * exp(-255 / 256)]
    drawn = Counter(draw_once(FOUR, seed, bias=bias) for seed in range(DRAWS))
    expected = {token: DRAWS * weight / sum(weights) for token, weight in enumerate(weights)}
    assert drawn == pytest.approx(expected, abs=0.04 * DRAWS)


def test_the_same_entropy_draws_the_same() -> None:
    drawn = draws(FOUR, 100)
    assert draws(FOUR, 100) == drawn
    assert len(set(drawn)) > 1


def test_an_extreme_penalty_on_all_candidates_leaves_their_order() -> None:
    candidates = Candidates((5, 2), (10.0, 200.0))
    assert support(candidates, used=(2, 5), repetition_penalty=1e308) == {5}
    assert support(candidates, used=(2, 5), repetition_penalty=5e-324, top_k=1) == {5}


EXTREME_FACTORS = (5e-324, 1e-9, 1.0, 1e9, 1.7976931348623157e308)


@pytest.mark.parametrize("temperature", [0.0, *EXTREME_FACTORS])
@pytest.mark.parametrize("penalty", EXTREME_FACTORS)
def test_extreme_settings_still_draw_a_candidate(temperature: float, penalty: float) -> None:
    surest = Candidates((4, 6), (0.0, 9999.0))
    for candidates, used, top_p, min_p in product(
        (FOUR, surest), ([], [0, 4], range(8)), (0.0, 1.0), (0.0, 5e-324, 1.0)
    ):
        chain: Chain = {"temperature": temperature, "repetition_penalty": penalty, "top_p": top_p, "min_p": min_p}
        assert draw_once(candidates, 1, used=used, bias=bytes(range(8)), chain=chain) in candidates.ids


@given(
    st.lists(st.integers(0, 5000).map(float), min_size=1, max_size=8),
    st.sets(st.integers(0, 7)),
    st.binary(min_size=8, max_size=8),
    st.fixed_dictionaries(
        {
            "temperature": st.floats(0, allow_infinity=False),
            "top_p": st.floats(0, 1),
            "top_k": st.integers(0, 2**70),
            "min_p": st.floats(0, 1),
            "repetition_penalty": st.floats(0, exclude_min=True, allow_infinity=False),
        }
    ),
)
def test_any_legal_settings_draw_a_candidate(costs: list[float], used: set[int], bias: bytes, chain: Chain) -> None:
    candidates = Candidates(tuple(range(len(costs))), tuple(costs))
    assert draw_once(candidates, 1, used=used, bias=bias, chain=chain) in candidates.ids
