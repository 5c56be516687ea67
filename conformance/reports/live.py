"""How far a judgement is, in one line at the foot of a terminal; into a pipe it writes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

REFRESHES_A_SECOND: Final = 4


class Live:
    """The line: checks done, requests, and the time, which goes on while a check waits."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._shown: tuple[Progress, TaskID] | None = None
        self._requests = 0

    def begin(self, checks: int) -> None:
        """Shows the line, where there is a terminal."""
        if not self._console.is_terminal or self._console.is_dumb_terminal:
            return
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        progress = Progress(
            BarColumn(bar_width=20),
            TextColumn("{task.completed:.0f} of {task.total:.0f} checks, {task.fields[requests]} requests,"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[last]}"),
            console=self._console,
            transient=True,
            refresh_per_second=REFRESHES_A_SECOND,
        )
        task = progress.add_task("", total=checks, requests=0, last="")
        progress.start()
        self._shown = progress, task

    def note(self, record: dict[str, Any]) -> None:
        """One check is done."""
        self._requests += record["exchanges"]
        if self._shown is not None:
            progress, task = self._shown
            progress.update(task, advance=1, requests=self._requests, last=record["requirement"])

    def end(self) -> None:
        """Takes the line away."""
        if self._shown is not None:
            self._shown[0].stop()
            self._shown = None
