"""The suite as a provider: it sees each record, hands its link from check to check, waits for ever for nothing."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
from typing import TYPE_CHECKING, Any

import pytest
from toy_hub import KEY, SERVICE, ToyHub

from conformance import Settings, run
from conformance.judge import Judge
from conformance.provider.desk import Desk
from conformance.provider.frames import FrameReader
from conformance.provider.house import reply_to
from conformance.provider.link import Link
from conformance.provider.records import Records
from conformance.subject import Subject
from conformance.target import Target
from conformance.timeline import Timeline
from mockserver import MockHub, ServiceSettings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from toy_hub import HubLink

PATIENCE_S = 20.0
SHORT_S = 0.2
FULL = 16_384
LOGIN = {"user": SERVICE, "key": KEY}
SECRET = "sesame-9f31c7-open"
FRAME, PING = b'{"message": "Hello"}', b'{"ping": 1}'


def our_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("conformance")]


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """Every test ends with no thread of the suite; sockets that nobody closed are warnings, and so errors."""
    yield
    assert our_threads() == []


@pytest.fixture
def toy(tmp_path: Path) -> Iterator[ToyHub]:
    with ToyHub(tmp_path) as toy:
        yield toy


class Met:
    """A link of the suite and the hub's end of it."""

    def __init__(self, toy: ToyHub, patience_s: float = PATIENCE_S) -> None:
        context = ssl.create_default_context(cafile=toy.ca_file)
        self.timeline = Timeline()
        self.link = Link(Records(("localhost", toy.port), context, patience_s), self.timeline, patience_s)
        self.hub: HubLink = toy.link()

    def frame(self) -> Any:
        frame = self.link.next_frame()
        assert frame is not None
        return frame

    def steps(self) -> list[tuple[str, bytes]]:
        return [(step.what, step.data) for step in self.timeline.steps]


@pytest.fixture
def met(toy: ToyHub) -> Iterator[Met]:
    """A link that is not logged in."""
    met = Met(toy)
    yield met
    met.link.close()


@pytest.fixture
def accepted(met: Met) -> Met:
    """A link that is logged in."""
    met.hub.say(b"OK")
    assert met.link.log_in(LOGIN) == b"OK"
    assert met.hub.login() == LOGIN
    return met


# -- records


def test_what_the_hub_writes_at_once_is_read_at_once(accepted: Met) -> None:
    for data in (FRAME, PING, b'{"message": "' + b"x" * 40_000 + b'"}'):
        accepted.hub.say(data)
    assert [accepted.frame().records for _ in range(3)] == [
        (len(FRAME),),
        (len(PING),),
        (FULL, FULL, 40_015 - 2 * FULL),
    ]
    received = [data for what, data in accepted.steps() if what == "receive"]
    assert [len(data) for data in received] == [2, len(FRAME), len(PING), FULL, FULL, 40_015 - 2 * FULL]


def test_what_the_suite_writes_apart_comes_apart(accepted: Met) -> None:
    accepted.link.send(b"00000002{}", cuts=[1, 8])
    assert [accepted.hub.record() for _ in range(3)] == [b"0", b"0000002", b"{}"]


def test_an_answer_is_its_size_in_bytes_and_the_payload(accepted: Met) -> None:
    accepted.link.answer({"reply": "Grüße"})
    assert accepted.hub.answer() == {"reply": "Grüße"}
    accepted.link.answer("é".encode(), digits=b"0000000A")
    assert accepted.hub.record() == "0000000Aé".encode()


@pytest.mark.parametrize(("end", "was_notified"), [("bid_farewell", True), ("close", False), ("reset", False)])
def test_a_close_is_seen_with_and_without_notice(accepted: Met, end: str, was_notified: bool) -> None:
    getattr(accepted.hub, end)()
    assert accepted.link.closes_within()
    assert accepted.link.records.was_notified is was_notified
    assert accepted.link.next_frame() is None
    assert accepted.link.why_nothing == "the hub closed the provider's link"
    assert accepted.steps()[-1] == ("closed", b"")


@pytest.mark.parametrize(("end", "step"), [(Link.close, "close"), (Link.abort, "abort")])
def test_a_link_that_was_left_has_no_thread_and_blames_nobody(accepted: Met, end: Any, step: str) -> None:
    assert our_threads() == ["conformance link"]
    end(accepted.link)
    assert our_threads() == []
    assert accepted.hub.is_closed()
    assert accepted.steps()[-1] == (step, b"")
    accepted.link.send(b"too late")
    assert accepted.link.next_frame() is None


