"""How a hub lets providers in: TLS and its certificate, right and wrong logins, and connections that never log in.

A right login that is not accepted counts only where one sent plainly, under the same circumstances, is; and a key is
right because it was accepted before, or because the hub answers it otherwise than one that cannot be right.
"""

from __future__ import annotations

import json
import socket
import ssl
import time
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any, Final

from hypothesis import strategies as st

from conformance.evidence import not_judged
from conformance.judge import GETMODELS, SHORT
from conformance.provider.link import Link
from conformance.requirement import judges
from conformance.strategies import json_values, unknown_members

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from conformance.judge import Judge

    Login = Mapping[str, Any]

QUICK_S: Final = 5.0
"""How soon a refused login is answered or closed (NE-LOGIN-009)."""
EARLY_S: Final = 0.01
"""How soon a provider comes back (NE-LOGIN-013)."""
LATE_S: Final = 0.2
SLACK_S: Final = 2.0
"""What a slow machine may take on top of any time."""
SEEN_S: Final = 2.5
"""How long to look for what shows that a hub has noticed a provider's drop."""
BETWEEN_S: Final = 0.003
"""How long a cut is left open, so that the hub reads what is before it alone."""
GLANCE_S: Final = 0.05
RETURNS: Final = 8
RETURN_PAUSES_S: Final = (0.0, 0.1, 0.3, 0.6, 1.0)
ENDLESS_BYTES: Final = 2**20
"""No login is so large, whatever a hub's limit for it."""
UNKNOWN_AUTHORITY: Final = frozenset({18, 19, 20, 21})
"""OpenSSL's codes for a certificate whose authority is none of those that are trusted."""
READ: Final = {"reply": "Read."}


def written(login: Login) -> bytes:
    """A login as it is sent."""
    return json.dumps(login).encode("ascii")


def door(judge: Judge) -> Link:
    """A connection that has said nothing yet."""
    try:
        return judge.desk.connect()
    except OSError as error:
        not_judged(f"no provider link could be made to {judge.settings.provider} ({error})")


def knock(judge: Judge, login: Login | bytes, cuts: Sequence[int] = (), within: float | None = None) -> Link:
    """A connection on which a login was sent, cut at these places, and perhaps answered."""
    link = door(judge)
    link.send(login if isinstance(login, bytes) else written(login), cuts, BETWEEN_S)
    link.greeted(within)
    return link


def said(link: Link) -> str:
    """What the hub said to a login, in words."""
    if link.greeting:
        return repr(b"".join(link.greeting)[:80])
    return "a close without a word" if link.is_closed else "nothing"


def let_in(judge: Judge) -> Link:
    """A link that is logged in; the check ends where the plain login is not accepted."""
    link = knock(judge, judge.desk.login)
    if not link.is_in:
        not_judged(f"the plain right login was not accepted ({said(link)})")
    return link


def must_accept(judge: Judge, login: Login | bytes, what: str, cuts: Sequence[int] = ()) -> None:
    """Requires that a right login is accepted; one sent plainly must be accepted beside it."""
    link = knock(judge, login, cuts)
    link.close()
    if not link.is_in:
        let_in(judge).close()
    judge.require(link.is_in, f"OK for {what}", said(link))


def must_serve(judge: Judge, link: Link, what: str) -> None:
    """Requires that a link is let in and sent the next request, and that its answer reaches the client."""
    judge.require(link.is_in, f"OK for {what}", said(link))
    call = judge.begin(SHORT)
    until = time.monotonic() + judge.settings.timeout
    is_asked = False
    while not (call.is_answered or link.is_over) and time.monotonic() < until:
        if link.next_request(GLANCE_S) is not None:  # perhaps one that a link before had in hand
            is_asked = True
            link.answer(READ)
    shown = [call.answer()] if call.is_answered else []
    actual = shown[0].describe() if shown else link.why_nothing
    judge.require(is_asked, f"the next request for {what}", actual, *shown)
    judge.require([answer.reply for answer in shown] == [READ["reply"]], f"the answer of {what}", actual, *shown)


def entry(judge: Judge) -> dict[str, Any]:
    """What the model list says of the provider's service now; empty where it says nothing."""
    listed = judge.post(GETMODELS).content
    rows = [row for row in listed if isinstance(row, dict)] if isinstance(listed, list) else []
    return next((row for row in rows if row.get("name") == judge.settings.provided), {})


# -- TLS


