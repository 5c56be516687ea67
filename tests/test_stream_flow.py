"""Streams against a model hub that loses answers: the whole text or a typed error, never less text as success."""

from __future__ import annotations

import json
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from neuroengine._generated.machines import CLIENT_STREAM, ClientStreamState
from neuroengine.errors import (
    HUB_ERRORS,
    ConnectionFailed,
    HubError,
    InvalidField,
    NeuroengineError,
    NotReadyError,
    ProtocolError,
    StreamGap,
    TimedOut,
)
from neuroengine.protocol import requests, stream
from neuroengine.protocol.answers import Received
from neuroengine.protocol.flow import Send
from neuroengine.protocol.machine import Machine
from neuroengine.protocol.retry import Budget, Retry
from neuroengine.protocol.stream import StreamSession, checked_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from neuroengine.protocol.flow import Flow, Outcome

PIECES = ("Once", " upon", " a", " time", "…\n")
TEXT = "".join(PIECES)
MEMBERS = requests.generation("Tell me a story", {"seed": 3})

OK, LOST, UNSEEN, UNSENT, GARBLED, NOT_READY = "ok", "lost", "unseen", "unsent", "garbled", "not_ready"
"""What happens to a poll: answered; answered, but the answer is lost; sent, but never seen by the hub; never sent;
answered, but cut off; answered with code 17."""