def test_a_certificate_that_is_not_trusted_is_refused(tmp_path: Path) -> None:
    with ToyHub(tmp_path, certificate_name="another.example") as toy, pytest.raises(ssl.SSLCertVerificationError):
        Records(("localhost", toy.port), ssl.create_default_context(cafile=toy.ca_file), PATIENCE_S)


# -- frames


def frames_of(*records: bytes) -> list[tuple[bytes, tuple[int, ...], bool]]:
    reader = FrameReader()
    frames = [frame for record in records for frame in reader.take(record, 0.0)]
    return [(frame.data, frame.records, frame.is_alone) for frame in frames]


def test_two_frames_in_one_record_are_not_alone() -> None:
    assert frames_of(PING + FRAME, FRAME) == [(PING, (31,), False), (FRAME, (31,), False), (FRAME, (20,), True)]


def test_a_frame_that_shares_one_of_its_records_is_not_alone() -> None:
    assert frames_of(FRAME + PING[:5], PING[5:], PING) == [
        (FRAME, (25,), False),
        (PING, (25, 6), False),
        (PING, (11,), True),
    ]


def test_a_frame_may_come_in_many_records() -> None:
    data = '{"message": "}{ \\" é東"}'.encode()
    assert frames_of(*(data[at : at + 1] for at in range(len(data)))) == [(data, (1,) * len(data), True)]


def test_white_space_around_a_frame_belongs_to_it() -> None:
    assert frames_of(b"\n " + FRAME + b" \r\n", FRAME) == [
        (b"\n " + FRAME + b" \r\n", (25,), True),
        (FRAME, (20,), True),
    ]


def test_white_space_behind_a_full_record_belongs_to_the_frame_before() -> None:
    full = b'{"x": "' + b"x" * (FULL - 9) + b'"}'
    reader = FrameReader()
    (frame,) = reader.take(full, 0.0)
    assert reader.take(b" ", 1.0) == []
    assert (frame.data, frame.records, frame.is_alone) == (full + b" ", (FULL, 1), True)
    assert reader.take(b" ", 1.0) == []
    assert frame.records == (FULL, 1)


@pytest.mark.parametrize("data", [b"0000000B", b"[1]", b'"text"', b"\xef\xbb\xbf{}", b"null"])
def test_what_begins_no_object_ends_the_wait_for_a_frame(accepted: Met, data: bytes) -> None:
    accepted.hub.say(data)
    assert accepted.link.next_request() is None
    assert accepted.link.pending == data
    assert accepted.link.why_nothing == "the provider was sent bytes that are no frame"


def test_bytes_that_are_no_text_do_not_end_the_reading(accepted: Met) -> None:
    accepted.hub.say(b'{"message": "\xff\xed\xa0\x80"}').say(FRAME)
    assert accepted.frame().content["message"].encode("utf-8", "surrogateescape") == b"\xff\xed\xa0\x80"
    assert accepted.frame().content == {"message": "Hello"}


def test_pings_are_no_requests(accepted: Met) -> None:
    accepted.hub.say(PING)
    assert accepted.frame().is_ping
    assert not accepted.link.has_unread
    accepted.hub.say(b'{"ping": null, "message": "x"}').say(b'{"message": {"ping": 1}}')
    assert accepted.link.request().content == {"message": {"ping": 1}}
    assert not accepted.link.is_at_rest
    accepted.link.answer({"reply": ""})
    assert accepted.link.is_at_rest


# -- logging in


@pytest.mark.parametrize("words", [[b"OK"], [b" OK\r\n"], [b"O", b"K"], [b"\n", b"OK"]])
def test_ok_in_any_form_is_an_acceptance(met: Met, words: list[bytes]) -> None:
    for word in words:
        met.hub.say(word)
    assert met.link.log_in(LOGIN) == b"".join(words)
    assert met.link.is_in
    assert met.link.greeting == words


def test_a_frame_behind_the_ok_is_not_lost(met: Met) -> None:
    met.hub.say(b"OK\n" + FRAME)
    met.link.log_in(LOGIN)
    assert met.link.is_in
    assert met.frame().content == {"message": "Hello"}


