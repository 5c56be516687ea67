"""What reaches the provider of what a client asks: its message, its fields, and of a stream the whole request once.

A value is compared by its meaning in JSON: 1 is 1.0, and no boolean is a number. What a hub refuses reaches nobody, and
is judged elsewhere.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import strategies as st

from conformance.asker import Passage
from conformance.evidence import not_judged
from conformance.exchange import is_integer
from conformance.judge import SHORT
from conformance.requirement import judges
from conformance.strategies import OPTIONAL_FIELDS, generate_request, selections, unicode_texts, unknown_members, values

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.judge import Judge
    from conformance.provider.link import Link

READ: Final = {"reply": "Read."}
LONG_REPLY: Final = " ".join(["Waves", "come", "and", "go."] * 8)
DEFAULTS: Final = {
    name: field["default"] for name, field in generate_request()["properties"].items() if "default" in field
}
SAMPLING: Final = (*(name for name in OPTIONAL_FIELDS if name != "gettokens"), "min_p")
SPELLINGS: Final = ("True", "False", "true", "false", "TRUE", "fAlSe", True, False)
EXACT: Final = 2**53
"""Up to here every integer is a double, so that no JSON reader rounds it."""


def passed(judge: Judge, link: Link, content: Mapping[str, Any]) -> Passage | None:
    """Sends a request through the hub, and the provider's word back; None where the hub answers it by itself."""
    call = judge.begin(content)
    frame = judge.arrives(link, call)
    if frame is None:
        return None
    link.answer(READ)
    return Passage(frame, call.answer())


def is_same(came: Any, sent: Any) -> bool:
    """Whether two JSON values mean the same."""
    if isinstance(came, bool) or isinstance(sent, bool):
        return came is sent
    if isinstance(sent, dict):
        return isinstance(came, dict) and came.keys() == sent.keys() and all(is_same(came[k], sent[k]) for k in sent)
    if isinstance(sent, list):
        return isinstance(came, list) and len(came) == len(sent) and all(map(is_same, came, sent))
    return bool(came == sent)


def is_true(raw: Any) -> bool:
    """What `raw` means, however it is spelled."""
    return str(raw).lower() == "true"


def arrives_as(name: str, came: Mapping[str, Any], sent: Any) -> bool:
    """Whether a sampling field reached the provider with its value.

    A field at its default may be left out, which means the same; so may `min_p`, which was never published, where a hub
    knows it not (NE-FWD-005).
    """
    if name not in came:
        return name == "min_p" or is_same(sent, DEFAULTS[name]) or (name == "raw" and not is_true(sent))
    if name == "raw":
        return is_true(came[name]) == is_true(sent)
    if name == "max_new_len":
        return is_integer(came[name]) and 0 <= came[name] <= sent
    return is_same(came[name], sent)


def shown(members: Mapping[str, Any]) -> str:
    """Members as JSON text, the message left out."""
    return json.dumps({name: value for name, value in members.items() if name != "message"})


@judges("NE-FWD-001")
def test_the_message_arrives_character_for_character(judge: Judge) -> None:
    with judge.provider() as link:

        def check(message: str) -> None:
            passage = passed(judge, link, SHORT | {"message": message})
            if passage is not None:
                came = passage.frame.content.get("message")
                judge.require(came == message, f"the message {message!r}", f"{came!r}", passage.exchange)

        judge.explore(unicode_texts | padded_texts(), check, examples=60)


def padded_texts() -> st.SearchStrategy[str]:
    """Texts with white space, quotes, backslashes and control characters, at their ends too; some of them long."""
    odd = st.text(st.sampled_from(" \t\n\r\x00\x1b\x7f\u2028\u00a0\"'\\/{}<&%né"), max_size=12)
    return odd | st.builds(lambda text, times: text * times, odd, st.integers(1, 400))


@judges("NE-FWD-002")
def test_sampling_fields_arrive_with_equal_values(judge: Judge) -> None:
    with judge.provider() as link:

        def check(fields: dict[str, Any]) -> None:
            passage = passed(judge, link, SHORT | fields)
            if passage is not None:
                came = passage.frame.content
                holds = all(arrives_as(name, came, sent) for name, sent in fields.items() if name in SAMPLING)
                judge.require(holds, f"the values {shown(fields)}", shown(came), passage.exchange)

        judge.explore(selections() | sampling_fields(), check, examples=80)


def sampling_fields() -> st.SearchStrategy[dict[str, Any]]:
    """Sampling fields in any selection, at any value; integers are also written as 40.0."""
    any_value = {name: values(name) for name in SAMPLING if name != "raw"}
    any_value |= {"raw": st.sampled_from(["True", "False"]), "max_new_len": st.integers(1, 10**6)}
    for name in ("top_k", "seed", "max_new_len"):
        exact = any_value[name].map(lambda value: max(-EXACT, min(value, EXACT)))
        any_value[name] = exact | exact.map(float)
    return st.fixed_dictionaries({}, optional=any_value)


@judges("NE-FWD-002")
@pytest.mark.parametrize("spelling", SPELLINGS, ids=repr)
def test_raw_arrives_by_its_meaning(judge: Judge, spelling: str | bool) -> None:
    passage = passage_of_raw(judge, spelling)
    came = passage.frame.content
    judge.require(arrives_as("raw", came, spelling), f"raw {is_true(spelling)}", shown(came), passage.exchange)