@judges("NE-LOGIN-001")
def test_providers_are_accepted_by_tls(judge: Judge) -> None:
    with judge.desk.visited():
        try:
            socket.create_connection(judge.settings.provider_address, judge.settings.timeout).close()
        except OSError as error:
            not_judged(f"nobody takes connections at {judge.settings.provider} ({error}): is --provider right?")
        anyone = ssl.create_default_context()
        anyone.check_hostname, anyone.verify_mode = False, ssl.CERT_NONE  # whose certificate it is, is NE-LOGIN-002
        refusal = refusal_of_tls(judge, anyone)
        judge.require(refusal is None, "a TLS handshake", f"{refusal}")


@judges("NE-LOGIN-002")
def test_the_certificate_is_valid_for_the_host(judge: Judge) -> None:
    if judge.settings.insecure:
        not_judged("the run verifies no certificate: leave out --insecure")
    with judge.desk.visited():
        refusal = refusal_of_tls(judge, None)
        actual = ""
        if isinstance(refusal, ssl.SSLCertVerificationError):
            actual = refusal.verify_message
            if refusal.verify_code in UNKNOWN_AUTHORITY and not judge.settings.ca_file:
                not_judged(f"nobody here knows who signed the certificate ({actual}): name the authority by --ca-file")
        elif refusal is not None:
            not_judged(f"no TLS connection was made to {judge.settings.provider} ({refusal})")
        host = judge.settings.provider_address[0]
        judge.require(refusal is None, f"a certificate that is valid for {host}", actual)


def refusal_of_tls(judge: Judge, context: ssl.SSLContext | None) -> OSError | None:
    """Why no TLS connection comes about; None when one does."""
    try:
        judge.desk.connect(context=context).close()
    except OSError as error:
        return error
    return None


# -- right logins


@judges("NE-LOGIN-003")
def test_a_right_login_is_answered_with_ok(judge: Judge) -> None:
    """A hub that says to the given key what it says to wrong ones was perhaps given a wrong one."""
    with judge.desk.vacant(needs_key=False):
        link = knock(judge, judge.desk.login)
        if not (link.is_in or judge.desk.was_in):
            must_be_told_apart(judge, link)
        judge.require(link.is_in, "OK", said(link))


def must_be_told_apart(judge: Judge, link: Link) -> None:
    """Ends the check unless the hub's answer to a login is none that it gives to logins which cannot be right."""
    answer = reaction(link, judge.desk.login)
    for part, text in {"key": judge.new_key(), "user": f"nobody-{judge.new_key(8)}"}.items():
        wrong = judge.desk.login | {part: text}
        reactions = {reaction(knock(judge, wrong), wrong) for _ in range(2)}
        if answer in reactions:
            advice = f"are the service {judge.settings.provided!r} and the key in $NE_SERVICE_KEY right?"
            not_judged(f"the hub answers this login as one with a wrong {part}, by {said(link)}: {advice}")
        if len(reactions) > 1:
            not_judged(f"the hub refuses the same login in changing words, so {said(link)} tells nothing")


def reaction(link: Link, login: Login) -> tuple[str, bool]:
    """What a hub did with a login: its words, without what they repeat of it, and whether it closed."""
    link.closes_within(SLACK_S / 4)
    words = b"".join(link.greeting).decode("utf-8", "backslashreplace")
    for text in login.values():
        words = words.replace(text, "…") if text else words
    return words, link.is_closed


@judges("NE-LOGIN-004")
def test_the_acceptance_comes_in_a_record_of_its_own(judge: Judge) -> None:
    with judge.desk.vacant():
        call = judge.begin(SHORT)  # waits for the provider, where the hub lets it wait
        until = time.monotonic() + SLACK_S / 4
        while not (call.is_answered or entry(judge).get("queuelen")) and time.monotonic() < until:
            call.is_over_within(EARLY_S)
        link = let_in(judge)
        holds = [record.strip() for record in link.greeting] == [b"OK"]
        judge.require(holds, "one record that holds OK", f"records that hold {link.greeting}")
        if not call.is_answered and link.next_request(SLACK_S) is not None:
            link.answer(READ)


@judges("NE-LOGIN-006")
def test_a_login_may_be_cut_at_any_place(judge: Judge) -> None:
    login = written(judge.desk.login)
    places = range(1, len(login))
    with judge.desk.vacant():

        def check(cuts: Sequence[int]) -> None:
            must_accept(judge, login, f"a login cut at {', '.join(map(str, cuts))}", cuts)

        check(places)
        for place in places[: judge.examples(len(places))]:
            judge.subject.timeline.begin_example()
            check([place])
        judge.explore(st.sets(st.sampled_from(places), min_size=2).map(sorted), check, examples=5)


