"""A program in a process of its own, and what it takes of the machine, its children included."""

from __future__ import annotations

import socket
import ssl
import subprocess
import sys
import tempfile
from contextlib import closing, contextmanager, suppress
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from time import perf_counter, sleep
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

START_S: Final = 60.0
"""How long a program may take until it answers. Unit: seconds."""
STOP_S: Final = 10.0
"""How long a program may take to end when it is asked to. Unit: seconds."""
LOOK_S: Final = 0.002
"""How often a program that starts is asked whether it answers. Unit: seconds."""


class Process:
    """A running program with all that it started."""

    def __init__(self, pid: int) -> None:
        self._top = psutil.Process(pid)

    @property
    def cpu_s(self) -> float:
        """The processor time that it took so far, the system's on its behalf included."""
        return float(sum(times.user + times.system for times in self._ask("cpu_times")))

    @property
    def memory_bytes(self) -> int:
        """The resident memory."""
        return sum(memory.rss for memory in self._ask("memory_info"))

    @property
    def files(self) -> int:
        """How many file descriptors are open."""
        return sum(self._ask("num_fds"))

    def _ask(self, what: str) -> list[Any]:
        answers: list[Any] = []
        for process in (self._top, *self._top.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):  # a child may end at any time
                answers.append(getattr(process, what)())
        return answers


class Server(Process):
    """A program that answers HTTP."""

    def __init__(self, pid: int, url: str, first_answer_s: float) -> None:
        super().__init__(pid)
        self.url = url
        self.first_answer_s = first_answer_s
        """From its start to its first answer."""


def free_port() -> int:
    """A port of loopback that is free now; programs that take none from the system have to be told one."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


@contextmanager
def program(command: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
    """Runs a program until the block is left; what it says on its error output is told when the block fails."""
    with tempfile.TemporaryFile("w+") as said:
        running = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
            start_new_session=True,
        )
        try:
            yield running
        except BaseException as error:
            said.seek(0)
            error.add_note(f"{' '.join(command)} said:\n{said.read()[-4000:]}")
            raise
        finally:
            _end(running)


@contextmanager
def server(command: Sequence[str], url: str, body: bytes) -> Iterator[Server]:
    """Runs a program and posts to it until it answers with status 200; ends it when the block is left."""
    began = perf_counter()
    with program(command) as running:
        while not _answers(url, body):
            if running.poll() is not None:
                raise ChildProcessError(f"{command[0]} ended with code {running.returncode} before it answered")
            if perf_counter() - began > START_S:
                raise TimeoutError(f"{command[0]} did not answer within {START_S:g} s")
            sleep(LOOK_S)
        yield Server(running.pid, url, perf_counter() - began)


def answer_of(url: str, body: bytes) -> tuple[int, bytes]:
    """The status and the body of one answer.

    Raises:
        OSError, HTTPException: none came.
    """
    parts = urlsplit(url)
    assert parts.hostname is not None
    if parts.scheme == "https":
        # It was started here; whom to trust is not what is measured.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection: HTTPConnection = HTTPSConnection(parts.hostname, parts.port, timeout=START_S, context=context)
    else:
        connection = HTTPConnection(parts.hostname, parts.port, timeout=START_S)
    with closing(connection):
        connection.request("POST", parts.path, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        return response.status, response.read()


def _answers(url: str, body: bytes) -> bool:
    try:
        return answer_of(url, body)[0] == 200
    except (OSError, HTTPException):
        return False


def _end(running: subprocess.Popen[str]) -> None:
    """Ends a program, its children, and theirs."""
    with suppress(psutil.NoSuchProcess):
        top = psutil.Process(running.pid)
        family = [top, *top.children(recursive=True)]
        top.terminate()
        _, alive = psutil.wait_procs(family, STOP_S)
        for process in alive:
            process.kill()
    running.wait(STOP_S)
    if running.stdout is not None:
        running.stdout.close()


PYTHON: Final = sys.executable