@judges("NE-FWD-004")
@pytest.mark.parametrize("spelling", SPELLINGS, ids=repr)
def test_raw_arrives_in_its_canonical_form(judge: Judge, spelling: str | bool) -> None:
    passage = passage_of_raw(judge, spelling)
    if "raw" not in passage.frame.content:
        not_judged("the hub leaves raw out")
    came = passage.frame.content["raw"]
    judge.require(came in ("True", "False") and came is not True, 'raw "True" or "False"', repr(came), passage.exchange)


def passage_of_raw(judge: Judge, spelling: str | bool) -> Passage:
    """A request with `raw` in this spelling, if the hub accepts it."""
    with judge.provider() as link:
        return judge.through(link, SHORT | {"raw": spelling}, READ)


@judges("NE-FWD-003")
def test_a_field_that_was_left_out_arrives_at_its_default_or_not_at_all(judge: Judge) -> None:
    with judge.provider() as link:

        def check(fields: dict[str, Any]) -> None:
            passage = passed(judge, link, {"message": SHORT["message"]} | fields)
            if passage is None:
                return
            came = passage.frame.content
            added = {name: came[name] for name in SAMPLING if name in came and name not in fields}
            wrong = {name: value for name, value in added.items() if not is_default(name, value)}
            judge.require(not wrong, "no value but the defaults", f"{shown(wrong)} added", passage.exchange)

        judge.explore(st.just({}) | selections(), check, examples=20)


def is_default(name: str, value: Any) -> bool:
    """Whether a sampling field has the value that it has when it is missing; `max_new_len` may be lowered."""
    return arrives_as(name, {name: value}, DEFAULTS[name])


@judges("NE-FWD-005")
def test_unknown_members_arrive_untouched(judge: Judge) -> None:
    with judge.provider() as link:

        def check(members: dict[str, Any]) -> None:
            passage = passed(judge, link, members | SHORT)
            if passage is None:
                return
            came = {name: passage.frame.content[name] for name in members if name in passage.frame.content}
            judge.require(is_same(came, members), f"the members {shown(members)}", shown(came), passage.exchange)

        known = {"message", "ping"}
        judge.explore(unknown_members().filter(lambda members: not known & members.keys()), check, examples=40)


@judges("NE-FWD-006")
@pytest.mark.parametrize("ping", [1, None, "", {}, [0], False], ids=repr)
def test_a_ping_member_never_reaches_the_provider(judge: Judge, ping: Any) -> None:
    message = f"{SHORT['message']} {judge.new_key(8)}"
    with judge.provider() as link:
        call = judge.begin({"ping": ping, "x": {"ping": ping}} | SHORT | {"message": message})
        while not call.is_answered and (frame := link.next_frame()) is not None:
            if frame.content.get("message") != message:
                continue
            link.answer(READ)
            answer = call.answer()
            judge.require(
                "ping" not in frame.content, "a request without the member ping", shown(frame.content), answer
            )
            return
        not_judged(f"the request did not reach the provider ({link.why_nothing})")


@judges("NE-FWD-007")
def test_the_index_of_a_poll_is_not_handed_on(judge: Judge) -> None:
    passage = passage_of_poll(judge, {"seq": 0})
    judge.require("seq" not in passage.frame.content, "no seq", shown(passage.frame.content), passage.exchange)


@judges("NE-FWD-008")
@pytest.mark.parametrize("more", [{"gettokens": 3}, {"gettokens": "3"}, {}], ids=["number", "digits", "none"])
def test_stream_fields_are_not_handed_to_a_plain_provider(judge: Judge, more: dict[str, Any]) -> None:
    passage = passage_of_poll(judge, more)
    came = passage.frame.content
    holds = not came.get("key") and "gettokens" not in came
    judge.require(
        holds,
        "neither a stream key nor gettokens",
        shown({name: came[name] for name in came if name in {"key", "gettokens"}}),
        passage.exchange,
    )


def passage_of_poll(judge: Judge, more: dict[str, Any]) -> Passage:
    """The first poll of a stream; the stream is then read to its end, so that nothing of it is left."""
    key = judge.new_key()
    fields = SHORT | {"key": key} | more
    with judge.provider() as link:
        passage = judge.through(link, fields, READ, keys=(key,))
        for _ in range(judge.subject.most_polls):
            rest = judge.begin({name: value for name, value in fields.items() if name != "seq"}, keys=(key,))
            if judge.arrives(link, rest) is not None:
                link.answer(READ | {"reply": ""})
            if not rest.answer().reply:
                break
        return passage


@judges("NE-FWD-009")
def test_a_plain_provider_is_asked_once_for_the_whole_reply(judge: Judge) -> None:
    key = judge.new_key()
    fields = {"message": SHORT["message"], "key": key, "gettokens": 2}
    with judge.provider() as link:
        first = judge.through(link, fields, {"reply": LONG_REPLY}, keys=(key,)).exchange
        if not first.is_success or not first.reply:
            not_judged(f"the stream did not begin ({first.describe()})")
        polls = [first]
        while polls[-1].is_success and polls[-1].reply and len(polls) < judge.subject.most_polls:
            call = judge.begin(fields, keys=(key,))
            again = judge.arrives(link, call)
            if again is not None:
                link.answer({"reply": ""})
            polls.append(call.answer())
            judge.require(again is None, "one request for the whole stream", f"one more for poll {len(polls)}", *polls)
        if len(polls) < 3:  # one piece and the end: the hub had nothing to ask for
            not_judged("the stream came in one piece")
