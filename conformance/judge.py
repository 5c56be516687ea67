"""What a check holds in its hands: it sends requests, and says what it saw.

Laws: a requirement is judged only by `require`, on real exchanges, and is not judged where nothing was required; a
refusal counts only if its valid twin succeeded right before it; whoever compares texts has first seen that the model
repeats itself.
"""

from __future__ import annotations

import json
import secrets
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple, NoReturn

from conformance.evidence import Violation, not_judged
from conformance.exchange import JSON_TYPE, Exchange, Request
from conformance.explore import explore
from conformance.stream import Stream
from conformance.subject import PLAIN_MESSAGE, TRIES

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
    from typing import TypeVar

    from hypothesis.strategies import SearchStrategy

    from conformance.call import Call
    from conformance.provider.desk import Desk
    from conformance.provider.frames import Frame
    from conformance.provider.link import Link
    from conformance.settings import Settings
    from conformance.subject import Subject

    Content = Mapping[str, Any] | bytes
    Example = TypeVar("Example")

SHORT: Final = {"message": PLAIN_MESSAGE, "max_new_len": 8}
"""A request that costs a model little."""
GETMODELS: Final = {"command": "getmodels"}
REPEATS: Final = 3
"""A model that chooses between a few replies by chance must not be taken for one that repeats itself."""
POLITE_EXAMPLES: Final = 2
SLICE_S: Final = 0.01
"""How often a wait for a request at the provider looks whether the client was answered meanwhile."""
PASSING_CODES: Final = frozenset({1, 7, 8, 9, 12, 13, 15, 16, 17})
"""Errors of the registry that may have nothing to do with the request; sent again, it may get another answer."""


class Passage(NamedTuple):
    """One request on its way through the hub: the frame at the provider, the exchange at the client."""

    frame: Frame
    exchange: Exchange