@judges("NE-LOGIN-010")
def test_unknown_members_of_a_login_are_ignored(judge: Judge) -> None:
    login = judge.desk.login
    known = {*login, "streaming"}
    with judge.desk.vacant():

        def check(members: dict[str, Any]) -> None:
            must_accept(judge, members | login, f"a login with {json.dumps(members)}")
            must_accept(judge, login | members, f"a login followed by {json.dumps(members)}")

        judge.explore(unknown_members().filter(lambda members: not known & members.keys()), check, examples=12)


# -- wrong logins


@judges("NE-LOGIN-005")
def test_a_wrong_login_is_refused(judge: Judge) -> None:
    with judge.desk.vacant():
        let_in(judge).close()

        def check(wrong: tuple[str, Login | bytes]) -> None:
            what, login = wrong
            link = knock(judge, login, within=SLACK_S / 2)
            judge.require(not link.is_in, f"anything but OK for a login with {what}", said(link))
            link.close()

        for wrong in hand_made(judge):
            judge.subject.timeline.begin_example()
            check(wrong)
        judge.explore(other_logins(judge), check, examples=10)


def hand_made(judge: Judge) -> list[tuple[str, Login]]:
    """Logins that cannot be right, and what is wrong with them.

    No part of the right key is sent alone: a report could not tell it from any other text.
    """
    login = judge.desk.login
    user, key = login["user"], login["key"]
    return [
        ("an empty key", login | {"key": ""}),
        ("a longer key", login | {"key": key + "x"}),
        ("no key", {"user": user}),
        ("the key in a list", login | {"key": [key]}),
        ("an unknown service", login | {"user": f"nobody-{judge.new_key(8)}"}),
        ("an empty service", login | {"user": ""}),
        ("no service", {"key": key}),
    ]


def other_logins(judge: Judge) -> st.SearchStrategy[tuple[str, Login]]:
    """Logins with any other key, of any type."""
    right = judge.desk.login
    keys = (st.text() | json_values).filter(lambda key: key != right["key"])
    return keys.map(lambda key: ("another key", right | {"key": key}))


@judges("NE-LOGIN-009")
def test_a_refusal_is_quick(judge: Judge) -> None:
    with judge.desk.visited():
        began = time.monotonic()
        links = {what: knock(judge, login, within=0) for what, login in hand_made(judge)}
        for what, link in links.items():
            link.greeted(max(began + QUICK_S + SLACK_S - time.monotonic(), 0))
            is_over = bool(link.greeting) or link.is_closed
            judge.require(is_over, f"an answer to a login with {what}, or a close, within {QUICK_S:g} s", said(link))


@judges("NE-LOGIN-012")
def test_a_provider_that_was_refused_may_come_back(judge: Judge) -> None:
    wrong = judge.desk.login | {"key": judge.new_key()}
    with judge.desk.vacant():
        first = knock(judge, wrong, within=SLACK_S)
        is_answered = first.is_closed or bool(first.greeting)
        for number in range(judge.examples(RETURNS)):
            again = visit(judge, wrong, within=None if is_answered else GLANCE_S)
            if is_answered:
                holds = isinstance(again, Link) and (again.is_closed or bool(again.greeting))
                actual = said(again) if isinstance(again, Link) else again
                judge.require(holds, f"an answer or a close, as for the first of {number + 2} wrong logins", actual)
        for pause in RETURN_PAUSES_S:
            judge.subject.pause(pause)
            right = visit(judge, judge.desk.login)
            if isinstance(right, Link) and right.is_in:
                break
        is_in = isinstance(right, Link) and right.is_in
        actual = said(right) if isinstance(right, Link) else right
        judge.require(is_in, f"OK for the right login, after {RETURNS + 1} wrong ones", actual)


def visit(judge: Judge, login: Login, within: float | None = None) -> Link | str:
    """A connection on which a login was sent, or why there is none."""
    try:
        link = judge.desk.connect()
    except OSError as error:
        return f"no connection ({error})"
    link.log_in(login, within)
    return link


# -- those who never log in


