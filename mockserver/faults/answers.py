"""Faults of an answer on its way from the hub to the client."""

from dataclasses import replace
from random import Random
from typing import Annotated

from pydantic import Field

from mockserver.faults import shapes
from mockserver.faults.kinds import Place, Seconds, Share, Size, pace_fault, wire_fault
from mockserver.state.delivery import Body, Close, End, Flood, Hold, Reset, Steps
from mockserver.state.plan import Leg, Pace

_FLOOD = Flood(b" " * 65_536)


@wire_fault(Leg.HUB_TO_CLIENT, Leg.CLIENT_TO_HUB)
def latency(steps: Steps, draw: Random, *, seconds: Seconds = 1.0, spread_s: Seconds = 0.0) -> Steps:
    """Everything comes `seconds` late, and by chance up to `spread_s` later."""
    return shapes.late(steps, draw, seconds, spread_s)


@wire_fault(Leg.HUB_TO_CLIENT, Leg.CLIENT_TO_HUB)
def slow_drip(steps: Steps, *, size_bytes: Size = 1, every_s: Seconds = 0.1) -> Steps:
    """The body comes `size_bytes` at a time, every `every_s` seconds."""
    return shapes.dripping(steps, size_bytes, every_s)


@wire_fault(Leg.HUB_TO_CLIENT)
def drop(steps: Steps) -> Steps:
    """The connection ends in order before the answer."""
    return shapes.nothing_but(steps, Close())


@wire_fault(Leg.HUB_TO_CLIENT)
def drop_midway(steps: Steps, *, after_bytes: Place | None = None, fraction: Share = 0.5) -> Steps:
    """The connection ends in order in the body: after a fraction of it, or after so many bytes."""
    return shapes.cut_short(steps, _place(steps, after_bytes, fraction), Close())


@wire_fault(Leg.HUB_TO_CLIENT)
def reset(steps: Steps, *, after_bytes: Place | None = None) -> Steps:
    """The connection is reset before the answer, or after so many bytes of its body."""
    return shapes.nothing_but(steps, Reset()) if after_bytes is None else shapes.cut_short(steps, after_bytes, Reset())


@wire_fault(Leg.HUB_TO_CLIENT)
def half_open(steps: Steps) -> Steps:
    """The request is taken and handled, and never answered; the connection stays."""
    return shapes.nothing_but(steps, Hold())


@wire_fault(Leg.HUB_TO_CLIENT)
def stall(steps: Steps, *, after_bytes: Place | None = None, fraction: Share = 0.5) -> Steps:
    """The answer stops in its body, after a fraction of it or so many bytes, and the connection stays."""
    return shapes.cut_short(steps, _place(steps, after_bytes, fraction), Hold())


@wire_fault(Leg.HUB_TO_CLIENT)
def truncated_body(steps: Steps, *, after_bytes: Place | None = None, fraction: Share = 0.5) -> Steps:
    """The body is cut off after a fraction of it, or so many bytes, and its head announces just that length."""
    data = shapes.body_bytes(steps)
    return shapes.with_body(steps, data[: _place(steps, after_bytes, fraction)])


@wire_fault(Leg.HUB_TO_CLIENT)
def garbage_body(steps: Steps, draw: Random, *, size_bytes: Size = 64) -> Steps:
    """The body is random bytes behind a right head."""
    return shapes.with_body(steps, draw.randbytes(size_bytes))


@wire_fault(Leg.HUB_TO_CLIENT)
def garbage(steps: Steps, draw: Random, *, size_bytes: Size = 64) -> Steps:
    """Random bytes come that are no HTTP, and the connection ends."""
    # Whatever is drawn, no client can take the first byte for the beginning of a status line.
    return [*shapes.nothing_but(steps, Body(b"\0" + draw.randbytes(size_bytes - 1))), Close()]


@wire_fault(Leg.HUB_TO_CLIENT)
def content_length_too_long(steps: Steps, *, by_bytes: Size = 1, stays: bool = False) -> Steps:
    """More bytes are announced than come; then the connection ends, or stays and the client waits."""
    data = shapes.body_bytes(steps)
    ending = Hold() if stays else Close()
    return shapes.cut_short(shapes.with_length(steps, len(data) + by_bytes), len(data), ending)


@wire_fault(Leg.HUB_TO_CLIENT)
def content_length_too_short(steps: Steps, *, by_bytes: Size = 1) -> Steps:
    """Fewer bytes are announced than come; the rest stands where the next answer on the connection should."""
    return shapes.with_length(steps, max(0, len(shapes.body_bytes(steps)) - by_bytes))


@wire_fault(Leg.HUB_TO_CLIENT)
def extra_bytes(steps: Steps, draw: Random, *, size_bytes: Size = 64) -> Steps:
    """Random bytes follow a right answer, where the next answer on the connection should stand."""
    extra: Steps = [Body(draw.randbytes(size_bytes))]
    place = next((place for place, step in enumerate(steps) if isinstance(step, End)), len(steps))
    return steps[:place] + extra + steps[place:]


@wire_fault(Leg.HUB_TO_CLIENT)
def flood(steps: Steps) -> Steps:
    """Blanks follow the answer, as a part of its body, for as long as the client reads."""
    return shapes.cut_short(shapes.with_length(steps, None), len(shapes.body_bytes(steps)), _FLOOD)


@pace_fault
def first_token(pace: Pace, *, seconds: Seconds = 1.0) -> Pace:
    """The first token of a text comes `seconds` after the generation began."""
    return replace(pace, first_token_s=seconds)


@pace_fault
def tokens_per_second(
    pace: Pace, *, tokens_per_s: Annotated[float, Field(gt=0)] = 10.0, jitter: Share = 0.0, jitter_seed: int = 0
) -> Pace:
    """A text is let out at `tokens_per_s`, each token by chance late by up to the share `jitter` of a gap."""
    return replace(pace, tokens_per_s=tokens_per_s, jitter=jitter, seed=jitter_seed)


def _place(steps: Steps, after_bytes: int | None, fraction: float) -> int:
    return int(len(shapes.body_bytes(steps)) * fraction) if after_bytes is None else after_bytes
