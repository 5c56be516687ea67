"""One exchange, as the journal shows it.

The hub keeps what passes by as it is; whatever has to be worked out is worked out here, when it is read. A stream key
is shown as a short hash, the same for the same key. Access keys and service keys are not kept in the first place.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from mockserver.redaction import redacted
from mockserver.rules.expected import shown

if TYPE_CHECKING:
    from mockserver.state.answers import Forwarded
    from mockserver.state.exchanges import Exchange

_LONGEST_TEXT = 60


class ProviderLeg:
    """What a provider had to do with an exchange. Times are seconds of the hub's clock."""

    def __init__(self, forwarded: Forwarded) -> None:
        self._forwarded = forwarded

    @property
    def link(self) -> int | None:
        """The number of the provider's connection, from 1; None when the request never left the queue."""
        return self._forwarded.link

    @property
    def sent_at(self) -> float | None:
        """When the request was sent."""
        return self._forwarded.sent_at

    @property
    def answered_at(self) -> float | None:
        """When the whole answer was there; None when none came."""
        return self._forwarded.answered_at

    @property
    def request(self) -> dict[str, Any]:
        """The members of the frame that was sent, or was to be."""
        return redacted(json.loads(self._forwarded.frame))

    @property
    def frame_bytes(self) -> int:
        """How long the frame is, with its padding."""
        return len(self._forwarded.frame)

    @property
    def payload(self) -> bytes | None:
        """The payload that came back, as it came; None when none did."""
        return self._forwarded.payload

    def __repr__(self) -> str:
        state = "queued" if self.sent_at is None else "sent" if self.payload is None else "answered"
        return f"<ProviderLeg {state}, link {self.link}>"


class Entry:
    """One POST and what came of it. Times are seconds of the hub's clock."""

    __slots__ = ("_exchange",)

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    # -- the request

    @property
    def number(self) -> int:
        """Its number among the hub's exchanges, from 1."""
        return self._exchange.number

    @property
    def path(self) -> str:
        """The path that it was posted to."""
        return self._exchange.path

    @property
    def service(self) -> str:
        """The service that the path names, known to the hub or not."""
        return self._exchange.service

    @property
    def request(self) -> dict[str, Any]:
        """The request's members, the stream key redacted; empty where the body could not be read."""
        return redacted(self._exchange.request)

    @property
    def message(self) -> Any:
        """The prompt, or whatever the client sent in its place; None where it sent none."""
        return self._exchange.request.get("message")

    @property
    def key(self) -> Any:
        """The stream key, redacted; None where there is none."""
        return self.request.get("key") or None

    @property
    def poll(self) -> int:
        """The number of the poll in its stream, from 1; 0 is no poll."""
        return self._exchange.poll

    @property
    def begins(self) -> bool:
        """Whether it is a poll that went on with a stream (False), or anything else (True)."""
        return self._exchange.begins

    # -- the answer

    @property
    def is_answered(self) -> bool:
        """Whether the hub has answered."""
        return self._exchange.answer is not None

    @property
    def answer(self) -> Any:
        """The answer's members, or the model list; None where there is no answer yet."""
        return self._exchange.answer.content if self._exchange.answer is not None else None

    @property
    def code(self) -> int | None:
        """The `errorcode`; None where there is no answer yet."""
        return self._exchange.answer.code if self._exchange.answer is not None else None

    @property
    def reply(self) -> str | None:
        """The answer's text; None where there is none."""
        return self.answer.get("reply") if isinstance(self.answer, dict) else None

    @property
    def status(self) -> int | None:
        """The HTTP status of the answer; None where no door told it."""
        return self._exchange.status

    # -- what happened between

    @property
    def rule(self) -> str:
        """The name of the rule whose answer it is; empty where the hub or a provider answered by itself."""
        return self._exchange.verdict.rule or self._exchange.stream_rule

    @property
    def rules(self) -> tuple[str, ...]:
        """The names of all rules that had a say, `rule` among them."""
        said = self._exchange.verdict.rules
        return said if not self.rule or self.rule in said else (*said, self.rule)

    @property
    def near_miss(self) -> str:
        """In a strict hub, the rule that came nearest and why it did not match; empty where one did."""
        return self._exchange.verdict.near_miss

    @property
    def faults(self) -> tuple[str, ...]:
        """The names of the faults that were to befall it, on its way to a provider and back too."""
        planned = tuple(fault.name for fault in self._exchange.plan.faults)
        forwarded = self._exchange.forwarded.faults if self._exchange.forwarded is not None else ()
        return (*planned, *(name for name in forwarded if name not in planned))

    @property
    def delay_s(self) -> float:
        """The delay that was planned for it."""
        return self._exchange.plan.delay_s

    @property
    def provider(self) -> ProviderLeg | None:
        """What a provider had to do with it; None where it was not asked."""
        return ProviderLeg(self._exchange.forwarded) if self._exchange.forwarded is not None else None

    @property
    def at(self) -> float:
        """When the request was there whole."""
        return self._exchange.at

    @property
    def answered_at(self) -> float | None:
        """When the answer was ready; None while there is none."""
        return self._exchange.answered_at

    @property
    def left_at(self) -> float | None:
        """When the client left before its answer; None where it did not."""
        return self._exchange.left_at

    @property
    def left(self) -> bool:
        """Whether the client left before its answer."""
        return self._exchange.left_at is not None

    @property
    def is_over(self) -> bool:
        """Whether it was answered, or its client left."""
        return self.is_answered or self.left

    @property
    def seconds(self) -> float | None:
        """How long it took until the answer, or until the client left; None while it waits."""
        end = self.answered_at if self.answered_at is not None else self.left_at
        return None if end is None else end - self.at

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Entry) and self._exchange is other._exchange

    def __hash__(self) -> int:
        return hash(self._exchange)

    def __repr__(self) -> str:
        return f"<Entry {self}>"

    def __str__(self) -> str:
        """The exchange in one line."""
        return f"#{self.number} {self.service or self.path} {self._asked()} -> {self._got()}{self._remarks()}"

    def _asked(self) -> str:
        request = self.request
        shown = request.get("command", request.get("message", request))
        return _short(shown) + (f" (poll {self.poll})" if self.poll else "")

    def _got(self) -> str:
        if self.answer is None:
            return "the client left" if self.left else "no answer yet"
        return f"{self.code} {_short(self.reply if self.reply is not None else self.answer)}"

    def _remarks(self) -> str:
        remarks = [f"rule {self.rule}"] if self.rule else []
        remarks += [f"fault {fault}" for fault in self.faults]
        return f" [{', '.join(remarks)}]" if remarks else ""


def _short(value: Any) -> str:
    return shown(value, _LONGEST_TEXT)