@judges("NE-LOGIN-007")
def test_who_does_not_log_in_in_time_is_sent_away(judge: Judge) -> None:
    limit = judge.limit("login_s")
    login = written(judge.desk.login)
    with judge.desk.visited():
        links = {"silent": door(judge), "half a login": door(judge), "byte after byte": door(judge)}
        links["half a login"].send(login[: len(login) // 2])
        until = time.monotonic() + 2 * limit + SLACK_S
        for byte in login[:-1]:
            links["byte after byte"].send(bytes([byte]))
            judge.subject.pause(limit / 8)
            if all(link.is_closed for link in links.values()) or time.monotonic() > until:
                break
        for what, link in links.items():
            link.closes_within(max(until - time.monotonic(), 0))
            expected = f"a close of a connection with no login ({what}) within {limit:g} s"
            judge.require(link.is_closed, expected, "an open connection")


@judges("NE-LOGIN-008")
def test_a_login_over_the_limit_is_refused(judge: Judge) -> None:
    limit = int(judge.settings.limits.get("login_bytes", 0))
    with judge.desk.vacant():
        twin = knock(judge, padded(judge, 200))
        twin.close()
        if not twin.is_in:
            not_judged(f"a login with white space in it was not accepted ({said(twin)})")
        for size in (limit + 1, 4 * limit, ENDLESS_BYTES) if limit else (ENDLESS_BYTES,):
            link = knock(judge, padded(judge, size), within=SLACK_S)
            judge.require(not link.is_in, f"anything but OK for a login of {size} bytes", said(link))
            link.close()


def padded(judge: Judge, size: int) -> bytes:
    """The right login as so many bytes, with white space before its end."""
    login = written(judge.desk.login)
    return login[:-1] + b" " * (size - len(login)) + b"}"


@judges("NE-LOGIN-011")
def test_silent_connections_delay_nobody(judge: Judge) -> None:
    """A hub that lets others in only once the silent ones have gone lets them in too late."""
    with judge.desk.vacant():
        let_in(judge).close()
        for _ in range(3):  # a machine may be too slow once
            came, is_early = beside_silent_ones(judge)
            if is_early:
                break
        judge.require(is_early, "OK while other connections are silent", came)


def beside_silent_ones(judge: Judge) -> tuple[str, bool]:
    """What a login brings while others are silent, and whether it was accepted before one of them had to go."""
    half = written(judge.desk.login)[:20]
    with ExitStack() as stack:
        silent = [door(judge) for _ in range(4)]
        for link in silent[2:]:
            link.send(half)
        for _ in range(3):  # they do not even begin TLS
            sock = socket.create_connection(judge.settings.provider_address, judge.settings.timeout)
            stack.enter_context(closing(sock))
        try:
            link = judge.desk.connect()
        except OSError as error:
            return f"no connection ({error})", False
        link.send(written(judge.desk.login))
        until = time.monotonic() + judge.settings.timeout
        while not link.is_in and not all(other.is_closed for other in silent) and time.monotonic() < until:
            link.greeted(GLANCE_S)
        is_early = link.is_in and not any(other.is_closed for other in silent)
        for each in (*silent, link):
            each.close()
        return said(link), is_early


# -- coming back


@judges("NE-LOGIN-013")
def test_a_provider_may_come_back_at_once(judge: Judge) -> None:
    with judge.provider() as link:
        link.close()
        judge.subject.pause(EARLY_S)
        again = knock(judge, judge.desk.login)
        what = f"a provider that came back after {EARLY_S:g} s"
        must_serve(judge, again, what)
        judge.subject.pause(LATE_S)  # until a hub has surely seen the close before
        must_serve(judge, again, what)


@judges("NE-LOGIN-014")
def test_a_close_without_notice_is_a_close(judge: Judge) -> None:
    """What a hub shows of a proper close, by its model list and to the client, it has to show of this one."""
    with judge.desk.vacant():
        began = time.monotonic()
        shown = traces(judge, Link.close, {"connected", "answer"}, SEEN_S)
        patience = 2 * (time.monotonic() - began) + SEEN_S
        missing = shown - traces(judge, Link.abort, shown, patience)
        expected = "the same as after a proper close"
        signs = {"connected": "the model list still calls the provider connected", "answer": "its client waits on"}
        judge.require(not missing, expected, " and ".join(signs[sign] for sign in sorted(missing)))
        must_serve(judge, knock(judge, judge.desk.login), "a provider that came back")


def traces(judge: Judge, end: Callable[[Link], None], wanted: set[str], seconds: float) -> set[str]:
    """Which of the signs of a drop are seen in so many seconds when a link ends with a request in hand."""
    link = let_in(judge)
    call = judge.begin(SHORT)
    link.request()
    end(link)
    until = time.monotonic() + seconds
    seen: set[str] = set()
    while time.monotonic() < until:
        if call.is_over_within(EARLY_S):
            seen.add("answer")
        if entry(judge).get("connected") is False:
            seen.add("connected")
        if wanted <= seen:
            break
        judge.subject.pause(GLANCE_S)
    return seen & wanted