class Time:
    """A clock that only moves when somebody waits."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class ModelHub:
    """A hub that follows the rules of streams; `knows_seq` says whether it repeats a piece that is asked for again."""

    def __init__(self, *, knows_seq: bool, events: Iterable[str] = ()) -> None:
        self.knows_seq = knows_seq
        self.events = iter(events)
        self.served: dict[str, int] = {}  # by key: how many pieces were served, the end included
        self.polls: list[dict[str, Any]] = []

    def answer(self, body: bytes) -> Outcome:
        event = next(self.events, OK)
        if event == UNSENT:
            return ConnectionFailed("refused", request_sent=False)
        if event == UNSEEN:
            return ConnectionFailed("reset", request_sent=True)
        poll = json.loads(body)
        self.polls.append(poll)
        if event == NOT_READY or event.isdecimal():
            code = 17 if event == NOT_READY else int(event)
            return received({"reply": "An error of the hub.", "errorcode": code})
        outcome = received(self.serve(poll))
        if event == LOST:
            return TimedOut("no byte", request_sent=True)
        return Received(200, outcome.body[:-3]) if event == GARBLED else outcome

    def serve(self, poll: dict[str, Any]) -> dict[str, Any]:
        index = served = self.served.get(poll["key"], 0)
        if self.knows_seq and "seq" in poll:
            index = poll["seq"]
            if index not in {served, served - 1} and served <= len(PIECES):
                return {"reply": "Wrong index.", "errorcode": 14}
        self.served[poll["key"]] = min(max(served, index + 1), len(PIECES) + 1)
        piece = PIECES[index] if index < len(PIECES) else ""
        echo = {"seq": index, "done": not piece} if self.knows_seq and "seq" in poll else {}
        return {"reply": piece, "errorcode": 0, **echo}


def received(members: dict[str, Any]) -> Received:
    return Received(200, json.dumps(members).encode())


def session(*, key: str = "k0", anew: bool = True, ask_first: bool = True) -> StreamSession:
    keys = (f"k{number}" for number in count(1))
    return StreamSession("/S", MEMBERS, key=key, new_key=(lambda: next(keys)) if anew else None, ask_first=ask_first)


def budget(time: Time, tries: int = 3, total_s: float = 600.0) -> Budget:
    return Budget(Retry(tries=tries), total_s, clock=time, chance=lambda: 0.5)


def drive(flow: Flow[str], answer: Callable[[bytes], Outcome], time: Time) -> str:
    outcome: Outcome = None
    while True:
        try:
            step = flow.send(outcome)
        except StopIteration as end:
            return str(end.value)
        if isinstance(step, Send):
            assert step.timeout_s > 0
            outcome = answer(step.body)
        else:
            assert step.seconds >= 0
            time.now += step.seconds
            outcome = None


def read(running: StreamSession, answer: Callable[[bytes], Outcome], *, tries: int = 3) -> Iterator[str]:
    time = Time()
    patience = budget(time, tries)
    while piece := drive(running.next_piece(patience, 20), answer, time):
        yield piece


LOSSES = st.lists(st.sampled_from([OK, OK, OK, LOST, UNSEEN, UNSENT, GARBLED, NOT_READY]), max_size=24)


@given(events=LOSSES)
@example(events=[LOST, OK])
@example(events=[OK, LOST])
@example(events=[OK, OK, OK, OK, OK, LOST])
def test_with_seq_nothing_is_lost_and_nothing_comes_twice_whatever_is_lost(events: list[str]) -> None:
    hub, running = ModelHub(knows_seq=True, events=events), session()
    assert list(read(running, hub.answer, tries=100)) == list(PIECES)
    assert running.text == TEXT
    assert running.state is ClientStreamState.ENDED


@given(events=LOSSES, anew=st.booleans())
@example(events=[OK, LOST], anew=True)
@example(events=[LOST], anew=False)
def test_without_seq_a_stream_is_whole_or_ends_in_a_typed_error(events: list[str], anew: bool) -> None:
    hub, running = ModelHub(knows_seq=False, events=events), session(anew=anew)
    gap: StreamGap | None = None
    try:
        got = "".join(read(running, hub.answer, tries=100))
    except StreamGap as error:
        gap = error
    if gap is None:
        assert got == running.text == TEXT
    else:
        assert TEXT.startswith(gap.text)
        assert (gap.text, running.state) == (running.text, ClientStreamState.FAILED)
        assert {LOST, UNSEEN, GARBLED} & set(events)


@given(
    events=st.lists(st.sampled_from([OK, LOST, UNSEEN, UNSENT, GARBLED, NOT_READY, "12", "16", "6"]), max_size=30),
    knows_seq=st.booleans(),
)
def test_whatever_happens_success_means_the_whole_text(events: list[str], knows_seq: bool) -> None:
    hub, running = ModelHub(knows_seq=knows_seq, events=events), session()
    failure: NeuroengineError | None = None
    try:
        got = "".join(read(running, hub.answer))
    except NeuroengineError as error:
        failure = error
    if failure is None:
        assert got == running.text == TEXT
    else:
        assert TEXT.startswith(running.text)
        assert running.state is ClientStreamState.FAILED
        with pytest.raises(type(failure)) as again:  # it stays failed: it never looks as if it had ended (NE-CSTR-006)
            next(read(running, hub.answer))
        assert again.value is failure


def test_a_loss_after_a_piece_ends_a_stream_of_a_hub_without_seq_at_once() -> None:
    hub, running = ModelHub(knows_seq=False, events=[OK, OK, LOST]), session()
    with pytest.raises(StreamGap) as caught:
        list(read(running, hub.answer))
    assert caught.value.text == running.text == "Once upon"
    assert isinstance(caught.value.__cause__, TimedOut)
    assert len(hub.polls) == 3  # it is known not to echo, so asking again would only take another piece from nobody


def test_a_first_answer_that_was_lost_begins_the_stream_anew_under_another_key() -> None:
    hub, running = ModelHub(knows_seq=False, events=[LOST]), session()
    assert "".join(read(running, hub.answer)) == TEXT
    assert [poll["key"] for poll in hub.polls] == ["k0", "k0", *["k1"] * 6]


def test_a_key_of_the_callers_own_is_never_replaced() -> None:
    hub, running = ModelHub(knows_seq=False, events=[LOST]), session(key="mine", anew=False)
    with pytest.raises(StreamGap):
        list(read(running, hub.answer))
    assert {poll["key"] for poll in hub.polls} == {"mine"}


def test_every_poll_repeats_the_whole_request_and_counts_the_pieces() -> None:
    hub = ModelHub(knows_seq=True, events=[OK, LOST, NOT_READY, OK])
    assert "".join(read(session(), hub.answer)) == TEXT
    assert [poll.pop("seq") for poll in hub.polls] == [0, 1, 1, 1, 2, 3, 4, 5]
    assert all(poll == {**MEMBERS, "key": "k0", "gettokens": 20} for poll in hub.polls)


def test_nothing_is_sent_after_the_end() -> None:
    hub, running = ModelHub(knows_seq=True), session()
    list(read(running, hub.answer))
    polls = len(hub.polls)
    assert list(read(running, hub.answer)) == []
    assert len(hub.polls) == polls


def test_nothing_is_sent_after_leaving() -> None:
    hub, running = ModelHub(knows_seq=True), session()
    next(read(running, hub.answer))
    running.cancel()
    running.cancel()
    assert list(read(running, hub.answer)) == []
    assert len(hub.polls) == 1
    assert running.state is ClientStreamState.CANCELLED


@pytest.mark.parametrize("code", sorted(code for code, kind in HUB_ERRORS.items() if kind.retryable and code != 17))
def test_before_the_first_piece_a_retryable_error_is_retried_with_the_same_key(code: int) -> None:
    hub, running = ModelHub(knows_seq=True, events=[str(code)]), session()
    assert "".join(read(running, hub.answer)) == TEXT
    assert {poll["key"] for poll in hub.polls} == {"k0"}


@pytest.mark.parametrize("code", sorted(code for code in HUB_ERRORS if code != 17))
def test_after_a_piece_an_error_is_final(code: int) -> None:
    hub, running = ModelHub(knows_seq=True, events=[OK, str(code)]), session()
    with pytest.raises(HUB_ERRORS[code]):
        list(read(running, hub.answer))
    assert len(hub.polls) == 2
    assert running.text == "Once"  # the sentence of the error is no text (NE-CSTR-005)


@pytest.mark.parametrize("code", [code for code, kind in HUB_ERRORS.items() if not kind.retryable])
def test_a_hopeless_error_is_never_retried(code: int) -> None:
    hub = ModelHub(knows_seq=True, events=[str(code)] * 9)
    with pytest.raises(HubError):
        list(read(session(), hub.answer))
    assert len(hub.polls) == 1


def test_not_ready_loses_nothing_and_takes_no_try() -> None:
    hub = ModelHub(knows_seq=True, events=[NOT_READY] * 50 + [OK] + [NOT_READY] * 50)
    assert "".join(read(session(), hub.answer, tries=1)) == TEXT


def test_not_ready_for_ever_ends_with_the_calls_time() -> None:
    hub, time = ModelHub(knows_seq=True, events=[NOT_READY] * 10_000), Time()
    with pytest.raises(TimedOut, match="30 s"):
        drive(session().next_piece(budget(time, total_s=30.0), 20), hub.answer, time)
    assert time.now == pytest.approx(30.0)


def test_patience_that_ran_out_over_not_ready_does_not_end_the_stream() -> None:
    hub, time, running = ModelHub(knows_seq=True, events=[NOT_READY] * 2), Time(), session()
    impatient = Budget(Retry(tries=2), 600, clock=time, chance=lambda: 0.0, counts_not_ready=True)
    with pytest.raises(NotReadyError):
        drive(running.next_piece(impatient, 20), hub.answer, time)
    assert "".join(read(running, hub.answer)) == TEXT


def test_a_poll_that_was_broken_off_from_outside_counts_as_lost() -> None:
    hub, time, running = ModelHub(knows_seq=True), Time(), session()
    patience = budget(time)
    assert drive(running.next_piece(patience, 20), hub.answer, time) == "Once"
    broken = running.next_piece(patience, 20)
    step = next(broken)
    assert isinstance(step, Send)
    hub.answer(step.body)
    broken.close()  # a cancelled task: the hub has served the piece, and nobody read it
    assert "".join(read(running, hub.answer)) == TEXT.removeprefix("Once")


def test_a_poll_that_was_broken_off_at_a_hub_without_seq_is_a_gap() -> None:
    hub, time, running = ModelHub(knows_seq=False), Time(), session()
    drive(running.next_piece(budget(time), 20), hub.answer, time)
    broken = running.next_piece(budget(time), 20)
    next(broken)
    broken.close()
    with pytest.raises(StreamGap):
        next(read(running, hub.answer))


def test_another_piece_than_the_one_asked_for_is_not_taken_for_it() -> None:
    hub, running = ModelHub(knows_seq=True), session()
    doubled = iter(
        [False, True, False]
    )  # the second poll gets the first answer once more, as a confused proxy would do

    def answer(body: bytes) -> Outcome:
        return (
            received({"reply": "Once", "errorcode": 0, "seq": 0, "done": False})
            if next(doubled, False)
            else hub.answer(body)
        )

    assert "".join(read(running, answer)) == TEXT


def test_a_hub_that_has_told_an_index_must_go_on_telling_it() -> None:
    """An answer without one, of a cache or of a neighbour that does not know `seq`, may be any piece."""
    hub, running = ModelHub(knows_seq=True), session()
    unnamed = iter([False, True, False])

    def answer(body: bytes) -> Outcome:
        return received({"reply": "Once", "errorcode": 0}) if next(unnamed, False) else hub.answer(body)

    assert "".join(read(running, answer)) == TEXT


def test_a_hub_that_stops_telling_the_index_is_a_gap() -> None:
    hub, running = ModelHub(knows_seq=True), session()
    unnamed = iter([False, True, True, True])

    def answer(body: bytes) -> Outcome:
        return received({"reply": " upon", "errorcode": 0}) if next(unnamed, False) else hub.answer(body)

    with pytest.raises(StreamGap) as caught:
        list(read(running, answer))
    assert caught.value.text == running.text == "Once"


@pytest.mark.parametrize(
    "outcome",
    [
        {"reply": "x", "errorcode": 0},
        {"reply": "", "errorcode": 0},
        {"reply": "No.", "errorcode": 6},
        {"reply": "No.", "errorcode": 17},
        ConnectionFailed("reset", request_sent=True),
    ],
    ids=repr,
)
@pytest.mark.parametrize("pieces", [0, 1])
def test_leaving_while_a_poll_is_out_ends_the_stream_whatever_comes_of_it(outcome: Any, pieces: int) -> None:
    hub, time, running = ModelHub(knows_seq=True), Time(), session()
    for _ in range(pieces):
        drive(running.next_piece(budget(time), 20), hub.answer, time)
    poll = running.next_piece(budget(time), 20)
    next(poll)
    running.cancel()  # by another thread or task
    with pytest.raises(StopIteration) as end:
        poll.send(received(outcome) if isinstance(outcome, dict) else outcome)
    assert end.value.value == ""
    assert (running.state, running.text) == (ClientStreamState.CANCELLED, "Once" * pieces)


def test_two_readers_of_one_stream_are_told_so_and_no_piece_comes_twice() -> None:
    hub, time, running = ModelHub(knows_seq=True), Time(), session()
    first = running.next_piece(budget(time), 20)
    step = next(first)
    assert isinstance(step, Send)
    assert drive(running.next_piece(budget(time), 20), hub.answer, time) == "Once"
    with pytest.raises(RuntimeError, match="two"):
        first.send(hub.answer(step.body))
    assert "".join(read(running, hub.answer)) == TEXT.removeprefix("Once")


def test_the_end_of_another_stream_is_not_taken_for_the_end_of_a_new_one() -> None:
    hub, running = ModelHub(knows_seq=True), session()
    strange = iter([True])

    def answer(body: bytes) -> Outcome:
        if next(strange, False):
            return received({"reply": "", "errorcode": 0, "seq": 6, "done": True})
        return hub.answer(body)

    assert "".join(read(running, answer)) == TEXT


def test_an_empty_piece_that_is_not_the_end_is_no_end() -> None:
    def answer(body: bytes) -> Outcome:
        return received({"reply": "", "errorcode": 0, "seq": json.loads(body)["seq"], "done": False})

    with pytest.raises(ProtocolError, match="not the end"):
        list(read(session(), answer))


def test_a_members_seq_of_a_provider_is_no_echo() -> None:
    """A hub without the extension hands on what the provider adds."""
    hub, running = ModelHub(knows_seq=False), session()

    def answer(body: bytes) -> Outcome:
        outcome = hub.answer(body)
        assert isinstance(outcome, Received)
        return received({**json.loads(outcome.body), "seq": 99})

    assert "".join(read(running, answer)) == TEXT


def test_a_key_that_may_be_old_is_first_polled_without_an_index() -> None:
    hub, running = ModelHub(knows_seq=True, events=[OK, LOST]), session(ask_first=False, anew=False)
    assert "".join(read(running, hub.answer)) == TEXT
    assert [poll.get("seq") for poll in hub.polls] == [None, 1, 1, 2, 3, 4, 5]


def test_a_first_poll_without_an_index_that_was_lost_is_asked_for_by_index() -> None:
    hub, running = ModelHub(knows_seq=True, events=[LOST]), session(ask_first=False, anew=False)
    assert "".join(read(running, hub.answer)) == TEXT
    assert [poll.get("seq") for poll in hub.polls][:3] == [None, 0, 1]


def test_every_transition_of_the_table_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """The session uses the whole table and nothing beside it."""
    taken = set()

    class Watched(Machine[Any, Any]):
        def fire(self, event: Any) -> Any:
            taken.add((self.state, event))
            return super().fire(event)

    monkeypatch.setattr(stream, "Machine", Watched)
    scripts = [
        *(
            [*before, event]
            for before in ([], [OK], [LOST], [OK, LOST])
            for event in (OK, NOT_READY, LOST, "12", "6", UNSENT)
        ),
        [OK] * 9,
        [OK] * 5 + [LOST] * 2,
    ]
    for script in scripts:
        for knows_seq in (True, False):
            for leaves_after in (0, 1, 99):
                hub, running = ModelHub(knows_seq=knows_seq, events=script), session()
                try:
                    pieces = read(running, hub.answer)
                    for _ in range(leaves_after):
                        next(pieces)
                except (StopIteration, NeuroengineError):
                    pass
                running.cancel()

    def at_once(_: bytes) -> Outcome:
        return received({"reply": "", "errorcode": 0})

    list(read(session(), at_once))
    running = session()
    time = Time()
    flow = running.next_piece(budget(time), 20)
    next(flow)
    flow.send(ConnectionFailed("reset", request_sent=True))
    flow.close()
    running.cancel()
    assert taken == set(CLIENT_STREAM)


@pytest.mark.parametrize("key", ["", "x" * 257, "\ud800", 5], ids=repr)
def test_a_key_that_names_no_stream_is_refused_and_not_shown(key: Any) -> None:
    with pytest.raises(InvalidField, match="key") as caught:
        checked_key(key)
    assert "xxx" not in str(caught.value)
    assert "xxx" not in repr(vars(caught.value))
