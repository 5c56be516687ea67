"""The shapes that faults are made of: functions from steps to steps that know no leg."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mockserver.state.delivery import Body, Close, End, Flood, Head, Hold, Reset, Take, Wait

if TYPE_CHECKING:
    from random import Random

    from mockserver.state.delivery import Step, Steps

_ENDINGS = (Close, Reset, Hold, Flood)


def late(steps: Steps, draw: Random, seconds: float, spread_s: float) -> Steps:
    """Everything comes later: by `seconds`, and by up to `spread_s` more."""
    return [Wait(seconds + spread_s * draw.random()), *steps]


def dripping(steps: Steps, size_bytes: int, every_s: float) -> Steps:
    """All bytes come in drops of `size_bytes`, `every_s` seconds apart."""
    dripped: Steps = []
    for step in steps:
        if isinstance(step, Take):
            dripped.append(replace(step, size=size_bytes, every_s=every_s))
        elif isinstance(step, Body):
            for place in range(0, len(step.data), size_bytes):
                dripped += [Body(step.data[place : place + size_bytes]), Wait(every_s)]
        else:
            dripped.append(step)
    return dripped


def cut_short(steps: Steps, count: int, ending: Step) -> Steps:
    """The first `count` bytes, and then the ending, unless another one comes before."""
    kept: Steps = []
    left: float = count
    for step in steps:
        if isinstance(step, _ENDINGS):
            return [*kept, step]
        if isinstance(step, End):
            break
        if isinstance(step, Body):
            kept += [Body(step.data[: int(left)])] if left else []
            left -= min(left, len(step.data))
        elif isinstance(step, Take) and not step.lose:
            kept += [replace(step, count=min(step.count, left))] if left else []
            left -= min(left, step.count)
        else:
            kept.append(step)
        if not left and isinstance(step, Body | Take):
            break
    return [*kept, ending]


def nothing_but(steps: Steps, ending: Step) -> Steps:
    """The ending, at the time when the first byte would have come."""
    waits: Steps = []
    for step in steps:
        if isinstance(step, _ENDINGS):
            return steps
        if not isinstance(step, Wait):
            break
        waits.append(step)
    return [*waits, ending]


def body_bytes(steps: Steps) -> bytes:
    """All bytes of the body."""
    return b"".join(step.data for step in steps if isinstance(step, Body))


def with_body(steps: Steps, data: bytes) -> Steps:
    """The same steps with another body, whose length is announced rightly."""
    changed: Steps = []
    is_written = False
    for step in with_length(steps, len(data)):
        if not isinstance(step, Body):
            changed.append(step)
        elif not is_written:
            is_written = True
            changed.append(Body(data))
    return changed


def with_length(steps: Steps, length: int | None) -> Steps:
    """The same steps with another length of the body announced, or with none."""
    return [_headed(step, length) if isinstance(step, Head) else step for step in steps]


def _headed(head: Head, length: int | None) -> Head:
    name = b"content-length"
    headers = [header for header in head.headers if header[0] != name]
    if length is not None:
        headers.append((name, b"%d" % length))
    return Head(head.status, tuple(headers))
