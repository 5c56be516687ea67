"""Imports and starts: what a program pays before its first line of work, in processor time of a fresh process."""

from __future__ import annotations

import json
import os
import tempfile
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Final

from benchmarks.measure import Cost, at_most, ratios, row, take_turns
from benchmarks.peers import KEY, SERVICE
from benchmarks.process import PYTHON
from mockserver import MockHub

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from benchmarks.measure import Effort, Row

ASYNCIO: Final = "import asyncio"
HTTPX: Final = "import httpx"
NOTHING: Final = "python -c pass"

_ASK_BY_HTTPX: Final = (
    "import httpx; c = httpx.Client(); "
    "print(c.post(__import__('os').environ['NEUROENGINE_URL'] + '/MYGPT', json={'message': 'hi'}).json()['reply'])"
)
_ASK_BY_US: Final = "from neuroengine import Client; print(Client('MYGPT').generate('hi'))"


def measure(effort: Effort) -> Iterator[Row]:
    """Imports, the command line, first requests; and a hub that is started in a running process."""
    with MockHub({SERVICE: KEY}, tls=False) as hub:
        hub.on().reply("Hello.")
        environment = os.environ | {"NEUROENGINE_URL": hub.url, "NEUROENGINE_SERVICE": SERVICE}
        turns = {name: partial(_run, command, environment) for name, command in _commands().items()}
        take_turns(turns, 1)  # from now on their bytecode is there
        costs = take_turns(turns, effort.of(9, 1))
    cpu_s = {name: [one.cpu_s for one in found] for name, found in costs.items()}
    for name in (NOTHING, ASYNCIO, HTTPX):
        yield row(name, [seconds * 1000 for seconds in cpu_s[name]], "ms of processor time")
    for name, against, limit in (
        ("import neuroengine", ASYNCIO, 1.2),
        ("import mockserver", ASYNCIO, None),
        ("import openai", HTTPX, None),
        ("a first request by httpx", HTTPX, None),
        ("a first request by neuroengine.Client", HTTPX, 1.2),
        ("neuroengine --help", ASYNCIO, None),
        ("neuroengine ask", "a first request by httpx", None),
        ("neuroengine mock --check", "import openai", None),
    ):
        goal = None if limit is None else at_most(limit)
        yield row(name, ratios(cpu_s[name], cpu_s[against]), "x", against=against, goal=goal)
    yield from _start_in_process(effort)


def _commands() -> Mapping[str, list[str]]:
    def code(text: str) -> list[str]:
        return [PYTHON, "-c", text]

    program = str(Path(PYTHON).with_name("neuroengine"))
    return {
        NOTHING: code("pass"),
        ASYNCIO: code(ASYNCIO),
        HTTPX: code(HTTPX),
        "import openai": code("import openai"),
        "import neuroengine": code("import neuroengine"),
        "import mockserver": code("import mockserver"),
        "a first request by httpx": code(_ASK_BY_HTTPX),
        "a first request by neuroengine.Client": code(_ASK_BY_US),
        "neuroengine --help": [program, "--help"],
        "neuroengine ask": [program, "ask", "hi"],
        "neuroengine mock --check": [program, "mock", "--check"],
    }


def _run(command: list[str], environment: Mapping[str, str]) -> Cost:
    """What one run of a program took; of the system's resources it alone is counted."""
    began = perf_counter()
    with tempfile.TemporaryFile() as said:
        actions = [(os.POSIX_SPAWN_DUP2, said.fileno(), 1), (os.POSIX_SPAWN_DUP2, said.fileno(), 2)]
        pid = os.posix_spawn(command[0], command, environment, file_actions=actions)
        _, status, used = os.wait4(pid, 0)
        if os.waitstatus_to_exitcode(status):
            said.seek(0)
            raise ChildProcessError(f"{' '.join(command)} failed:\n{said.read().decode()}")
    return Cost(perf_counter() - began, used.ru_utime + used.ru_stime)


def _start_in_process(effort: Effort) -> Iterator[Row]:
    """From `MockHub(...)` to its first answer, in a process that has started one before."""
    import httpx  # here, because what is measured above must not profit from it

    with httpx.Client(verify=False) as client:  # noqa: S501 - it asks by plain HTTP

        def start() -> float:
            began = perf_counter()
            with MockHub({SERVICE: KEY}, tls=False) as hub:
                client.post(f"{hub.url}/{SERVICE}", content=json.dumps({"command": "getmodels"})).raise_for_status()
                return (perf_counter() - began) * 1000

        start()
        starts = [start() for _ in range(effort.of(21, 2))]
    yield row("a hub in a running process: start to first answer", starts, "ms", goal=at_most(20))
