"""How a hub lets providers in: TLS and its certificate, logins that are right in any cut, and those that are wrong.

A right login that is not accepted counts only where one sent plainly, under the same circumstances, is; and a key is
right because it was accepted before, or because the hub answers it otherwise than one that cannot be right.
"""

from __future__ import annotations

import json
import ssl
import time
from typing import TYPE_CHECKING, Any, Final

from hypothesis import strategies as st

from conformance.evidence import not_judged
from conformance.judge import GETMODELS, SHORT
from conformance.requirement import judges
from conformance.strategies import json_values, unknown_members

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from conformance.judge import Judge
    from conformance.provider.link import Link

    Login = Mapping[str, Any]

QUICK_S: Final = 5.0
"""How soon a refused login is answered or closed (NE-LOGIN-009)."""
EARLY_S: Final = 0.01
"""How soon a provider comes back (NE-LOGIN-013)."""
SLACK_S: Final = 2.0
"""What a slow machine may take on top of any time."""
BETWEEN_S: Final = 0.003
"""How long a cut is left open, so that the hub reads what is before it alone."""
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
            judge.desk.knock().close()
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
        links = [(what, knock(judge, login, within=0), time.monotonic()) for what, login in hand_made(judge)]
        for what, link, began in links:
            link.greeted(max(began + QUICK_S + SLACK_S - time.monotonic(), 0))
            is_over = bool(link.greeting) or link.is_closed
            judge.require(is_over, f"an answer to a login with {what}, or a close, within {QUICK_S:g} s", said(link))
