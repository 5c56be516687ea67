"""One request, and everything that a live hub answered to it, one take after another.

A take is a whole reply, an error, or all the polls of one stream. Equal takes in a row become one turn of the rule.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from mockserver.rules.own_answers import ERROR_NAMES, RETRIED, Fail
from mockserver.rules.replies import Item, Pause, Pieces, ProviderAnswer, Reply, Text
from mockserver.rules.rule import Turn
from mockserver.state.framing import HUB_MEMBERS
from mockserver.state.plan import NO_PLAN, Plan
from neuroengine._generated.registry import ERRORS, ErrorCode

if TYPE_CHECKING:
    from collections.abc import Mapping

_FEWEST_S: Final = 0.001
"""What is faster is not worth a pause."""


class Unrecordable(ValueError):
    """Raised for an answer that no rule can give."""


@dataclass
class Take:
    """One answer, or one stream so far. Times are seconds, from a request to its answer."""

    reply: Reply | None = None
    after_s: float = 0.0
    items: list[Item] = field(default_factory=list)
    is_over: bool = False

    def turn(self, *, timings: bool) -> Turn:
        """The turn of a rule that answers so."""
        reply = self.reply
        if reply is None:
            items = self.items if timings else [item for item in self.items if not isinstance(item, Pause)]
            reply = Pieces(items) if items else Text("")
        delay_s = round(self.after_s, 3) if timings else 0.0
        return Turn(reply, Plan(delay_s) if delay_s >= _FEWEST_S else NO_PLAN)

    def poll(self, answer: Mapping[str, Any], after_s: float) -> None:
        """Takes the answer to the next poll of a stream."""
        text, code = answer["reply"], answer["errorcode"]
        if code == 0 and not text:
            self.is_over = True
            return
        if not self.items:
            self.after_s = after_s
        elif round(after_s, 3) >= _FEWEST_S:
            self.items.append(Pause(round(after_s, 3)))
        if code == 0:
            self.items.append(text)
        else:
            self.items.append(_failed_piece(answer))
            self.is_over = code != ErrorCode.NOT_READY


def whole(answer: Mapping[str, Any], after_s: float) -> Take:
    """The take of an answer that is no piece of a stream."""
    return Take(_reply(answer), after_s, is_over=True)


def turns(takes: list[Take], *, timings: bool) -> tuple[Turn, ...]:
    """The turns of a rule that answers like these takes: equal ones in a row are one turn."""
    found: list[tuple[Turn, int]] = []
    for take in takes:
        turn = take.turn(timings=timings)
        if found and found[-1][0].reply == turn.reply:
            found[-1] = (found[-1][0], found[-1][1] + 1)
        else:
            found.append((turn, 1))
    *first, (last, _) = found
    return (*(Turn(turn.reply, turn.plan, times if times > 1 else None) for turn, times in first), last)


def _reply(answer: Mapping[str, Any]) -> Reply:
    code = answer["errorcode"]
    if _is_named(code):
        return _fail(answer)
    more = {name: value for name, value in answer.items() if name not in {"reply", "errorcode", *HUB_MEMBERS}}
    return ProviderAnswer(answer["reply"], code, more) if code or more else Text(answer["reply"])


def _failed_piece(answer: Mapping[str, Any]) -> Fail:
    """An error in the middle of a stream; one that only its provider knows is a provider's error there."""
    if _is_named(answer["errorcode"]):
        return _fail(answer)
    return Fail(ERRORS[ErrorCode.PROVIDER_ERROR].name, reply=answer["reply"])


def _is_named(code: int) -> bool:
    return code in ERRORS and ERRORS[ErrorCode(code)].name in ERROR_NAMES


def _fail(answer: Mapping[str, Any]) -> Fail:
    name = ERRORS[ErrorCode(answer["errorcode"])].name
    wait, about = answer.get("retry_after"), answer.get("field")
    is_time = isinstance(wait, int | float) and not isinstance(wait, bool) and wait >= 0
    return Fail(
        name,
        wait if is_time and name in RETRIED else None,
        about if isinstance(about, str) else None,
        answer["reply"],
    )
