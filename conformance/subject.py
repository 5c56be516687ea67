"""What a run knows about its hub: which form of the path works, whether any request succeeds, what was exchanged.

Law: a run whose plain request never succeeded earns no pass, whatever else its answers look like.
"""

from __future__ import annotations

import json
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from conformance.evidence import NotJudged, target_lost
from conformance.exchange import Exchange, Request
from conformance.provider.desk import Desk
from conformance.quota import Quota
from conformance.target import authorities
from conformance.timeline import Timeline
from neuroengine import spec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.call import Call
    from conformance.settings import Settings
    from conformance.target import Target

PLAIN_MESSAGE: Final = "Please tell me in a few sentences about a walk along the sea."
PLAIN_REQUEST: Final = {"message": PLAIN_MESSAGE}
"""The request that every hub takes: the documented minimum."""
FULL_REQUEST: Final = {
    name: value
    for name, value in spec.schema("client")["$defs"]["GenerateRequest"]["examples"][-1].items()
    if name not in {"key", "gettokens"}
} | PLAIN_REQUEST
"""The same with every documented field of a whole reply: a hub that refuses the minimum may take this."""
TRIES: Final = 3
REMEMBERED: Final = 5_000
SPARE_POLLS: Final = 100
UNAUTHORIZED: Final = next(error["code"] for error in spec.errors() if error["name"] == "unauthorized")
SLOW_S: Final = 0.5
"""A hub that takes so long for the first answer is measured more closely."""
LAST: Final = 20
"""Where none of so many last answers is a success, the hub may have stopped to serve."""


