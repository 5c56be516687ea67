"""What a rule may answer: text, pieces, a model, an error, what a provider would have said, or a model list.

A reply is a value and knows no time. One that is text gives the whole answer to a request, or the source that a stream
reads; the others are in `own_answers`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from mockserver.model import Sampling, SimulatedModel
from mockserver.rules.checks import check_json, check_seconds, check_several
from mockserver.rules.own_answers import Fail, OwnAnswer
from mockserver.rules.sources import ItemSource, MemberedTokens, guarded
from mockserver.state.allowed import generate_fields
from mockserver.state.answers import Answer, success
from mockserver.state.framing import HUB_MEMBERS
from mockserver.state.sources import TokenSource
from mockserver.tokens import cut
from neuroengine._generated.registry import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from mockserver.state.generations import Generation
    from mockserver.state.sources import Source
    from mockserver.state.timers import Timers

    Changed = Callable[[float], None]

SAMPLING_FIELDS: Final = tuple(setting.name for setting in fields(Sampling))
"""What a rule's simulated model may do otherwise than the request says."""

TokenFunction: TypeAlias = "Callable[[Generation], Iterable[str]]"
"""A model of the caller's own: the checked request in, the tokens of a reply out."""


@dataclass(frozen=True, slots=True)
class Text:
    """A text: whole, or cut into pieces by the hub."""

    text: str

    def whole(self, generation: Generation) -> Answer:  # noqa: ARG002 - as all texts have it
        """The text."""
        return success(self.text)

    def source(self, generation: Generation, timers: Timers, changed: Changed) -> Source:  # noqa: ARG002 - as all texts have it
        """The text's tokens."""
        return TokenSource(iter(cut(self.text)))


@dataclass(frozen=True, slots=True)
class Pause:
    """Between two pieces of a stream: so many seconds pass, on the hub's clock, until the next one is there."""

    seconds: float

    def __post_init__(self) -> None:
        """Checks the time."""
        check_seconds("pause", self.seconds)


Item: TypeAlias = str | Fail | Pause
"""What a list of pieces may hold: text, a failure, or a pause."""


@dataclass(frozen=True, slots=True)
class Pieces:
    """Pieces that a stream gives exactly so, whatever `gettokens` says; without a stream their text is joined.

    A `Fail` among them fails a poll: after `not_ready` the stream goes on, after any other it is over. A `Pause` makes
    the next piece come later. Where the whole reply is wanted, the first final failure is the answer.
    """

    items: tuple[Item, ...]

    def __init__(self, items: Iterable[Item]) -> None:
        check_several("pieces", items)
        object.__setattr__(self, "items", tuple(items))
        for item in self.items:
            if not isinstance(item, str | Fail | Pause):
                raise TypeError(f"a piece must be text, a Fail or a Pause; it was {item!r}")
            if item == "":
                raise ValueError("a piece must not be empty: an empty piece is the end, which comes by itself")

    @property
    def pause_s(self) -> float:
        """All pauses together, in seconds."""
        return sum(item.seconds for item in self.items if isinstance(item, Pause))

    def whole(self, generation: Generation) -> Answer:  # noqa: ARG002 - as all texts have it
        """The pieces joined, or the failure that ends them."""
        for item in self.items:
            if isinstance(item, Fail) and item.code != ErrorCode.NOT_READY:
                return item.answer()
        return success("".join(item for item in self.items if isinstance(item, str)))

    def source(self, generation: Generation, timers: Timers, changed: Changed) -> Source:  # noqa: ARG002 - as all texts have it
        """The pieces, one a poll."""
        return ItemSource(map(_item, self.items), timers, changed)


@dataclass(frozen=True, slots=True)
class Model:
    """A model: the simulated one, with other sampling than the request says, or a function of the caller's.

    Args:
        tokens: takes the checked request and gives the reply's tokens; without it the simulated model answers.
        sampling: fields of `Sampling` that replace those of the request.
    """

    tokens: TokenFunction | None = None
    sampling: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        """Checks the sampling."""
        for name, value in self.sampling.items():
            if name not in SAMPLING_FIELDS:
                raise ValueError(f"the model has no setting {name!r}; it has {', '.join(SAMPLING_FIELDS)}")
            allowed = generate_fields()[name]
            if not allowed.holds(value):
                raise ValueError(f"the model's {name} is wrong: it should be {allowed.words}; it was {value!r}")

    def whole(self, generation: Generation) -> Answer:
        """All tokens joined."""
        return success("".join(self._generate(generation)))

    def source(self, generation: Generation, timers: Timers, changed: Changed) -> Source:  # noqa: ARG002 - as all texts have it
        """The tokens, each worked out when it is asked for."""
        return TokenSource(self._generate(generation))

    def _generate(self, generation: Generation) -> Iterator[str]:
        if self.tokens is not None:
            return guarded(self.tokens, generation)
        return SimulatedModel().tokens(generation.message, replace(generation.sampling, **self._replaced()))

    def _replaced(self) -> dict[str, Any]:
        replaced = dict(self.sampling)
        if isinstance(replaced.get("raw"), str):
            replaced["raw"] = replaced["raw"].lower() == "true"
        return replaced


@dataclass(frozen=True, slots=True)
class ProviderAnswer:
    """What a provider would have said: text, a code of its own if it likes, and more members, which pass through."""

    reply: str
    errorcode: int = 0
    members: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        """Checks that a provider could say so."""
        if not isinstance(self.reply, str):
            raise TypeError(f"the reply of an answer must be text; it was {self.reply!r}")
        if type(self.errorcode) is not int:
            raise TypeError(f"the errorcode of an answer must be a whole number; it was {self.errorcode!r}")
        for name, value in self.members.items():
            if name in HUB_MEMBERS:
                raise ValueError(f"a provider cannot send {name!r}: the hub alone sets {', '.join(HUB_MEMBERS)}")
            check_json(name, value)

    def whole(self, generation: Generation) -> Answer:  # noqa: ARG002 - as all texts have it
        """The answer as it is."""
        return Answer({**self.members, "reply": self.reply, "errorcode": self.errorcode}, self.errorcode)

    def source(self, generation: Generation, timers: Timers, changed: Changed) -> Source:
        """The text's tokens, with the members on every piece; or the provider's error."""
        if self.errorcode:
            return ItemSource([self.whole(generation)], timers, changed)
        return MemberedTokens(iter(cut(self.reply)), self.members)


TextReply: TypeAlias = Text | Pieces | Model | ProviderAnswer
"""An answer that is text: it needs a valid generate request. `whole` gives all of it, `source` what a stream reads."""

Reply: TypeAlias = TextReply | OwnAnswer
"""Whatever a rule may answer."""


def _item(item: Item) -> str | Answer | float:
    if isinstance(item, Fail):
        return item.answer()
    return float(item.seconds) if isinstance(item, Pause) else item


def reply_of(value: str | Reply) -> Reply:
    """A reply, where a text means itself.

    Raises:
        TypeError: it is neither.
    """
    if isinstance(value, str):
        return Text(value)
    if not isinstance(value, Reply):
        kinds = "text, Text, Pieces, Model, ProviderAnswer, Fail or Models"
        raise TypeError(f"an answer must be {kinds}; it was {value!r}")
    return value
