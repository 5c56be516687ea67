"""A conversation in one prompt: what is in it, what is left out of it, and where a reply ends."""

from __future__ import annotations

from itertools import pairwise

import pytest
from fake_hub import FakeHub, answered
from hypothesis import given
from hypothesis import strategies as st

from neuroengine import Conversation, Frame, spec
from neuroengine.conversation import LABELS, OTHER_MEMBERS_BYTES, ReplyReader, Turn, least_room_bytes, size_bytes
from neuroengine.protocol import requests

SERVICE_FRAME = Frame.of_service("Be kind.\n### Question:\n", "\n### Answer:\n")

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


def talk_of(*turns: tuple[str, str], budget_bytes: int | None = None, frame: Frame = LABELS) -> Conversation:
    talk = Conversation(frame=frame, budget_bytes=budget_bytes)
    for question, reply in turns:
        talk.add(question, reply)
    return talk


def test_a_prompt_holds_the_system_text_the_turns_and_the_question() -> None:
    talk = Conversation(system="Be brief.")
    assert talk.prompt("Hi!") == "Be brief.\n\nUser: Hi!\nAssistant:"
    talk.add("Hi!", "Hello.")
    assert talk.prompt("Who are you?") == (
        "Be brief.\n\nUser: Hi!\nAssistant: Hello.\n\nUser: Who are you?\nAssistant:"
    )


def test_asking_for_a_prompt_changes_nothing() -> None:
    talk = talk_of(("a", "b"))
    assert talk.prompt("c") == talk.prompt("c")
    assert talk.turns == (Turn("a", "b"),)


def test_a_service_that_tells_its_frame_reads_what_it_would_have_made_itself() -> None:
    talk = Conversation(frame=SERVICE_FRAME)
    assert talk.prompt("Hi!") == "Be kind.\n### Question:\nHi!\n### Answer:\n"
    assert talk.frame.raw
    talk.add("Hi!", "Hello.")
    assert talk.prompt("More?") == (
        "Be kind.\n### Question:\nHi!\n### Answer:\nHello.\nBe kind.\n### Question:\nMore?\n### Answer:\n"
    )


@pytest.mark.parametrize(
    ("preprompt", "endprompt"),
    [("", ""), ("Be kind.", ""), ("", "###"), (" \n", "###"), ("Be kind.", " "), (None, None), (7, "x"), ("x", [])],
)
def test_a_service_that_does_not_tell_both_ends_gets_labels(preprompt: object, endprompt: object) -> None:
    assert Frame.of_service(preprompt, endprompt) is LABELS
    assert not LABELS.raw


def test_the_oldest_turns_are_left_out_first_and_kept_in_the_conversation() -> None:
    talk = talk_of(("one", "1"), ("two", "2"), ("three", "3"))
    whole = talk.prompt("four")
    talk.budget_bytes = size_bytes(whole)
    assert talk.prompt("four") == whole
    talk.budget_bytes -= 1
    assert talk.prompt("four") == talk_of(("two", "2"), ("three", "3")).prompt("four")
    assert [turn.question for turn in talk.turns] == ["one", "two", "three"]


def test_a_turn_is_never_skipped_for_an_older_one_that_is_shorter() -> None:
    talk = talk_of(("short", "s"), ("long" * 50, "l" * 50), ("newest", "n"), budget_bytes=100)
    assert "newest" in talk.prompt("?")
    assert "short" not in talk.prompt("?")


def test_the_question_and_the_system_text_are_never_left_out() -> None:
    talk = Conversation(system="s" * 50, budget_bytes=10)
    talk.add("old", "turn")
    assert talk.prompt("q" * 50) == f"{'s' * 50}\n\nUser: {'q' * 50}\nAssistant:"


@given(turns=st.lists(st.tuples(texts, texts), max_size=8), system=texts, question=texts, budget=st.integers(0, 400))
def test_a_prompt_is_the_longest_that_fits(
    turns: list[tuple[str, str]], system: str, question: str, budget: int
) -> None:
    talk = talk_of(*turns)
    talk.system, talk.budget_bytes = system, budget
    prompt = talk.prompt(question)

    def with_newest(count: int) -> str:
        alone = talk_of(*turns[len(turns) - count :])
        alone.system, alone.budget_bytes = system, 10**9
        return alone.prompt(question)

    kept = next(count for count in range(len(turns) + 1) if with_newest(count) == prompt)
    assert kept == 0 or size_bytes(prompt) <= budget
    assert kept == len(turns) or size_bytes(with_newest(kept + 1)) > budget


@pytest.mark.parametrize("letter", ["a", '"', "\n", "ä", "я", "語", "🙂", "\x00"])
def test_what_fits_the_standard_budget_fits_every_hub(letter: str) -> None:
    """The floors of NE-LIM-001 and NE-LIM-002, with the longest other members that a poll may have."""
    talk = Conversation(system=letter * 100)
    for _ in range(200):
        talk.add(letter * 50, letter * 50)
    prompt = talk.prompt(letter * 50)
    longest = {"temperature": 0.1 + 0.2, "seed": -(2**63), "max_new_len": 2**63 - 1, "top_k": 2**63 - 1}
    poll = requests.poll(requests.generation(prompt, longest), key="k" * 64, gettokens=2**63 - 1, seq=10**6)
    (floor,) = (limit["floor"] for limit in spec.limits() if limit["name"] == "http_body_bytes")
    assert len(requests.encoded(poll)) <= floor
    assert len(prompt.encode()) <= floor // 2
    assert size_bytes(prompt) > least_room_bytes() - 1000, "the room is used"
    assert len(requests.encoded(poll)) - len(requests.encoded({"message": prompt})) < OTHER_MEMBERS_BYTES


