"""Faults of a request on its way from the hub to a provider.

Where the simulated model answers, it stands in for a provider.
"""

from random import Random

from mockserver.faults import shapes
from mockserver.faults.kinds import Place, Seconds, Size, wire_fault
from mockserver.state.delivery import Body, Close, Hold, Reset, Steps, Wait
from mockserver.state.framing import PING
from mockserver.state.plan import Leg


@wire_fault(Leg.HUB_TO_PROVIDER)
def frame_lost(steps: Steps) -> Steps:
    """The provider never gets the request."""
    return shapes.nothing_but(steps, Hold())


@wire_fault(Leg.HUB_TO_PROVIDER)
def frame_late(steps: Steps, draw: Random, *, seconds: Seconds = 1.0, spread_s: Seconds = 0.0) -> Steps:
    """The provider gets the request `seconds` late, and by chance up to `spread_s` later."""
    return shapes.late(steps, draw, seconds, spread_s)


@wire_fault(Leg.HUB_TO_PROVIDER)
def frame_cut(steps: Steps, *, after_bytes: Size = 1, pause_s: Seconds = 0.0) -> Steps:
    """The request comes in two writes, `pause_s` apart."""
    frame = shapes.body_bytes(steps)
    return [*shapes.nothing_but(steps, Body(frame[:after_bytes])), Wait(pause_s), Body(frame[after_bytes:])]


@wire_fault(Leg.HUB_TO_PROVIDER)
def frame_drip(steps: Steps, *, size_bytes: Size = 1, every_s: Seconds = 0.1) -> Steps:
    """The request comes `size_bytes` at a time, every `every_s` seconds."""
    return shapes.dripping(steps, size_bytes, every_s)


@wire_fault(Leg.HUB_TO_PROVIDER)
def frame_with_ping(steps: Steps, *, behind: bool = False) -> Steps:
    """The request and a ping come in one write, the ping before it or behind."""
    frame = shapes.body_bytes(steps)
    return shapes.nothing_but(steps, Body(frame + PING if behind else PING + frame))


@wire_fault(Leg.HUB_TO_PROVIDER)
def frame_twice(steps: Steps) -> Steps:
    """The provider gets the request twice, in two writes."""
    return [*steps, Wait(0.0), *steps]


@wire_fault(Leg.HUB_TO_PROVIDER)
def frame_garbage(steps: Steps, draw: Random, *, size_bytes: Size = 64) -> Steps:
    """The provider gets random bytes instead of the request."""
    return shapes.nothing_but(steps, Body(b"{\0}" + draw.randbytes(size_bytes)))


@wire_fault(Leg.HUB_TO_PROVIDER)
def link_dropped(steps: Steps, *, after_bytes: Place = 0) -> Steps:
    """The hub ends the provider's connection in order, after so many bytes of the request."""
    return shapes.cut_short(steps, after_bytes, Close())


@wire_fault(Leg.HUB_TO_PROVIDER)
def link_reset(steps: Steps, *, after_bytes: Place = 0) -> Steps:
    """The hub resets the provider's connection, after so many bytes of the request."""
    return shapes.cut_short(steps, after_bytes, Reset())