class Judge:
    """One check's view of the hub."""

    def __init__(self, subject: Subject, name: str) -> None:
        self.subject = subject
        self.judged = 0
        self.open_calls: list[Call] = []
        self._name = name
        self._sent_before = subject.target.sent

    @property
    def settings(self) -> Settings:
        """What to judge, and how hard."""
        return self.subject.settings

    @property
    def exchanges(self) -> int:
        """How many requests the check has sent."""
        return self.subject.target.sent - self._sent_before

    @property
    def _spares(self) -> bool:
        """Whether requests are counted."""
        return bool(self.settings.rate or self.settings.max_requests)

    def post(self, content: Content, **sending: Any) -> Exchange:
        """One exchange; see `request`."""
        return self.subject.send(self.request(content, **sending))

    def begin(self, content: Content, *, seconds: float | None = None, **sending: Any) -> Call:
        """A request that is answered later, to the provider's service unless a path is given.

        `seconds` is its deadline; the check ends what it leaves open.
        """
        if self.settings.rate and any(not call.is_answered for call in self.open_calls):
            not_judged("sends requests at the same time, which a rate forbids: --rate 0 allows it")
        sending = {"path": self.provided} | sending
        call = self.subject.begin(self.request(content, **sending), seconds)
        self.open_calls.append(call)
        return call

    @property
    def provided(self) -> str:
        """The path of the service that the suite answers for as its provider."""
        return self.subject.path_of(self.settings.provided)

    @property
    def desk(self) -> Desk:
        """The suite's place at the provider port; without one the check cannot judge."""
        desk = self.subject.desk
        if desk is None:
            not_judged("needs provider access: --provider HOST:PORT, and the service key in $NE_SERVICE_KEY")
        return desk

    @contextmanager
    def provider(self) -> Iterator[Link]:
        """The link on which the provider's service is answered: inside the block by the check alone.

        Clients whose requests are open at its end leave first, so that no request of theirs waits for who comes next.
        """
        with self.desk.held() as link:
            try:
                yield link
            finally:
                self.finish()

    def through(self, link: Link, content: Content, answer: Mapping[str, Any] | bytes, **sending: Any) -> Passage:
        """Sends a request through the hub, and its answer back: what came to the provider, and what to the client."""
        call = self.begin(content, **sending)
        frame = self.arrives(link, call)
        if frame is None:
            not_judged(f"the hub answered a request without its provider ({call.answer().describe()})")
        link.answer(answer)
        return Passage(frame, call.answer())

    def arrives(self, link: Link, call: Call) -> Frame | None:
        """A request as it comes to the provider; None where the hub answers it by itself."""
        until = time.monotonic() + self.settings.timeout
        while not call.is_answered and time.monotonic() < until and not link.is_over:
            frame = link.next_request(SLICE_S)
            if frame is not None:
                return frame
        if not call.is_answered:
            not_judged(link.why_nothing)
        return link.next_request(0)

    def finish(self) -> None:
        """Leaves the requests that are still open."""
        for call in self.open_calls:
            if not call.is_answered:
                call.leave()
        self.open_calls.clear()

    def post_together(self, requests: list[Request]) -> list[Exchange]:
        """Exchanges at the same time; not where the hub is to be spared."""
        if self.settings.rate:
            not_judged("sends requests at the same time, which a rate forbids: --rate 0 allows it")
        return self.subject.send_together(requests)

    def request(
        self,
        content: Content,
        *,
        path: str | None = None,
        content_type: str | None = JSON_TYPE,
        keys: tuple[str, ...] = (),
        access_key: str = "",
    ) -> Request:
        """A request that is not sent yet, to the service by default; `content` is a body, or what becomes one."""
        body = content if isinstance(content, bytes) else json.dumps(content).encode("ascii")
        return Request(self.subject.path if path is None else path, body, content_type, keys, access_key)

    def new_key(self, length: int = 32) -> str:
        """A stream key that nobody has used. It does not follow from the seed: a key serves one stream only."""
        return secrets.token_hex((length + 1) // 2)[:length]

    def limit(self, name: str, *, waits: float = 1.0) -> float:
        """The hub's own limit, as far as it was told; `waits` is the share of it that the check would wait."""
        told = self.settings.limits.get(name)
        if told is None:
            not_judged(f"needs the hub's own limit: tell it with --limit {name}=VALUE")
        if waits and told * waits > self.settings.max_wait:
            not_judged(f"would wait {told * waits:g} s for {name}, longer than --max-wait {self.settings.max_wait:g}")
        return told

    def require(self, holds: bool, expected: str, actual: str, *exchanges: Exchange) -> None:
        """Judges: the requirement is broken unless `holds`.

        Raises:
            Violation: it is broken.
        """
        self._account(exchanges)
        if not holds:
            raise Violation(expected, actual, exchanges, self.subject.timeline.steps)

    def breaks(self, expected: str, actual: str, *exchanges: Exchange, is_final: bool = False) -> NoReturn:
        """Judges that the requirement is broken; `is_final` where the hub has changed by it, and cannot break it again.

        Raises:
            Violation: always.
        """
        self._account(exchanges)
        raise Violation(expected, actual, exchanges, self.subject.timeline.steps, is_final=is_final)

    def _account(self, exchanges: tuple[Exchange, ...]) -> None:
        """What is judged is shown: by exchanges, or by what was seen on a provider's link."""
        seen = any(step.leg == "provider" for step in self.subject.timeline.steps)
        if not exchanges and not seen:
            raise ValueError("nothing is judged without an exchange, or a provider's link, that shows it")
        self.judged += len(exchanges) or 1

    def needs_success(self) -> None:
        """Ends the check where no plain request succeeds: nothing else can be told apart then."""
        if not self.subject.answers_plainly:
            not_judged("no plain request succeeded in this run")

    def accepts(self, content: Content, **sending: Any) -> Exchange:
        """Requires that a valid request succeeds, and returns its exchange."""
        self.needs_success()
        for _ in range(TRIES):
            exchange = self.post(content, **sending)
            if exchange.is_success:
                break
        self.require(exchange.is_success, "success: status 200, errorcode 0", exchange.describe(), exchange)
        return exchange

    def refuses(
        self,
        content: Content,
        twin: Content,
        *,
        codes: Collection[int] = (),
        field: str = "",
        **sending: Any,
    ) -> Exchange:
        """Requires that a request is refused by a well-formed error, while its valid twin succeeds.

        `codes` are those allowed, any but 0 where none is named; `field` is what the error has to name.
        """
        self.has_twin(twin, **{name: value for name, value in sending.items() if name != "path"})
        for _ in range(TRIES):
            exchange = self.post(content, **sending)
            if not codes or exchange.code in codes or exchange.code not in PASSING_CODES:
                break
        wanted = f"errorcode {' or '.join(map(str, sorted(codes)))}" if codes else "an error, any errorcode but 0"
        holds = exchange.is_error and (not codes or exchange.code in codes)
        if field:
            wanted += f', and "field": "{field}"'
            named = exchange.content.get("field") if isinstance(exchange.content, dict) else None
            self.require(
                holds and named == field, wanted, f"{exchange.describe()}, field {json.dumps(named)}", exchange
            )
        else:
            self.require(holds, wanted, exchange.describe(), exchange)
        return exchange

    def has_twin(self, twin: Content, **sending: Any) -> None:
        """Ends the check unless a valid twin succeeds; where the hub is spared, once a run is enough."""
        request = self.request(twin, **sending)
        if not (self._spares and request in self.subject.succeeded):
            self.succeeds(twin, **sending)
            self.subject.succeeded.add(request)

    def succeeds(self, content: Content, **sending: Any) -> Exchange:
        """The exchange of a valid request; without its success nothing is judged."""
        self.needs_success()
        for _ in range(TRIES):
            exchange = self.post(content, **sending)
            if exchange.is_success:
                break
        else:
            not_judged(f"a valid request to compare with did not succeed ({exchange.describe()})")
        return exchange

    def answers(self, content: Content, **sending: Any) -> Exchange:
        """Requires some well-formed answer, an error or a success."""
        self.needs_success()
        exchange = self.post(content, **sending)
        wanted = "a JSON object with a string reply and an integer errorcode"
        self.require(exchange.is_answer, wanted, exchange.describe(), exchange)
        return exchange

    def model_list(self) -> Exchange:
        """The exchange that brought the hub's model list, asked for once a run."""
        exchange = self.subject.model_list
        if exchange is None:
            exchange = self.post(GETMODELS)
            if not isinstance(exchange.content, list):
                exchange = self.post(GETMODELS, path=f"{self.settings.prefix}/")
            self.subject.model_list = exchange
        return exchange

    def models(self) -> list[Any]:
        """The entries of the hub's model list."""
        content = self.model_list().content
        if not isinstance(content, list):
            not_judged("the hub sent no model list")
        return list(content)

    def stream(self, fields: Mapping[str, Any], key: str | None = None, path: str | None = None) -> Stream:
        """A stream that is not begun yet."""
        self.needs_success()
        return Stream(self, fields, key or self.new_key(), path)

    @contextmanager
    def known_text(self, fields: Mapping[str, Any], path: str | None = None) -> Iterator[str]:
        """The text of a request, from a model that was seen to repeat itself.

        A breach inside counts only if the model still gives that text afterwards.
        """
        text = self._repeated(fields, path)
        try:
            yield text
        except Violation:
            if any(self.post(fields, path=path).reply != text for _ in range(REPEATS)):
                not_judged("the model stopped repeating itself, so texts cannot be compared")
            raise

    def differs(self, text: str, fields: Mapping[str, Any]) -> None:
        """Ends the check when the model answers other fields alike: its text tells requests apart no more."""
        if self.succeeds(fields).reply == text:
            not_judged("the model answers every request alike, so texts tell nothing")

    def _repeated(self, fields: Mapping[str, Any], path: str | None) -> str:
        self.needs_success()
        texts = [str(self.succeeds(fields, path=path).reply) for _ in range(REPEATS)]
        if len(set(texts)) != 1:
            not_judged("the model does not repeat itself, so texts cannot be compared")
        return texts[0]

    def examples(self, number: int) -> int:
        """How many examples of a kind to send: fewer where the hub is to be spared."""
        if self.settings.profile == "smoke":
            return 1
        return min(number, POLITE_EXAMPLES) if self._spares else number

    def each(self, cases: Iterable[Example]) -> Iterator[Example]:
        """The cases of a check, one after another; what a breach is shown with begins with its own case."""
        for case in cases:
            self.subject.timeline.begin_example()
            yield case
            self.finish()

    def explore(self, strategy: SearchStrategy[Example], check: Callable[[Example], None], examples: int) -> None:
        """Runs a check over generated examples, and keeps the smallest that breaks the requirement."""

        def afresh(example: Example) -> None:
            self.subject.timeline.begin_example()
            try:
                check(example)
            finally:
                self.finish()

        explore(strategy, afresh, f"{self.settings.seed} {self._name}", self.examples(examples))