def test_a_turn_that_is_taken_back_leaves_no_trace() -> None:
    talk = talk_of(("a", "b"))
    before = talk.prompt("x")
    talk.add("c", "d")
    assert talk.take_back() == Turn("c", "d")
    assert talk.prompt("x") == before
    assert talk.take_back() == Turn("a", "b")
    assert talk.take_back() is None


def test_what_is_cleared_is_forgotten_but_the_system_text() -> None:
    talk = Conversation(system="Be brief.")
    talk.add("a", "b")
    talk.clear()
    assert talk.prompt("x") == Conversation(system="Be brief.").prompt("x")


@pytest.mark.parametrize(
    ("came", "reply"),
    [
        (" Hello. \n", "Hello."),
        ("Hello.\nUser: And you?\nAssistant: Fine.", "Hello."),
        ("Hello.\n\nUser: And you?", "Hello."),
        ("User: I play you.", ""),
        (" \n User:", "User:"),
        ("\n\nUser:", ""),
        ("Ask a User: he knows.", "Ask a User: he knows."),
        ("Hello.\nUse", "Hello.\nUse"),
        ("Hello.\nUsers: many", "Hello.\nUsers: many"),
        ("  a\n  b  ", "a\n  b"),
        ("", ""),
        (" \n ", ""),
    ],
)
def test_a_reply_ends_where_the_model_begins_to_play_the_user(came: str, reply: str) -> None:
    assert Conversation().add("Hi!", came) == Turn("Hi!", reply)


def test_a_model_that_repeats_the_services_frame_is_cut_there() -> None:
    talk = Conversation(frame=SERVICE_FRAME)
    assert talk.add("Hi!", "Hello.\n### Question:\nAnd you?").reply == "Hello."
    assert talk.add("Hi!", "Hello ### Question: x").reply == "Hello ### Question: x"


@pytest.mark.parametrize("frame", [LABELS, SERVICE_FRAME], ids=["labels", "service"])
def test_a_model_that_repeats_the_prompt_is_read_behind_it(frame: Frame) -> None:
    talk = talk_of(("a", "b"), frame=frame)
    assert talk.add("Hi!", f"{talk.prompt('Hi!')} Hello.").reply == "Hello."
    assert talk.add("Hi!", talk.prompt("Hi!")).reply == ""
    assert talk.add("Hi!", talk.prompt("Hi!")[:2]).reply == talk.prompt("Hi!")[:2], "that is no repetition yet"


@given(
    came=st.text(alphabet="ab \nUser:", max_size=60),
    cuts=st.lists(st.integers(0, 60), max_size=10),
    echoes=st.booleans(),
)
def test_pieces_give_what_the_whole_gives_wherever_it_is_cut(came: str, cuts: list[int], echoes: bool) -> None:
    prompt = "User: a\nAssistant:"
    came = prompt + came if echoes else came

    def read(*pieces: str) -> tuple[str, bool]:
        reader = ReplyReader(prompt, LABELS.mark)
        text = "".join(reader.feed(piece) for piece in pieces) + reader.finish()
        return text, reader.over

    ends = sorted({0, len(came), *(cut for cut in cuts if cut < len(came))})
    pieces = [came[start:end] for start, end in pairwise(ends)]
    assert read(*pieces) == read(came)
    assert read(*came) == read(came)


def test_text_is_given_out_as_soon_as_it_is_sure() -> None:
    reader = ReplyReader("Q", LABELS.mark)
    pieces = (" It is", " late. ", "\nUs", "eful: yes", "\nUser", ": x")
    assert [reader.feed(piece) for piece in pieces] == ["It is", " late.", "", " \nUseful: yes", "", ""]
    assert reader.over
    assert (reader.feed("more"), reader.finish()) == ("", "")


def test_a_talk_with_a_client_needs_nothing_else() -> None:
    hub = FakeHub(answered(" Hello.\nUser: hm"), answered(" Fine."))
    talk = Conversation()
    with hub.client() as client:
        for question in ("Hi!", "How are you?"):
            talk.add(question, client.generate(talk.prompt(question), raw=talk.frame.raw).text)
    assert hub.bodies[1]["message"] == "User: Hi!\nAssistant: Hello.\n\nUser: How are you?\nAssistant:"
    assert talk.turns == (Turn("Hi!", "Hello."), Turn("How are you?", "Fine."))


def test_a_word_of_the_prompt_in_the_middle_of_a_reply_is_not_held_back() -> None:
    reader = ReplyReader("Question", LABELS.mark)
    assert [reader.feed(piece) for piece in ("My-", "Quest")] == ["My-", "Quest"]
    assert reader.feed("ion") == "ion"
