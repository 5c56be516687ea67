"""A mock hub in a process of its own, so that its memory is its own, too."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DEADLINE_S: Final = 60.0


class HubProcess:
    """The hub as others see it: its addresses, and what its process takes of the machine."""

    def __init__(self, process: subprocess.Popen[str], addresses: Mapping[str, str]) -> None:
        self._process = process
        self.url = addresses["url"]
        self.provider = addresses["provider"]
        self.ca_file = addresses["ca_file"]
        host, _, port = self.url.removeprefix("http://").partition(":")
        self.address = host, int(port)

    @property
    def memory_bytes(self) -> int:
        """The resident memory of the process."""
        for line in Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise LookupError("the system does not tell the resident memory")


@contextmanager
def hub_process(*, services: Mapping[str, str], loop: str = "uvloop", **limits: float) -> Iterator[HubProcess]:
    """Runs a plain-HTTP hub until the block is left."""
    settings = json.dumps({"services": dict(services), "loop": loop, "limits": limits})
    command = [sys.executable, __file__]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(settings + "\n")
            process.stdin.flush()
            yield HubProcess(process, json.loads(process.stdout.readline()))
            process.stdin.close()
            assert process.wait(DEADLINE_S) == 0
        finally:
            process.kill()


def main() -> None:
    """Runs a hub by the settings on the first line of the input, until the input ends."""
    from mockserver import MockHub, runner

    settings: dict[str, Any] = json.loads(sys.stdin.readline())
    if settings["loop"] == "asyncio":
        runner._new_event_loop = asyncio.new_event_loop
    with MockHub(settings["services"], tls=False, limits=settings["limits"]) as hub:
        sys.stdout.write(json.dumps({"url": hub.url, "provider": hub.provider, "ca_file": hub.ca_file}) + "\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
