"""The backend that runs a program for every request.

Laws:

- No shell: the command is split into words as a shell would split it, and nothing in a prompt is ever one of them. The
  prompt is what the program reads on its standard input, as UTF-8.
- The program runs in a session of its own, so that Ctrl-C at the provider does not reach it; when its answer is given
  up, it and all that it started in that session are killed.
- What it writes to its standard error goes to the log, never to a client.
"""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import logging
import os
import shlex
import shutil
import signal
import sys
from typing import TYPE_CHECKING, Final

from neuroengine._generated.registry import PROVIDER_ANSWER_S, PROVIDER_PAYLOAD_BYTES
from neuroengine.errors import ConfigurationError, ProviderFailure

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncGenerator, AsyncIterator, Mapping

    from neuroengine.protocol.jobs import Request

_LOG: Final = logging.getLogger("neuroengine.backends")

_READ_BYTES: Final = 65536
_STDERR_BYTES: Final = 4096
"""How much of a program's complaints the log gets: the end, where the reason stands."""
_LAST_WORDS_S: Final = 1.0
"""How long the rest of them, and the end of a killed program, is waited for. Unit: seconds."""
SECRETS: Final = ("NEUROENGINE_SERVICE_KEY", "NEUROENGINE_KEY")
"""The variables that a program does not inherit."""


class Command:
    """Answers with what a program writes to its standard output, as it comes.

    The program finds the sampling fields in its environment: NEUROENGINE_TEMPERATURE, NEUROENGINE_TOP_P,
    NEUROENGINE_TOP_K, NEUROENGINE_MIN_P, NEUROENGINE_REPETITION_PENALTY, NEUROENGINE_MAX_NEW_LEN, NEUROENGINE_SEED
    and NEUROENGINE_RAW ("True" or "False"); it is on its honour to keep to them. Its reply is UTF-8; one line end at
    its end is left out. An exit code other than 0 is an error.

    Args:
        command: the program and its arguments, with a shell's quotes.
        timeout: how long it may write nothing, in seconds.

    Raises:
        ConfigurationError: the command cannot be split, or there is no such program.
    """

    def __init__(self, command: str, *, timeout: float = PROVIDER_ANSWER_S) -> None:
        try:
            words = shlex.split(command)
        except ValueError as error:
            raise ConfigurationError(f"the command {command!r} cannot be split into words: {error}") from None
        program = shutil.which(words[0]) if words else None
        if program is None:
            name = words[0] if words else command
            raise ConfigurationError(
                f"there is no program {name!r} that can be run; check the name, PATH, and that the file may be executed"
            )
        self._words = [program, *words[1:]]
        self._timeout = timeout

    async def __call__(self, request: Request) -> AsyncIterator[str]:
        """The reply's text, piece by piece.

        Raises:
            ProviderFailure: the program could not be run, failed, fell silent or wrote too much.
        """
        if request.sampling["max_new_len"] == 0:  # NE-REQ-034
            return
        child = await self._started(request)
        complaints, level = bytearray(), logging.WARNING
        helpers = [
            asyncio.create_task(_feed(child, request.message)),
            asyncio.create_task(_collect(child, complaints)),
        ]
        try:
            async with contextlib.aclosing(self._reply(child)) as texts:
                async for text in texts:
                    yield text
            async with asyncio.timeout(self._timeout):
                await child.wait()
            if child.returncode:
                raise _failed(f"ended with exit code {child.returncode}", "The program that answers here failed.")
            level = logging.INFO
        except TimeoutError:
            late = f"wrote nothing for {self._timeout:g} s"
            raise _failed(late, "The program that answers here took too long.") from None
        finally:
            try:
                await _end(child)
                await asyncio.wait(helpers, timeout=_LAST_WORDS_S)
            finally:
                for helper in helpers:
                    helper.cancel()
            if complaints:
                _LOG.log(level, "the program wrote to its standard error: %s", _excerpt(complaints))

    async def _started(self, request: Request) -> Process:
        """The program, running."""
        pipe = asyncio.subprocess.PIPE
        try:
            return await asyncio.create_subprocess_exec(
                *self._words, stdin=pipe, stdout=pipe, stderr=pipe, env=environment(request), start_new_session=True
            )
        except OSError as error:
            raise _failed(f"could not be run: {error}", "The program that answers here could not be run.") from None

    async def _reply(self, child: Process) -> AsyncGenerator[str, None]:
        """What the program writes, in whole characters, without one line end at its end."""
        output = child.stdout
        assert output is not None  # noqa: S101 - asked for above
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        held, length = "", 0
        while True:
            async with asyncio.timeout(self._timeout):
                data = await output.read(_READ_BYTES)
            text = held + decoder.decode(data, final=not data)
            if not data:
                text, held = text.removesuffix("\n").removesuffix("\r"), ""
            else:
                held = text[len(text.rstrip("\r\n")) :]
                text = text.removesuffix(held)
            length += len(text)
            if length + len(held) > PROVIDER_PAYLOAD_BYTES:
                too_much = f"wrote more than {PROVIDER_PAYLOAD_BYTES} bytes, the most that a hub takes"
                raise _failed(too_much, "The reply is too long.")
            if text:
                yield text
            if not data:
                return


def environment(request: Request) -> Mapping[str, str]:
    """The environment of the program that answers a request: ours without the secrets, and the sampling fields."""
    inherited = {name: value for name, value in os.environ.items() if name not in SECRETS}
    return inherited | {f"NEUROENGINE_{name.upper()}": str(value) for name, value in request.sampling.items()}


async def _feed(child: Process, prompt: str) -> None:
    """Gives the program its prompt; one that does not read it to the end may do so."""
    assert child.stdin is not None  # noqa: S101 - asked for above
    with contextlib.suppress(OSError):
        child.stdin.write(prompt.encode("utf-8", "replace"))
        await child.stdin.drain()
    child.stdin.close()
    with contextlib.suppress(OSError):
        await child.stdin.wait_closed()


async def _collect(child: Process, complaints: bytearray) -> None:
    """Reads what the program writes to its standard error, and keeps the end of it."""
    assert child.stderr is not None  # noqa: S101 - asked for above
    while data := await child.stderr.read(_READ_BYTES):
        complaints += data
        del complaints[:-_STDERR_BYTES]


async def _end(child: Process) -> None:
    """Kills a program that still runs, or that left others behind to write its reply, with all of its session."""
    assert child.stdout is not None  # noqa: S101 - asked for above
    if child.returncode is None or not child.stdout.at_eof():
        with contextlib.suppress(ProcessLookupError):
            if sys.platform == "win32":
                child.kill()
            else:
                os.killpg(child.pid, signal.SIGKILL)
        with contextlib.suppress(TimeoutError):  # whatever left its session may still hold its pipes
            async with asyncio.timeout(_LAST_WORDS_S):
                while await child.stdout.read(_READ_BYTES):
                    pass  # nobody wants it; a pipe that is not read to its end is not closed either
                await child.wait()


def _failed(reason: str, sentence: str) -> ProviderFailure:
    """The error for the client; the reason goes to the log."""
    _LOG.warning("the program %s", reason)
    return ProviderFailure(sentence)


def _excerpt(complaints: bytearray) -> str:
    return repr(complaints.decode("utf-8", "replace").strip())
