"""A mock hub in a process of its own, so that what it takes of the machine is its own, too."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, TextIO

from benchmarks.process import Process

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

DEADLINE_S: Final = 60.0


class HubProcess(Process):
    """The hub as others see it: its addresses, and what its process takes of the machine."""

    def __init__(self, pid: int, addresses: Mapping[str, str], errors: TextIO) -> None:
        super().__init__(pid)
        self._errors = errors
        self.url = addresses["url"]
        self.provider = addresses["provider"]
        self.ca_file = addresses["ca_file"]
        host, _, port = self.url.partition("://")[2].partition(":")
        self.address = host, int(port)

    @property
    def said(self) -> str:
        """What it wrote to its error output: a hub without a fault of its own says nothing there."""
        self._errors.seek(0)
        return self._errors.read()


@contextmanager
def hub_process(
    *,
    services: Mapping[str, str],
    loop: str = "uvloop",
    tls: bool = False,
    replies: Mapping[str, str] | None = None,
    faults: Sequence[str | Mapping[str, Any]] = (),
    tokens_per_s: float | None = None,
    limits: Mapping[str, float] | None = None,
) -> Iterator[HubProcess]:
    """Runs a hub until the block is left.

    `replies` are scripted, by their messages, and let out at `tokens_per_s`, where that is given; the HTTP port speaks
    TLS only where it is asked for.
    """
    settings = {
        "services": dict(services),
        "loop": loop,
        "tls": tls,
        "replies": dict(replies or {}),
        "faults": list(faults),
        "tokens_per_s": tokens_per_s,
        "limits": dict(limits or {}),
    }
    command = [sys.executable, "-m", __name__]
    with (
        tempfile.TemporaryFile("w+") as errors,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps(settings) + "\n")
            process.stdin.flush()
            yield HubProcess(process.pid, json.loads(process.stdout.readline()), errors)
            process.stdin.close()
            assert process.wait(DEADLINE_S) == 0
        except BaseException as error:
            errors.seek(0)
            error.add_note(f"the hub said:\n{errors.read()[-4000:]}")
            raise
        finally:
            process.kill()


def main() -> None:
    """Runs a hub by the settings on the first line of the input, until the input ends."""
    from mockserver import MockHub, Pace, runner

    settings: dict[str, Any] = json.loads(sys.stdin.readline())
    tokens_per_s = settings["tokens_per_s"]
    if settings["loop"] == "asyncio":
        runner._new_event_loop = asyncio.new_event_loop
    with MockHub(
        settings["services"],
        tls=settings["tls"],
        limits=settings["limits"],
        faults=settings["faults"],
        pace=None if tokens_per_s is None else Pace(tokens_per_s=tokens_per_s),
    ) as hub:
        for message, reply in settings["replies"].items():
            hub.on(message).reply(reply)
        sys.stdout.write(json.dumps({"url": hub.url, "provider": hub.provider, "ca_file": hub.ca_file}) + "\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
