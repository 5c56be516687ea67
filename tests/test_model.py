"""The simulated model: replies whose every setting has a visible effect, the same everywhere."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from hashlib import sha256
from itertools import islice, takewhile
from statistics import mean
from typing import TypedDict, Unpack

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockserver.model import Sampling, SimulatedModel

MODEL = SimulatedModel()
PROMPTS = (
    "Hello!",
    "Hi",
    "",
    "Tell me about the lamp",
    "How do I grow tomatoes?",
    "Was ist ein Leuchtturm?",
    "写一首诗",
    "😀",
)


class Fields(TypedDict, total=False):
    temperature: float
    top_p: float
    top_k: int
    min_p: float
    repetition_penalty: float
    max_new_len: int
    seed: int
    raw: bool


def tokens(prompt: str = "Tell me a story", **fields: Unpack[Fields]) -> list[str]:
    return list(MODEL.tokens(prompt, Sampling(**fields)))


def reply(prompt: str = "Tell me a story", **fields: Unpack[Fields]) -> str:
    return "".join(tokens(prompt, **fields))


def first_tokens(sampling: Sampling) -> set[str]:
    """What 300 seeds put after words that many others follow."""
    drawn = (MODEL.tokens("It is the", replace(sampling, raw=True, seed=seed)) for seed in range(300))
    return {next(reply) for reply in drawn}


def repeats(penalty: float) -> float:
    """The mean share of a reply's tokens that had been there before."""
    replies = [tokens(seed=seed, repetition_penalty=penalty) for seed in range(40)]
    return mean(1 - len(set(drawn)) / len(drawn) for drawn in replies)


# The same replies on every platform, Python and hash seed. A change of the text, the model or the chain changes them:
# then say so in the changelog.
GOLDEN = {
    ("Hello!", Sampling(max_new_len=24)): (
        "How does a day: at six in the hall. Children are short program is a good clock, and it is best"
    ),
    ("How is the weather?", Sampling(temperature=0.0, seed=-(2**63), max_new_len=24)): (
        "The engine in the morning, and it is too short is only a hope, and the glass house along the southern wall"
    ),
    (
        "The lamp turns once every thirty",
        Sampling(1.7, top_p=1.0, top_k=0, repetition_penalty=0.8, seed=7, raw=True, max_new_len=24),
    ): " seconds and it does not start in the order in the basket on the wall, write the tower. If something to do",
}


@pytest.mark.parametrize(("request_", "expected"), GOLDEN.items(), ids=["default", "greedy", "raw"])
def test_known_replies_stay_as_they_are(request_: tuple[str, Sampling], expected: str) -> None:
    assert "".join(MODEL.tokens(*request_)) == expected


def test_replies_do_not_depend_on_the_process_or_its_hash_seed() -> None:
    program = (
        "from hashlib import sha256\n"
        "from mockserver.model import Sampling, SimulatedModel\n"
        "model = SimulatedModel()\n"
        "texts = [''.join(model.tokens(f'Prompt {n}', Sampling(seed=n))) for n in range(30)]\n"
        "print(sha256('|'.join(texts).encode()).hexdigest())"
    )
    here = sha256("|".join(reply(f"Prompt {n}", seed=n) for n in range(30)).encode()).hexdigest()
    for hash_seed in ("0", "4294967295"):
        environment = os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join(sys.path)}
        run = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, timeout=60, check=True
        )
        assert run.stdout.decode().strip() == here


def test_nothing_is_read_before_the_first_token_is_asked_for() -> None:
    program = (
        "from mockserver.model import Sampling, SimulatedModel, simulated\n"
        "reply = SimulatedModel().tokens('Hello', Sampling())\n"
        "print(simulated._trained.cache_info().currsize)\n"
        "next(reply)\n"
        "print(simulated._trained.cache_info().currsize)"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    run = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, timeout=60, check=True)
    assert run.stdout.split() == [b"0", b"1"]


def test_the_same_request_gives_the_same_reply_seed_zero_too() -> None:
    for seed in (0, 1, -1, 2**63 - 1, -(2**63)):
        assert reply(seed=seed) == reply(seed=seed)


def test_replies_that_are_drawn_side_by_side_do_not_disturb_each_other() -> None:
    sampling = Sampling(seed=3)
    one, other = MODEL.tokens("Hello", sampling), MODEL.tokens("Hello", sampling)
    pairs = list(zip(one, other, strict=True))
    assert all(left == right for left, right in pairs)
    assert [left for left, _ in pairs] == list(MODEL.tokens("Hello", sampling))


def test_another_seed_gives_another_reply() -> None:
    seeds = [*range(50), 2**63 - 1, -(2**63)]
    assert len({reply(seed=seed) for seed in seeds}) == len(seeds)


@pytest.mark.parametrize("temperature", [1.0, 0.0])
@pytest.mark.parametrize("raw", [False, True])
def test_another_prompt_gives_another_reply_even_without_chance(temperature: float, raw: bool) -> None:
    assert len({reply(prompt, temperature=temperature, raw=raw) for prompt in PROMPTS}) == len(PROMPTS)


@pytest.mark.parametrize("prompt", PROMPTS)
def test_raw_changes_the_reply(prompt: str) -> None:
    assert reply(prompt, raw=True) != reply(prompt, raw=False)
    assert reply(prompt, raw=True, temperature=0) != reply(prompt, raw=False, temperature=0)


def test_a_raw_prompt_is_continued_from_its_last_words() -> None:
    assert reply("The lamp turns once every thirty", raw=True, temperature=0, max_new_len=1) == " seconds"
    assert (
        reply("Fold it four times and let it rest while you read the", raw=True, temperature=0, max_new_len=1)
        == " weather"
    )