@pytest.mark.parametrize("words", [b"OKAY", b"ok", b"ERROR: OK is not what you get", b'{"OK": 1}', b"OK OK"])
def test_anything_else_is_a_refusal(met: Met, words: bytes) -> None:
    met.hub.say(words)
    assert met.link.log_in(LOGIN) == words
    assert (met.link.is_in, met.link.is_refused) == (False, True)


def test_a_close_is_no_acceptance(met: Met) -> None:
    met.hub.say(b"O").close()
    assert met.link.log_in(LOGIN) == b"O"
    assert (met.link.is_in, met.link.is_closed) == (False, True)


# -- every wait is bounded


def test_a_hub_that_says_nothing_is_waited_for_as_long_as_was_said(toy: ToyHub) -> None:
    met = Met(toy, SHORT_S)
    assert met.link.log_in(LOGIN) is None
    assert met.link.next_frame() is None
    assert met.link.next_request() is None
    assert met.link.why_nothing == "the provider was sent no request"
    assert not met.link.closes_within()
    met.link.close()


def test_a_link_outlives_a_silence_longer_than_its_patience(toy: ToyHub) -> None:
    met = Met(toy, SHORT_S)
    met.hub.say(b"OK")
    met.link.log_in(LOGIN, within=PATIENCE_S)
    assert not met.link.closes_within(3 * SHORT_S)
    met.hub.say(FRAME)
    assert met.link.next_frame(PATIENCE_S) is not None
    met.link.close()


def test_a_hub_that_reads_nothing_does_not_keep_the_suite(toy: ToyHub) -> None:
    met = Met(toy, SHORT_S)
    met.link.send(bytes(32 * 2**20))
    met.link.close()


@pytest.mark.parametrize("chatter", [b"", b"\x16"])
def test_a_handshake_that_does_not_come_about_ends(chatter: bytes) -> None:
    over = threading.Event()

    def serve() -> None:
        with contextlib.suppress(OSError), listener.accept()[0] as connection:
            while not over.wait(SHORT_S / 4):
                connection.sendall(chatter)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(TimeoutError):
            Records(("127.0.0.1", listener.getsockname()[1]), ssl.create_default_context(), SHORT_S)
        over.set()
        thread.join()


# -- the desk


@pytest.fixture
def hub() -> Iterator[MockHub]:
    with MockHub(services=[ServiceSettings("First", "KEY"), ServiceSettings("Home", SECRET)], tls=False) as hub:
        yield hub


def told(hub: MockHub, **more: Any) -> Settings:
    given: dict[str, Any] = {
        "provider": hub.provider,
        "provider_service": "Home",
        "service_key": SECRET,
        "ca_file": hub.ca_file,
        "timeout": PATIENCE_S,
    }
    return Settings(hub.url, "First", **given | more)


@pytest.fixture
def judge(hub: MockHub) -> Iterator[Judge]:
    """A check's view of a hub whose service the suite answers for."""
    settings = told(hub)
    subject = Subject(settings, Target(settings))
    subject.meet()
    yield Judge(subject, "a check")
    subject.close()


def asked(judge: Judge, message: str, **more: Any) -> Any:
    return judge.post({"message": message} | more, path=judge.provided).reply


def test_the_service_is_answered_between_checks(judge: Judge) -> None:
    first = asked(judge, "A walk along the sea", max_new_len=12)
    assert first == asked(judge, "A walk along the sea", max_new_len=12)
    assert len(first.split()) == 12
    assert first != asked(judge, "Another walk", max_new_len=12)


def test_the_link_goes_from_check_to_check_and_belongs_to_one_at_a_time(judge: Judge) -> None:
    with judge.provider() as first:
        passage = judge.through(first, {"message": "Who is there?"}, {"reply": "The check."})
    assert passage.exchange.reply == "The check."
    assert asked(judge, "Who is there?") != "The check."
    with judge.provider() as second:
        assert second is first


def test_a_link_is_given_with_nothing_in_hand_and_no_interruption(judge: Judge) -> None:
    """The house may still be busy with an answer when it is told to leave."""
    for number in range(40):
        asked(judge, f"Number {number}", max_new_len=1)
        with judge.provider() as link:
            call = judge.begin({"message": "Mine"})
            frame = link.next_request()
            assert frame is not None
            assert frame.content["message"] == "Mine"
            link.answer({"reply": "Yours"})
            assert call.answer().reply == "Yours"


