"""Notices a hub that refuses because of how many requests came, waits until it serves again, and finds its pace.

Laws: a refusal is put down to the number only when the plain request, which the hub answered before, is refused in the
same words, and the words tell of a quota or a request among the refused had succeeded before; nothing is concluded from
any other refusal. What was refused that way is sent again, so that no check is judged by it. A hub that goes on to
refuse longer than the suite waits, and tells of a quota, ends the run.
"""

from __future__ import annotations

import math
import re
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from conformance.evidence import target_lost
from neuroengine import spec

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.exchange import Exchange, Request
    from conformance.settings import Settings
    from conformance.target import Target

ALIKE: Final = 3
"""So many refusals in the same words, one after another, make the suite ask whether the hub refuses everything."""
WAITS_S: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
"""The pauses between two plain requests while the hub refuses; the last goes on."""
PATIENCE_S: Final = 90.0
"""How long a hub is waited for that tells of a quota, in seconds: many count by the minute."""
SHORT_PATIENCE_S: Final = 7.5
"""How long one is waited for that does not: it may have broken down."""
CAUTION: Final = 0.8
"""The share of the pace that the hub was seen to bear at which the suite goes on."""
REMEMBERED: Final = 1_000
"""The most requests that are kept in mind as having succeeded."""
QUOTA_EXCEEDED: Final = next(error["code"] for error in spec.errors() if error["name"] == "quota_exceeded")
_OF_A_QUOTA: Final = re.compile(r"quota|rate.?limit|too (many|fast|often)|throttl|slow(er| down)", re.IGNORECASE)
_FIGURES: Final = re.compile(r"\d+(\.\d+)?")


class Quota:
    """What is known of the pace that the hub bears. `ask` sends the plain request, and is not watched itself."""

    def __init__(self, settings: Settings, target: Target, ask: Callable[[], Exchange]) -> None:
        self._settings = settings
        self._target = target
        self._ask = ask
        self._words = ""
        self._refused: list[Exchange] = []
        self._succeeded: set[Request] = set()
        self._caution: dict[str, int] = {}
        self._accepted, self._since = 0, time.monotonic()
        self._refusal: Exchange | None = None
        self.is_refusing = False
        """Whether the hub, the last time that it was asked, refused everything, and told of a quota."""

    def makes_wait(self, exchange: Exchange) -> bool:
        """Whether the hub refused this for the number of requests, and has been waited for: it may be sent again.

        Raises:
            pytest.exit.Exception: it refuses for longer than the suite waits.
        """
        if exchange.is_success:
            self._accept(exchange)
            return False
        words = _words(exchange)
        self._refused = [*(self._refused if words == self._words else []), exchange]
        self._words = words
        if not words or not self._is_suspicious(exchange):
            return False
        self._refused = []
        plain = self._ask()
        if _words(plain) != words:
            self._caution[words] = 2 * self._caution.get(words, 1)
            return False
        return self._wait(plain)

    @property
    def told(self) -> str:
        """What a person should know: that the hub refused for the number of requests; empty if it did not."""
        if self._refusal is None:
            return ""
        tense = "refuses every request" if self.is_refusing else "refused every request for a while"
        pace = self._target.rate or self._seen_pace()
        slowed = "" if self.is_refusing else f", and the suite went on at {pace:.2g} a second"
        status = "" if self._refusal.status == HTTPStatus.OK else f"status {self._refusal.status}, "
        words = f"{status if self._refusal.is_error else ''}{self._refusal.describe()}"
        return (
            f"the hub {tense}, the plain one too that it had answered before: {words}{slowed}; "
            f"it seems to be a quota: --rate {_rounded_down(pace):g}, or a service without one"
        )

    def _is_suspicious(self, exchange: Exchange) -> bool:
        """Whether it is time to ask the plain request: at once where HTTP or the registry's code say what it is."""
        if exchange.status == HTTPStatus.TOO_MANY_REQUESTS or exchange.code == QUOTA_EXCEEDED or exchange.retry_after:
            return len(self._refused) >= self._caution.get(self._words, 1)
        served_before = any(refused.request in self._succeeded for refused in self._refused)
        return len(self._refused) >= ALIKE * self._caution.get(self._words, 1) and (
            served_before or _tells_of_a_quota(exchange)
        )

    def _wait(self, plain: Exchange) -> bool:
        """Waits until the hub answers the plain request; False where it answers with something else by then."""
        self.is_refusing = _tells_of_a_quota(plain)
        if self.is_refusing:
            self._refusal = plain
        words, most = _words(plain), PATIENCE_S if self.is_refusing else SHORT_PATIENCE_S
        refusal, waited, place = plain, 0.0, 0
        while waited < most and plain.retry_after <= most - waited:
            pause = max(WAITS_S[min(place, len(WAITS_S) - 1)], plain.retry_after)
            self._target.pause(pause)
            waited, place = waited + pause, place + 1
            plain = self._ask()
            if plain.is_success:
                self._refusal, self.is_refusing = refusal, False
                self._slow_down()
                return True
            if _words(plain) != words:
                self.is_refusing = False
                return False
        if self.is_refusing:
            target_lost(self.told)
        self._caution[words] = 2 * self._caution.get(words, 1)
        return False

    def _accept(self, exchange: Exchange) -> None:
        self._refused, self._words = [], ""
        self._accepted += 1
        if len(self._succeeded) < REMEMBERED and not exchange.request.keys:
            self._succeeded.add(exchange.request)

    def _slow_down(self) -> None:
        """Goes on at the pace at which the hub has accepted requests since the last time, its refusals included."""
        self._target.slow_down(CAUTION * self._seen_pace())
        self._accepted, self._since = 0, time.monotonic()

    def _seen_pace(self) -> float:
        return max(self._accepted, 1) / max(time.monotonic() - self._since, 0.001)


def _tells_of_a_quota(exchange: Exchange) -> bool:
    return (
        exchange.status == HTTPStatus.TOO_MANY_REQUESTS
        or exchange.code == QUOTA_EXCEEDED
        or bool(exchange.retry_after)
        or bool(exchange.is_error and _OF_A_QUOTA.search(exchange.reply))
    )


def _words(exchange: Exchange) -> str:
    """What all refusals for one reason have in common; empty for what is no refusal."""
    if exchange.status == HTTPStatus.TOO_MANY_REQUESTS and not exchange.is_error:
        return str(exchange.status)
    return f"{exchange.status} {exchange.code} {_FIGURES.sub('', exchange.reply)}" if exchange.is_error else ""


def _rounded_down(pace: float) -> float:
    """The pace with one digit that counts, as a person would write it."""
    size = 10.0 ** math.floor(math.log10(pace))
    return math.floor(pace / size) * size
