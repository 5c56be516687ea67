"""One answer as steps on the wire, which every door can play.

A door that knows these steps needs no other knowledge of faults. They mean:

- `Head`: the status line and the headers; its `content-length` may lie. Without one the body is chunked.
- `Body`: bytes of the body; where no `Head` came before, bytes of the wire that are no HTTP.
- `Flood`: these bytes over and over until the client leaves.
- `Wait`: seconds of the hub's clock.
- `End`: the answer is over, and the connection goes on where its framing allows.
- `Close`: the connection ends in order (FIN), though the answer may not be whole.
- `Reset`: the connection is thrown away (RST).
- `Hold`: nothing more is said; the client has to leave by itself.

A delivery ends with one of `Flood`, `End`, `Close`, `Reset` or `Hold`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from mockserver.state.plan import Leg

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mockserver.state.plan import Plan

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


Step: TypeAlias = Head | Body | Flood | Wait | End | Close | Reset | Hold
Steps: TypeAlias = list[Step]


def delivery(status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes, plan: Plan) -> Steps:
    """The steps of an answer after everything that befalls it on its way from the hub to the client."""
    steps: Steps = [Head(status, tuple(headers)), Body(body), End()]
    for fault in plan.on(Leg.HUB_TO_CLIENT):
        steps = fault.alter(steps)
    return steps
