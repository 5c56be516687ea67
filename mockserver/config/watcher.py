"""Tells when files change, in a thread of its own: it looks at their size and time now and then.

A file that is being written changes more than once. So a change counts when the files have stayed as they are from one
look to the next; whoever says that they are ready, by `look_now`, need not wait for that.
"""

from __future__ import annotations

import threading
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Self, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

LOOK_S = 0.25
"""How long it waits between two looks, in seconds."""

_Seen: TypeAlias = "dict[Path, tuple[int, int, int] | None]"


class Watcher:
    """Watches files while its `with` block runs.

    Args:
        files: which.
        changed: called in the watcher's thread when they have changed; it returns the files to watch from then on. It
            must not raise.
        look_s: how long to wait between two looks, in seconds.
    """

    def __init__(self, files: Iterable[Path], changed: Callable[[], Iterable[Path]], *, look_s: float = LOOK_S) -> None:
        self._known = _look(files)
        self._changed = changed
        self._look_s = look_s
        # Unlike an event it can be woken from a signal's handler that interrupts another one.
        self._woken: SimpleQueue[bool] = SimpleQueue()
        self._thread = threading.Thread(target=self._watch, name="mock-hub-config", daemon=True)

    def __enter__(self) -> Self:
        """Begins."""
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        """Ends; a call of `changed` that has begun is waited for."""
        self._woken.put(item=False)
        self._thread.join()

    def look_now(self) -> None:
        """Has `changed` called at once, whether anything has changed or not; a signal's handler may ask for it."""
        self._woken.put(item=True)

    def _watch(self) -> None:
        before = self._known
        while (is_asked := self._wait()) is not False:
            seen = _look(self._known)
            if is_asked or (seen != self._known and seen == before):
                # What changes while the files are read is a change again.
                self._known = {file: seen[file] if file in seen else _state(file) for file in self._changed()}
            before = seen

    def _wait(self) -> bool | None:
        """Waits for the next look: true when one is asked for, false when the watching is over."""
        try:
            return self._woken.get(timeout=self._look_s)
        except Empty:
            return None


def _look(files: Iterable[Path]) -> _Seen:
    return {file: _state(file) for file in files}


def _state(file: Path) -> tuple[int, int, int] | None:
    """What changes when a file does; none where there is no file."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
