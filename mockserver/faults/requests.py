"""Faults of a request on its way from the client to the hub, before the hub has read it.

They come when the request's head is there. What the hub does not get it does not handle, count or answer.
"""

from random import Random

from mockserver.faults import shapes
from mockserver.faults.kinds import Place, Size, wire_fault
from mockserver.state.delivery import Body, Close, End, Hold, Reset, Steps, Take
from mockserver.state.plan import Leg


@wire_fault(Leg.CLIENT_TO_HUB)
def drop(steps: Steps, *, after_bytes: Place = 0) -> Steps:
    """The connection ends in order while the request is being sent, after so many bytes of its body."""
    return shapes.cut_short(steps, after_bytes, Close())


@wire_fault(Leg.CLIENT_TO_HUB)
def reset(steps: Steps, *, after_bytes: Place = 0) -> Steps:
    """The connection is reset while the request is being sent, after so many bytes of its body."""
    return shapes.cut_short(steps, after_bytes, Reset())


@wire_fault(Leg.CLIENT_TO_HUB)
def half_open(steps: Steps, *, after_bytes: Place = 0) -> Steps:
    """The hub takes the connection and so many bytes of the body, handles nothing, and never answers."""
    return shapes.cut_short(steps, after_bytes, Hold())


@wire_fault(Leg.CLIENT_TO_HUB)
def truncated_body(steps: Steps, *, after_bytes: Place = 1) -> Steps:
    """The hub gets so many bytes of the body, and takes them for all of it."""
    return shapes.cut_short(steps, after_bytes, End())


@wire_fault(Leg.CLIENT_TO_HUB)
def garbage_body(steps: Steps, draw: Random, *, size_bytes: Size = 64) -> Steps:
    """The hub gets random bytes instead of the body."""
    garbled: Steps = []
    for step in steps:
        if isinstance(step, Take):
            garbled += [Take(lose=True), Body(b"\0" + draw.randbytes(size_bytes - 1))]
        else:
            garbled.append(step)
    return garbled
