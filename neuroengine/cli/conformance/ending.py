"""How a judgement ends early: SIGTERM is a Ctrl-C, so that a job that is cancelled still leaves its reports."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def ended_by_sigterm() -> Iterator[None]:
    """Takes SIGTERM for Ctrl-C while a judgement runs, where the main thread runs it.

    That holds too where Ctrl-C is ignored, as by what a script starts in the background.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    taken = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, taken)