def test_a_prompt_that_is_not_raw_is_answered_with_a_new_paragraph() -> None:
    openings = {reply(prompt, seed=seed, max_new_len=1) for prompt in PROMPTS for seed in range(20)}
    assert len(openings) > 10
    assert all(re.fullmatch("[A-Z][a-z]*", opening) for opening in openings)


@pytest.mark.parametrize("length", [0, 1, 2, 47, 128])
def test_max_new_len_cuts_the_same_reply_shorter(length: int) -> None:
    longest = tokens(seed=5, max_new_len=4096)
    assert tokens(seed=5, max_new_len=length) == longest[:length]


def test_replies_have_at_least_40_tokens_and_end_by_themselves() -> None:
    lengths = sorted(len(tokens(seed=seed, max_new_len=4096)) for seed in range(200))
    assert lengths[10] > 40, "19 of 20 replies are longer"
    assert lengths[190] < 400, "19 of 20 replies are shorter"


@pytest.mark.parametrize("sampling", [Sampling(), Sampling(temperature=1e308, top_p=1.0, top_k=0), Sampling(raw=True)])
def test_tokens_are_short_and_whole(sampling: Sampling) -> None:
    drawn = [token for seed in range(60) for token in MODEL.tokens("Hello", replace(sampling, seed=seed))]
    assert all(1 <= len(token) <= 16 for token in drawn)
    assert all(re.fullmatch(r" ?(\w+|[^\w\s])|'\w+", token) for token in drawn)


def test_a_reply_has_no_more_words_than_max_new_len() -> None:
    for length in (1, 5, 20, 60):
        assert all(len(reply(seed=seed, max_new_len=length).split()) <= length for seed in range(20))


@pytest.mark.parametrize("sampling", [Sampling(temperature=0), Sampling(top_k=1), Sampling(top_p=0.0)])
def test_a_greedy_setting_makes_the_seed_unimportant(sampling: Sampling) -> None:
    replies = {"".join(MODEL.tokens("Hello", replace(sampling, seed=seed))) for seed in range(20)}
    assert replies == {reply("Hello", temperature=0)}


def test_a_low_temperature_comes_close_to_the_greedy_reply() -> None:
    greedy = tokens(temperature=0, max_new_len=40)

    def agreed(drawn: list[str]) -> int:
        return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(greedy, drawn, strict=False)))

    def shared(temperature: float) -> float:
        drawn = [tokens(seed=seed, temperature=temperature, max_new_len=40) for seed in range(40)]
        return mean(agreed(one) for one in drawn)

    assert shared(1e-6) == len(greedy)
    assert shared(0.05) > shared(0.3) > shared(1.0)


def test_top_p_shrinks_the_support() -> None:
    narrow, middle, full = (first_tokens(Sampling(top_p=top_p, top_k=0)) for top_p in (0.1, 0.5, 1.0))
    assert narrow < middle < full


def test_top_k_shrinks_the_support() -> None:
    assert [len(first_tokens(Sampling(top_k=top_k, top_p=1.0, temperature=3.0))) for top_k in (1, 2, 7)] == [1, 2, 7]
    assert len(first_tokens(Sampling(top_k=0, top_p=1.0, temperature=3.0))) > 40


def test_min_p_shrinks_the_support_only_strictly_between_zero_and_one() -> None:
    neutral, half = first_tokens(Sampling(top_p=1.0, min_p=0.0)), first_tokens(Sampling(top_p=1.0, min_p=0.5))
    assert half < neutral
    assert [reply(seed=seed, min_p=1.0) for seed in range(20)] == [reply(seed=seed, min_p=0.0) for seed in range(20)]
    assert [reply(seed=seed, min_p=0.3) for seed in range(20)] != [reply(seed=seed, min_p=0.0) for seed in range(20)]


def test_a_repetition_penalty_lowers_repeats() -> None:
    assert repeats(0.5) > repeats(1.0) + 0.02
    assert repeats(1.0) > repeats(1.5) + 0.02
    assert repeats(1.5) > repeats(5.0) + 0.02


def test_the_penalty_counts_the_words_of_the_prompt() -> None:
    prompt = "The wall, the garden, the end, the table, the house and the wall of the"
    named = {" wall", " garden", " end", " table", " house"}

    def openings(penalty: float) -> set[str]:
        return {reply(prompt, raw=True, max_new_len=1, repetition_penalty=penalty, seed=seed) for seed in range(200)}

    assert openings(1.0) & named
    assert not openings(1e6) & named


EXTREME_FACTORS = (5e-324, 1e-9, 1.0, 1e9, 1e308)


@pytest.mark.parametrize("temperature", [0.0, *EXTREME_FACTORS])
@pytest.mark.parametrize("penalty", EXTREME_FACTORS)
def test_extreme_settings_still_give_a_reply(temperature: float, penalty: float) -> None:
    for top_p in (0.0, 1.0):
        drawn = tokens(
            temperature=temperature, repetition_penalty=penalty, top_p=top_p, top_k=0, min_p=5e-324, seed=-(2**63)
        )
        assert 40 < len(drawn) <= 128


@settings(max_examples=50)
@given(st.text(st.characters(exclude_categories=())), st.booleans())
def test_every_text_is_a_prompt(prompt: str, raw: bool) -> None:
    drawn = list(islice(MODEL.tokens(prompt, Sampling(raw=raw)), 5))
    assert len(drawn) == 5
