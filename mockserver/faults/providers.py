"""Faults of a provider's answer on its way to the hub, and of the provider itself.

Where the simulated model answers, it stands in for a provider.
"""

from random import Random

from mockserver.faults import shapes
from mockserver.faults.kinds import Place, Seconds, Size, wire_fault
from mockserver.state.delivery import Again, Body, Close, Hold, Reset, Steps, Take
from mockserver.state.plan import Leg


@wire_fault(Leg.PROVIDER_TO_HUB)
def provider_death(steps: Steps, *, after_bytes: Place = 0) -> Steps:
    """The provider dies when it has the request, or after so many bytes of its answer."""
    return shapes.cut_short(steps, after_bytes, Close())


@wire_fault(Leg.PROVIDER_TO_HUB)
def provider_reset(steps: Steps, *, after_bytes: Place = 0) -> Steps:
    """The provider's connection is reset, after so many bytes of its answer."""
    return shapes.cut_short(steps, after_bytes, Reset())


@wire_fault(Leg.PROVIDER_TO_HUB)
def provider_silence(steps: Steps, *, after_bytes: Place = 0) -> Steps:
    """The provider falls silent for good, after so many bytes of its answer; its connection stays."""
    return shapes.cut_short(steps, after_bytes, Hold())


@wire_fault(Leg.PROVIDER_TO_HUB)
def provider_late(steps: Steps, draw: Random, *, seconds: Seconds = 1.0, spread_s: Seconds = 0.0) -> Steps:
    """The provider's answer comes `seconds` after the request at the earliest, and by chance up to `spread_s` later."""
    return shapes.late(steps, draw, seconds, spread_s)


@wire_fault(Leg.PROVIDER_TO_HUB)
def provider_drip(steps: Steps, *, size_bytes: Size = 1, every_s: Seconds = 0.1) -> Steps:
    """The provider's answer comes `size_bytes` at a time, every `every_s` seconds."""
    return shapes.dripping(steps, size_bytes, every_s)


@wire_fault(Leg.PROVIDER_TO_HUB)
def provider_garbage(steps: Steps, draw: Random, *, size_bytes: Size = 64) -> Steps:
    """The provider answers with random bytes that do not begin with a length."""
    return _instead(steps, b"\0" * 8 + draw.randbytes(size_bytes))


@wire_fault(Leg.PROVIDER_TO_HUB)
def provider_nonsense(steps: Steps, draw: Random) -> Steps:
    """The provider answers in the right frame, but with what is no answer."""
    payload = b'["%d"]' % draw.getrandbits(32)
    return _instead(steps, b"%08X" % len(payload) + payload)


@wire_fault(Leg.PROVIDER_TO_HUB)
def provider_twice(steps: Steps) -> Steps:
    """The provider answers twice at once."""
    return [*steps, Again()]


@wire_fault(Leg.PROVIDER_TO_HUB)
def provider_extra(steps: Steps, draw: Random, *, size_bytes: Size = 64) -> Steps:
    """Random bytes follow the provider's answer."""
    return [*steps, Body(draw.randbytes(size_bytes))]


def _instead(steps: Steps, data: bytes) -> Steps:
    """Other bytes, when the provider's own are there."""
    return [*steps[:-1], Take(lose=True), Body(data)] if steps and isinstance(steps[-1], Take) else steps