def leave_a_request_open(judge: Judge, link: Link) -> None:
    judge.begin({"message": "Nobody answers"})
    link.request()


def close_the_link(judge: Judge, link: Link) -> None:  # noqa: ARG001 - the form of all of them
    link.abort()


def send_what_nobody_asked_for(judge: Judge, link: Link) -> None:  # noqa: ARG001 - the form of all of them
    link.send(b"00000002{}")
    assert link.closes_within()


def log_in_again(judge: Judge, link: Link) -> None:  # noqa: ARG001 - the form of all of them
    assert judge.desk.connect().log_in(judge.desk.login) == b"OK"


@pytest.mark.parametrize(
    "leaves_dirt", [leave_a_request_open, close_the_link, send_what_nobody_asked_for, log_in_again]
)
def test_after_a_check_that_left_dirt_the_service_is_answered_on_another_link(judge: Judge, leaves_dirt: Any) -> None:
    with judge.provider() as dirty:
        leaves_dirt(judge, dirty)
    assert len(asked(judge, "Is somebody there?", max_new_len=3).split()) == 3
    with judge.provider() as link:
        assert link is not dirty
        assert judge.through(link, {"message": "Mine"}, {"reply": "Yours"}).frame.content["message"] == "Mine"


def test_after_a_check_that_raised_the_service_is_answered(judge: Judge) -> None:
    def check() -> None:
        with judge.provider() as link:
            judge.begin({"message": "Nobody answers"})
            link.request()
            raise ZeroDivisionError

    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            check()
        assert asked(judge, "Is somebody there?", max_new_len=1)


def test_nobody_is_there_while_the_desk_is_vacant_unless_the_check_logs_in(judge: Judge) -> None:
    with judge.desk.vacant():
        call = judge.begin({"message": "Is somebody there?"})
        link = judge.desk.connect()
        assert link.log_in(judge.desk.login) == b"OK"
        link.request()
        link.answer({"reply": "I am."})
        assert call.answer().reply == "I am."
    assert link.is_closed
    assert asked(judge, "Is somebody there?", max_new_len=2)


def test_a_visit_leaves_the_link_where_it_is(judge: Judge) -> None:
    with judge.provider() as before:
        pass
    with judge.desk.visited():
        visitor = judge.desk.connect()
        assert asked(judge, "Is somebody there?", max_new_len=2)
    assert visitor.is_closed
    with judge.provider() as link:
        assert link is before


def test_a_request_that_the_hub_answers_by_itself_is_not_waited_for(judge: Judge) -> None:
    with judge.provider() as link:
        call = judge.begin({"message": 5})
        assert judge.arrives(link, call) is None
        assert call.answer().is_error
        with pytest.raises(pytest.skip.Exception, match="without its provider"):
            judge.through(link, {"message": 5}, {"reply": ""})


def test_the_timeline_has_both_legs_in_their_order(judge: Judge) -> None:
    judge.subject.timeline.begin()
    with judge.provider() as link:
        judge.through(link, {"message": "Hello"}, {"reply": "Good day."})
        steps = judge.subject.timeline.steps
    assert [(step.leg, step.who, step.what) for step in steps] == [
        ("provider", 1, "login"),
        ("client", 1, "post"),
        ("provider", 1, "receive"),
        ("provider", 1, "send"),
        ("client", 1, "answer"),
    ]
    assert json.loads(steps[2].data)["message"] == "Hello"
    assert [step.at for step in steps] == sorted(step.at for step in steps)
    asked(judge, "Between checks")
    assert len(judge.subject.timeline.steps) == len(steps) + 2


# -- a hub that does not let the suite in


def refused(hub: MockHub, **more: Any) -> Desk:
    settings = told(hub, **more)
    return Desk(settings, Target(settings), ssl.create_default_context(cafile=hub.ca_file), Timeline())


def test_a_refused_login_says_why_and_ends_the_checks(hub: MockHub) -> None:
    desk = refused(hub, service_key="wrong")
    desk.open()
    assert "the login to 'Home' was answered with 'ERROR" in desk.refusal
    for place in (desk.held, desk.vacant):
        with pytest.raises(pytest.skip.Exception, match="was answered with 'ERROR"), place():
            pass
    with desk.vacant(needs_key=False):
        assert desk.connect().log_in(desk.login) is not None
    desk.close()


