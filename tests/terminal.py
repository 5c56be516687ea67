"""A terminal for one command: types keys, waits for what is shown, and sees how it ends."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from typing import Self

from patience import DEADLINE_S

TAKE_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # its Ctrl-C is to reach the command
os.execv(sys.argv[1], sys.argv[1:])
"""


class Terminal:
    """Runs `neuroengine` with these arguments on a terminal of its own while it is entered.

    `stdout` is an open file that standard output goes to instead.
    """

    def __init__(self, *arguments: str, stdout: int | None = None) -> None:
        self.shown = ""
        self._read = 0
        self._keys, screen = pty.openpty()
        environment = os.environ | {"TERM": "xterm", "COLUMNS": "80", "LINES": "24", "PYTHONIOENCODING": "utf-8"}
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-c", TAKE_TERMINAL, sys.executable, "-m", "neuroengine", *arguments],
                stdin=screen,
                stdout=screen if stdout is None else stdout,
                stderr=screen,
                env=environment,
                start_new_session=True,
            )
        finally:
            os.close(screen)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._process.kill()
        self._process.wait(DEADLINE_S)
        os.close(self._keys)

    def type(self, keys: str) -> None:
        """Types keys; the control character 3 is Ctrl-C, 4 is Ctrl-D."""
        os.write(self._keys, keys.encode())

    def expect(self, text: str) -> None:
        """Waits until the text is shown behind what was waited for before."""
        deadline = time.monotonic() + DEADLINE_S
        while text not in self.shown[self._read :]:
            assert self._see(deadline), f"{text!r} did not come behind {self.shown!r}"
        self._read = self.shown.index(text, self._read) + len(text)

    def end(self) -> int:
        """Waits for the end of the command; returns its exit code."""
        deadline = time.monotonic() + DEADLINE_S
        while self._see(deadline):
            pass
        return self._process.wait(DEADLINE_S)

    def interrupt(self) -> int:
        """Presses Ctrl-C until the command has ended; returns its exit code.

        Python sees a Ctrl-C that comes just before it waits for a key only with the next key (`readline` looks at
        signals after waiting), so that a person, too, may have to press it twice.
        """
        deadline = time.monotonic() + DEADLINE_S
        while True:
            self.type("\x03")
            if self._ends(min(deadline, time.monotonic() + 1)):
                return self._process.wait(DEADLINE_S)
            assert time.monotonic() < deadline, f"Ctrl-C did not end it: {self.shown!r}"

    def _ends(self, deadline: float) -> bool:
        """Whether the command ends by then; what it shows meanwhile is read."""
        while self._process.poll() is None and time.monotonic() < deadline:
            self._see(min(deadline, time.monotonic() + 0.05))
        return self._process.poll() is not None

    def _see(self, deadline: float) -> bool:
        """Reads what is shown next; false when nothing more comes."""
        if not select.select([self._keys], [], [], max(0.0, deadline - time.monotonic()))[0]:
            return False
        try:
            data = os.read(self._keys, 65536)
        except OSError:  # the command has ended, and nobody holds the other side
            return False
        self.shown += data.decode("utf-8", "replace")
        return bool(data)
