"""What a check holds in its hands: it sends requests, and says what it saw.

Laws: a requirement is judged only by `require`, on real exchanges, and is not judged where nothing was required; a
refusal counts only if its valid twin succeeded right before it; whoever compares texts has first seen that the model
repeats itself.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, NoReturn

from conformance.asker import Asker
from conformance.evidence import Violation, not_judged
from conformance.explore import Script, explore, explore_steps
from conformance.stream import Stream
from conformance.subject import PLAIN_MESSAGE, TRIES

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from typing import TypeVar

    from hypothesis.stateful import RuleBasedStateMachine
    from hypothesis.strategies import SearchStrategy

    from conformance.exchange import Exchange
    from conformance.subject import Subject

    Content = Mapping[str, Any] | bytes
    Example = TypeVar("Example")

SHORT: Final = {"message": PLAIN_MESSAGE, "max_new_len": 8}
"""A request that costs a model little."""
GETMODELS: Final = {"command": "getmodels"}
REPEATS: Final = 3
"""A model that chooses between a few replies by chance must not be taken for one that repeats itself."""
POLITE_EXAMPLES: Final = 2
PASSING_CODES: Final = frozenset({1, 7, 8, 9, 12, 13, 15, 16, 17})
"""Errors of the registry that may have nothing to do with the request; sent again, it may get another answer."""


class Judge(Asker):
    """One check's view of the hub: what it asks, and what it says of what it saw."""

    def __init__(self, subject: Subject, name: str) -> None:
        super().__init__(subject, name)
        self.judged = 0

    def require(self, holds: bool, expected: str, actual: str, *exchanges: Exchange) -> None:
        """Judges: the requirement is broken unless `holds`.

        Raises:
            Violation: it is broken.
        """
        self._account(exchanges)
        if not holds:
            raise Violation(expected, actual, exchanges, self.subject.timeline.steps)

    def sees(self, *exchanges: Exchange) -> None:
        """Judges that the requirement holds for these."""
        self._account(exchanges)

    def breaks(self, expected: str, actual: str, *exchanges: Exchange, is_final: bool = False) -> NoReturn:
        """Judges that the requirement is broken; `is_final` where a second run of the check would show nothing more.

        The hub has changed by the breach, and cannot show it again; or the check has seen what rules chance out.

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

    def text_if_known(self, fields: Content, path: str | None = None) -> str | None:
        """The text of a request, if the model repeats itself."""
        texts = {str(self.succeeds(fields, path=path).reply) for _ in range(REPEATS)}
        return texts.pop() if len(texts) == 1 else None

    @contextmanager
    def known_text(self, fields: Content, path: str | None = None) -> Iterator[str]:
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

    def differs(self, text: str, fields: Content) -> None:
        """Ends the check when the model answers other fields alike: its text tells requests apart no more."""
        if self.succeeds(fields).reply == text:
            not_judged("the model answers every request alike, so texts tell nothing")

    def _repeated(self, fields: Content, path: str | None) -> str:
        text = self.text_if_known(fields, path)
        if text is None:
            not_judged("the model does not repeat itself, so texts cannot be compared")
        return text

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

        explore(strategy, afresh, self._seed, self.examples(examples))

    def explore_steps(
        self,
        machine: Callable[[], tuple[RuleBasedStateMachine, Script]],
        replay: Callable[[Sequence[Any]], None],
        *,
        examples: int,
        steps: int,
    ) -> None:
        """Runs state machines, and keeps the shortest sequence of steps that breaks the requirement."""

        def afresh() -> tuple[RuleBasedStateMachine, Script]:
            self.subject.timeline.begin_example()
            return machine()

        def again(sequence: Sequence[Any]) -> None:
            self.subject.timeline.begin_example()
            replay(sequence)

        explore_steps(afresh, again, self._seed, (self.examples(examples), steps))

    @property
    def _seed(self) -> str:
        return f"{self.settings.seed} {self._name}"