def test_a_hub_that_keeps_silent_is_not_asked_again_and_again(toy: ToyHub) -> None:
    settings = Settings("http://hub.test", SERVICE, provider=toy.address, service_key=KEY, timeout=SHORT_S)
    desk = Desk(settings, Target(settings), ssl.create_default_context(cafile=toy.ca_file), Timeline())
    desk.open()
    silent = toy.link()
    assert "was answered with nothing" in desk.refusal
    for _ in range(3):
        with pytest.raises(pytest.skip.Exception), desk.held():
            pass
    assert silent.login() == LOGIN
    assert silent.is_closed()
    assert toy.stays_alone(SHORT_S)


def test_a_port_where_nobody_listens_says_so(hub: MockHub) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    desk = refused(hub, provider=f"127.0.0.1:{port}")
    desk.open()
    assert "no provider link could be made" in desk.refusal
    with desk.visited(), pytest.raises(ConnectionRefusedError):
        desk.connect()


def test_a_house_on_a_link_that_can_bring_no_frame_leaves(toy: ToyHub) -> None:
    settings = Settings("http://hub.test", SERVICE, provider=toy.address, service_key=KEY, timeout=PATIENCE_S)
    desk = Desk(settings, Target(settings), ssl.create_default_context(cafile=toy.ca_file), Timeline())
    opening = threading.Thread(target=desk.open)
    opening.start()
    first = toy.link().accept()
    opening.join()
    first.say(b"00000014" + FRAME)
    reopening = threading.Thread(target=lambda: desk.held().__enter__().close())
    while our_threads() != ["conformance link"]:
        threading.Event().wait(0.01)
    reopening.start()
    assert first.is_closed()
    toy.link().accept()
    reopening.join()
    desk.close()


@pytest.mark.parametrize("limit", [-5, float("nan"), 10**30, None, "12", True, 0])
def test_the_house_has_a_text_for_whatever_a_hub_hands_on(limit: object) -> None:
    assert len(reply_to({"message": "\ud800", "max_new_len": limit}).split()) <= 128


# -- secrets


@pytest.mark.parametrize(
    ("wrong", "requirement"), [("login_in_one_read", "NE-LOGIN-006"), ("key_by_its_begin", "NE-LOGIN-005")]
)
def test_no_part_of_a_key_is_in_a_report(wrong: str, requirement: str) -> None:
    services = [ServiceSettings("First", "KEY"), ServiceSettings("Home", SECRET)]
    with MockHub(services=services, tls=False, wrong=wrong) as hub:
        report = run(told(hub, select=(requirement,)))
    assert report["requirements"][0]["verdict"] == "fail"
    text = json.dumps(report)
    assert "NE_SERVICE_KEY" in text
    assert [SECRET[at : at + 6] for at in range(len(SECRET) - 5) if SECRET[at : at + 6] in text] == []


# -- the login that is right, as far as anybody can tell


@pytest.mark.parametrize("more", [{"service_key": "sesame"}, {"provider_service": "Hone"}], ids=["key", "service"])
def test_a_mistyped_login_is_advised_and_not_blamed(hub: MockHub, more: dict[str, str]) -> None:
    report = run(told(hub, select=("NE-LOGIN-*",), **more))
    rows = {row["id"]: row for row in report["requirements"]}
    assert rows["NE-LOGIN-003"]["verdict"] == "skip"
    assert "$NE_SERVICE_KEY right?" in rows["NE-LOGIN-003"]["reason"]
    assert (report["counts"]["fail"], report["counts"]["warn"], report["counts"]["error"]) == (0, 0, 0)


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"insecure": True, "ca_file": ""}, "--insecure"),
        ({"ca_file": ""}, "--ca-file"),
        ({"provider": "localhost:1"}, "no TLS connection"),
    ],
    ids=["insecure", "unknown-authority", "nobody"],
)
def test_a_certificate_that_cannot_be_judged_says_why(hub: MockHub, more: dict[str, Any], reason: str) -> None:
    report = run(told(hub, select=("NE-LOGIN-002",), **more))
    (row,) = report["requirements"]
    assert (row["verdict"], reason in row["reason"]) == ("skip", True), row["reason"]
