"""How long a check may take: one that hangs, wherever it does, is not judged, and the run goes on.

Laws: what waits for the hub is bounded by itself, and asks for no more once the check's time is over; the system's
alarm ends what is bounded by nothing, where there is an alarm and the check runs in the main thread, which takes it.
The alarm comes between any two steps of whatever runs then, which may swallow it or make another error of it: once it
has rung, nothing is believed that the check says.
"""

from __future__ import annotations

import signal
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from conformance.evidence import NotJudged, TargetLost, not_judged

if TYPE_CHECKING:
    from collections.abc import Generator

GRACE_S: Final = 30.0
"""What is left of a check after its end, as the links that it closes, may take so long before the alarm comes again."""


@contextmanager
def ends_within(seconds: float, reason: str) -> Generator[None]:
    """Ends what runs inside, after so many seconds, as not judged. An alarm that was set before goes on afterwards."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return
    is_over = has_rung = False

    def ring(*_: object) -> None:
        nonlocal has_rung
        if not is_over:
            has_rung = True
            not_judged(reason)

    began = time.monotonic()
    taken = signal.signal(signal.SIGALRM, ring)
    left, interval = signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.001), GRACE_S)
    try:
        yield
    except TargetLost:
        raise
    except (Exception, NotJudged):
        if not has_rung:
            raise
    finally:
        is_over = True
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, taken)
        if left:
            signal.setitimer(signal.ITIMER_REAL, max(left - (time.monotonic() - began), 0.001), interval)
    if has_rung:
        not_judged(reason)
