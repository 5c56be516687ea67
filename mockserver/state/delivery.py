"""What happens on a wire, as steps; and one answer as steps, which every door can play.

A door that knows these steps needs no other knowledge of faults. They mean:

- `Head`: the status line and the headers; its `content-length` may lie. Without one the body is chunked.
- `Body`: bytes of the body; where no `Head` came before, bytes of the wire that are no HTTP.
- `Flood`: these bytes of a chunked body over and over until the client leaves.
- `Wait`: seconds of the hub's clock.
- `End`: the answer is over, and the connection goes on where its framing allows.
- `Close`: the connection ends in order (FIN), though the answer may not be whole.
- `Reset`: the connection is thrown away (RST).
- `Hold`: nothing more is said; the client has to leave by itself.

A delivery ends with one of `Flood`, `End`, `Close`, `Reset` or `Hold`.

Where a hub is sent something the same steps say what becomes of it; two more stand there alone, and no door is given
them: `Take`, for the bytes that arrive, and `Again`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from mockserver.state.plan import Leg

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mockserver.state.plan import Fault, Plan

Headers: TypeAlias = tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True)
class Head:
    """The status line and the headers, with lower-case names."""

    status: int
    headers: Headers


@dataclass(frozen=True, slots=True)
class Body:
    """Bytes of the body."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Flood:
    """Bytes over and over, until the client leaves."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Wait:
    """Seconds of the hub's clock."""

    seconds: float


@dataclass(frozen=True, slots=True)
class End:
    """The answer is over."""


@dataclass(frozen=True, slots=True)
class Close:
    """The connection ends in order, whole or not."""


@dataclass(frozen=True, slots=True)
class Reset:
    """The connection is thrown away."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Nothing more is said."""


@dataclass(frozen=True, slots=True)
class Take:
    """Lets `count` of the bytes that arrive through, at most `size` at a time and those `every_s` seconds apart.

    It is over sooner when what arrives is whole. With `lose` the bytes are lost instead.
    """

    count: float = math.inf
    size: float = math.inf
    every_s: float = 0.0
    lose: bool = False


@dataclass(frozen=True, slots=True)
class Again:
    """Everything that was let through so far comes once more."""


Step: TypeAlias = Head | Body | Flood | Wait | End | Close | Reset | Hold | Take | Again
Steps: TypeAlias = list[Step]


JSON_TYPE = (b"content-type", b"application/json")
"""The header of every answer."""


class Message(NamedTuple):
    """An answer as HTTP has it."""

    status: int
    headers: Headers
    body: bytes


def delivery(message: Message, plan: Plan, happened: Callable[[Fault], None] = lambda _: None) -> Steps:
    """The steps of an answer after everything that befalls it on its way from the hub to the client.

    `happened` is told of each fault that changed them.
    """
    status, headers, body = message
    return befall([Head(status, headers), Body(body), End()], plan.on(Leg.HUB_TO_CLIENT), happened)


def befall(steps: Steps, faults: Iterable[Fault], happened: Callable[[Fault], None]) -> Steps:
    """What becomes of steps when faults befall them, in their order; `happened` is told of each that changed them."""
    for fault in faults:
        altered = fault.alter(steps)
        if altered is not steps:
            happened(fault)
        steps = altered
    return steps
