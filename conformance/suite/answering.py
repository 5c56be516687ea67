"""What checks do again and again while they hold a provider's link: ask, take the request, answer, come back.

Law: nothing here judges but `must_bring`; every wait ends with the request that it is about, or sooner.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any, Final

from conformance.evidence import not_judged
from conformance.exchange import excerpt
from conformance.subject import PLAIN_MESSAGE

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.call import Call
    from conformance.exchange import Exchange
    from conformance.judge import Judge
    from conformance.provider.frames import Frame
    from conformance.provider.link import Link


ASK: Final = {"message": PLAIN_MESSAGE}
ASK_MUCH: Final = ASK | {"max_new_len": 1_000_000}
"""A hub may take a reply that is longer than was asked for as no answer."""
PLAIN_ANSWER: Final = {"reply": "The tide is far out.", "errorcode": 0}
"""Its length has no hex digit that is a letter, so that a hub which reads one case alone reads it."""
OWN: Final = "The text that was meant for this one."
LATE: Final = "The late text, which was meant for the one before."
GLANCE_S: Final = 0.02
"""How often a check that waits for a request looks whether there is still one to come."""
RETURNS_S: Final = (0.0, 0.05, 0.5, 1.0, 5.0)
"""The pauses before a provider logs in again; deployed ones wait 5 s at the most."""
NOTICE_S: Final = 0.1
"""How long a hub is given to notice that a client has gone. A slow one notices later, and is not found out."""
AFTER: Final = 1.3
"""The share of a limit after which it must have struck."""
SLACK_S: Final = 3.0
"""What a slow machine may add to a limit."""
SOON: Final = 0.6
"""The share of a limit that a hub which does not wait for it stays below."""
SOON_S: Final = 5.0
"""What is at once, where the limit is long."""
QUEUED_S: Final = 1.0
"""How long the suite looks in the model list for the requests that it has sent to wait."""


def is_heard(judge: Judge, link: Link, fields: dict[str, Any] = ASK) -> None:
    """Ends the check unless a plain answer reaches the client: nothing else that fails can be told apart then."""
    exchange = judge.through(link, fields, PLAIN_ANSWER).exchange
    if not (exchange.is_success and exchange.reply == PLAIN_ANSWER["reply"]):
        not_judged(f"a provider's plain answer did not reach the client ({exchange.describe()})")


def must_bring(judge: Judge, exchange: Exchange, reply: str) -> None:
    """Requires that a reply came to the client as it is."""
    holds = exchange.is_success and exchange.reply == reply
    judge.require(holds, f"errorcode 0, reply {excerpt(repr(reply))}", exchange.describe(), exchange)


def ask(judge: Judge, number: int, seconds: float | None = None) -> Call:
    """A request that can be told from the others."""
    return judge.begin({"message": f"Which number is this? {number}"}, seconds=seconds)


def text_of(message: object) -> str:
    """The reply that belongs to a message."""
    return f"It is the answer to {str(message)!r}."


def shown(exchange: Exchange) -> tuple[str, Exchange]:
    """An exchange in words, and itself."""
    return exchange.describe(), exchange


def answered(judge: Judge, payload: bytes, digits: bytes | None = None) -> Exchange:
    """What a client gets for a provider's answer that breaks a rule; the provider hangs up afterwards."""
    with judge.provider() as link:
        call = judge.begin(ASK)
        link.request()
        link.answer(payload, digits)
        exchange = call.answer()
        link.close()
        return exchange


def turn(link: Link, call: Call, seconds: float = math.inf) -> Frame | None:
    """The next request; none where the call is over before, the hub closes the link, or the seconds pass."""
    until = time.monotonic() + seconds
    while not (call.is_answered or link.is_closed) and time.monotonic() < until:
        if frame := link.next_request(GLANCE_S):
            return frame
    return link.next_request(0)


def handed_over(link: Link, last: Call, message: object, seconds: float = math.inf) -> int:
    """Answers what comes on a link until the last request is over; how often the message was among it."""
    seen = 0
    while frame := turn(link, last, seconds):
        seen += frame.content.get("message") == message
        link.answer({"reply": text_of(frame.content.get("message"))})
    return seen


def returned(judge: Judge, **more: bool) -> Link | None:
    """The provider's new link, once it is let in again; none where it is not, for as long as deployed ones wait.

    `more` are further members of its login.
    """
    for pause in RETURNS_S:
        judge.subject.pause(pause)
        try:
            link = judge.desk.connect()
        except OSError:
            continue
        link.log_in(judge.desk.login | more)
        if link.is_in:
            return link
        link.close()
    return None


def are_queued(judge: Judge, number: int) -> None:
    """Waits until so many requests wait at the hub; where its list does not tell, for as long as that surely takes."""
    until = time.monotonic() + QUEUED_S
    while time.monotonic() < until:
        entries = judge.post({"command": "getmodels"}).content
        for entry in entries if isinstance(entries, list) else []:
            is_it = isinstance(entry, dict) and entry.get("name") == judge.settings.provided
            if is_it and isinstance(entry.get("queuelen"), int) and entry["queuelen"] >= number:
                return
        judge.subject.pause(0.02)


def hang_up(link: Link, *, in_order: bool) -> None:
    """Closes a link, with TLS's close-notify or without."""
    if in_order:
        link.close()
    else:
        link.abort()


def soon(judge: Judge, *limits: str) -> float:
    """The seconds within which a hub that waits for none of these limits has answered, as far as they are known."""
    return min([SOON_S, judge.settings.timeout, *(judge.settings.limits.get(name, SOON_S) * SOON for name in limits)])


def taken(exchange_of: Callable[[], Exchange]) -> tuple[float, Exchange]:
    """How long an exchange took, and the exchange."""
    began = time.monotonic()
    exchange = exchange_of()
    return time.monotonic() - began, exchange