class Subject:
    """The hub under judgement."""

    def __init__(self, settings: Settings, target: Target) -> None:
        self.settings = settings
        self.target = target
        self.journal: deque[Exchange] = deque(maxlen=REMEMBERED)
        self.answers_plainly = False
        self.answer_s = 0.0
        """How long the hub took for its first answers, in seconds: for a reply of the usual length and a short one."""
        self.timeline = Timeline()
        self.desk = Desk(settings, target, authorities(settings), self.timeline) if settings.provider else None
        self.silence = ""
        """Why the hub is no more what was judged; empty when it serves at the end as it did at first."""
        self.model_list: Exchange | None = None
        self.succeeded: set[Request] = set()
        self._longest_reply = 0
        self.quota = Quota(settings, target, self._ask_unwatched)
        self.path = self.path_with_slash
        self._plain: Mapping[str, Any] = PLAIN_REQUEST

    @property
    def path_with_slash(self) -> str:
        """The documented path of the service."""
        return f"{self.settings.prefix}/{self.settings.service}/"

    @property
    def path_without_slash(self) -> str:
        """The deployed path of the service."""
        return self.path_with_slash.removesuffix("/")

    def path_of(self, name: str) -> str:
        """The path of another service, in the form that works."""
        return f"{self.settings.prefix}/{name}{'/' if self.path.endswith('/') else ''}"

    @property
    def most_polls(self) -> int:
        """A stream of a short text that has not ended after so many polls never ends, were its pieces characters."""
        return SPARE_POLLS + self._longest_reply

    def send(self, request: Request) -> Exchange:
        """One exchange, remembered; what a hub refused for the number of requests is sent again."""
        (exchange,) = self.send_together([request])
        for _ in range(TRIES):
            if not (self._is_counted(request) and self.quota.makes_wait(exchange)):
                break
            (exchange,) = self.send_together([request])
        return exchange

    def _is_counted(self, request: Request) -> bool:
        """Whether a refusal may be told from one for the number of requests: not where the suite itself answers."""
        asked = self.settings.service
        others = {self.settings.quota_service, self.settings.provided if self.desk else ""}
        return self.answers_plainly and request.path == self.path and asked not in others

    def send_together(self, requests: list[Request]) -> list[Exchange]:
        """Exchanges at the same time, remembered."""
        numbers = [self._post(request) for request in requests]
        exchanges = self.target.send_together(requests)
        for number, exchange in zip(numbers, exchanges, strict=True):
            self._answered(number, exchange)
        self.journal.extend(exchanges)
        self._longest_reply = max([self._longest_reply, *(len(e.reply) for e in exchanges if e.is_success)])
        return exchanges

    def begin(self, request: Request, seconds: float | None = None) -> Call:
        """A request that is answered later."""
        number = self._post(request)
        call = self.target.begin(request, partial(self._answered, number), seconds)
        call.on_leave = partial(self.timeline.note, "client", number, "leave")
        return call

    def pause(self, seconds: float) -> None:
        """Waits, for a time that the spec names."""
        if seconds > 0:
            self.timeline.note("client", 0, "pause", f"{seconds:g}".encode())
            self.target.pause(seconds)

    def close(self) -> None:
        """Leaves the hub."""
        if self.desk is not None:
            self.desk.close()
        self.target.close()

    def _post(self, request: Request) -> int:
        number = self.timeline.number("client")
        self.timeline.note("client", number, "post", request.body, request)
        return number

    def _answered(self, number: int, exchange: Exchange) -> None:
        what, data = ("trouble", exchange.detail.encode()) if exchange.trouble else ("answer", exchange.body)
        self.timeline.note("client", number, what, data)

    def ask_plainly(self) -> Exchange:
        """The documented minimum, or the least that the hub was seen to take, sent to the path that works."""
        return self.send(self._plain_request)

    def _ask_unwatched(self) -> Exchange:
        return self.send_together([self._plain_request])[0]

    @property
    def _plain_request(self) -> Request:
        return Request(self.path, json.dumps(self._plain).encode())

    def meet(self) -> None:
        """Finds the path that works, before anything is judged; ends the run where there is nothing to judge.

        Where the suite may log in as a provider it does so first: the service may have no other.
        """
        if self.desk is not None:
            self.desk.open()
        failed: list[Exchange] = []
        for plain in (*[PLAIN_REQUEST] * TRIES, FULL_REQUEST):
            for path in (self.path_with_slash, self.path_without_slash):
                self._plain, self.path = plain, path
                exchange = self.ask_plainly()
                if exchange.is_success and exchange.reply.strip():
                    self.answers_plainly = True
                    self.answer_s = self._measured(exchange)
                    return
                if exchange.trouble == "unreachable":
                    target_lost(f"the hub at {self.settings.url} could not be reached: {_advice(exchange)}")
                failed.append(exchange)
        self.path, self._plain = self.path_with_slash, PLAIN_REQUEST
        if not any(_is_nonsense(exchange) for exchange in failed) and not self._reaches_its_provider():
            target_lost(self._nothing_to_judge(failed[-1]))

    def _measured(self, first: Exchange) -> float:
        """The seconds that an answer takes; a slow hub is asked for a short reply too, as most checks ask for one."""
        if first.seconds < SLOW_S or self.settings.max_requests:
            return first.seconds
        short = self.send_together([Request(self.path, json.dumps({**self._plain, "max_new_len": 8}).encode())])[0]
        return (first.seconds + short.seconds) / 2 if short.is_success else first.seconds

    def part(self) -> None:
        """Notices, when all is judged, whether the hub still answers plain requests; a spent quota is no silence."""
        if self.quota.is_refusing:
            self.silence = self.quota.told
            return
        last = list(self.journal)[-LAST:]
        if not self.answers_plainly or any(exchange.is_success or exchange.trouble for exchange in last):
            return
        try:
            exchange = self.ask_plainly()
        except NotJudged:
            return
        if not (exchange.is_success or exchange.retry_after):
            self.silence = f"the hub answers no plain request any more ({exchange.describe()})"

    def _reaches_its_provider(self) -> bool:
        """Whether a request gets to the suite's own provider, whatever the hub makes of the answer."""
        if self.desk is None or self.desk.refusal:
            return False
        before = self.desk.answers
        for path in (self.path_of(self.settings.provided), self.path_of(self.settings.provided).removesuffix("/")):
            self.send(Request(path, json.dumps(PLAIN_REQUEST).encode()))
            if self.desk.answers > before:
                return True
        return False

    def _nothing_to_judge(self, last: Exchange) -> str:
        """Why a hub whose answers are no nonsense cannot be judged either, and what to do."""
        service = self.settings.service
        if last.is_success:
            return f"the service {service!r} answered with empty replies only, so there is no text to judge"
        models = self.send(Request(f"{self.settings.prefix}/", b'{"command": "getmodels"}')).content
        listed = [entry.get("name") for entry in models if isinstance(entry, dict)] if isinstance(models, list) else []
        names = [name for name in listed if isinstance(name, str)]
        advice = f"is the name right (--service)? The hub lists {', '.join(names)}" if names else "is the name right?"
        if service in names:
            advice = "the hub lists it: is its provider there, and has it quota left?"
        if last.code == UNAUTHORIZED:
            advice = "it needs an access key: give it as --access-service, and as --service one that needs none"
        if self.desk is not None and self.desk.refusal:
            advice = self.desk.refusal
        return f"the service {service!r} answers no request ({last.describe()}); {advice}"


def _is_nonsense(exchange: Exchange) -> bool:
    """Whether a hub that means to serve the request cannot have meant this; a foreign 404 page is no nonsense."""
    return (exchange.status == 200 and not exchange.is_answer) or (exchange.is_answer and _claims_success(exchange))


def _claims_success(exchange: Exchange) -> bool:
    return bool(exchange.code == 0 and exchange.status != 200)


def _advice(exchange: Exchange) -> str:
    detail = exchange.detail
    if "CERTIFICATE_VERIFY_FAILED" in detail:
        return f"{detail}. Give the authority with --ca-file PEM, or verify nothing with --insecure"
    if any(sign in detail for sign in ("WRONG_VERSION_NUMBER", "RECORD_LAYER", "handshake operation timed out")):
        return f"{detail}. It seems to speak plain HTTP: write http://…"
    return f"{detail}. Is the address right, and is the hub running?"
