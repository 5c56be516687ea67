"""`neuroengine serve`: shares an LLM under a service's name until Ctrl-C or SIGTERM.

Exit codes: 0 stopped; 1 the hub refused the service's name or key; 2 wrong usage, or a backend that cannot answer;
3 the hub cannot be trusted; 130 stopped at once, by a second Ctrl-C or SIGTERM.
"""

from __future__ import annotations

import json
import logging
import signal
import sys
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING, Any, Final

import click

from neuroengine._generated.registry import PROVIDER_ANSWER_S
from neuroengine.backends import FORMS, Checked, backend
from neuroengine.cli.console import EXIT_HUB_ERROR, check_seconds, check_trust, exit_codes, fail, one_line, plain, write
from neuroengine.cli.keys import KEY_VARIABLE, key_from_file, service_key
from neuroengine.errors import LoginRefused

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterator

    from neuroengine.answering.callback import Answer
    from neuroengine.presence import StateChange
    from neuroengine.protocol.jobs import Request
    from neuroengine.provider import AsyncProvider
    from neuroengine.transport.link import Address

STOPPED_AT_ONCE: Final = 130
"""The exit code after a second Ctrl-C, the one that shells know it by."""

_FORMS: Final = "\n".join(f"  {form:<24}{meaning}" for form, meaning in FORMS.items())
_HELP: Final = f"""Share an LLM as SERVICE, until Ctrl-C.

Logs in to the hub, answers each request by the BACKEND, and comes back by itself whenever the link is lost. The service
key comes from the hub's operator. Ctrl-C or SIGTERM lets the running answer end; a second one stops at once.

\b
Backends:
{_FORMS}

\b
Examples:
  export {KEY_VARIABLE}=...
  neuroengine serve MYGPT --backend openai:http://localhost:8000
  neuroengine serve MYGPT --backend openai:http://localhost:11434#llama3.2
  neuroengine serve MYGPT --backend "exec:./reply.sh --fast"
  neuroengine serve MYGPT --backend python:mybot:answer
  neuroengine serve MYGPT --backend echo --key-file key.txt

\b
A program of exec: is run without a shell, gets the prompt on its standard
input, writes the reply to its standard output, and finds the other fields in
its environment: NEUROENGINE_TEMPERATURE, NEUROENGINE_MAX_NEW_LEN and so on.

\b
Exit codes: 0 stopped; 1 the hub refused the name or the key; 2 wrong usage,
or a backend that cannot answer; 3 the hub cannot be trusted; 130 stopped at
once.
"""


@click.command(name="serve", help=_HELP)
@click.argument("service")
@click.option("--backend", "spec", required=True, metavar="BACKEND", help="What answers; the forms of it stand above.")
@click.option(
    "--key", metavar="KEY", help="The service key. Every user of this machine can read it in the list of processes."
)
@click.option("--key-file", metavar="FILE", help=f"A file that holds it, or - for standard input; else {KEY_VARIABLE}.")
@click.option(
    "--address", metavar="HOST:PORT", help="The hub's provider port; else NEUROENGINE_PROVIDER, or the published hub."
)
@click.option("--ca-file", metavar="PEM", help="A file of the authorities to trust; else SSL_CERT_FILE.")
@click.option("--insecure", is_flag=True, help="Do not check the hub's certificate.")
@click.option(
    "--streaming/--no-streaming",
    default=True,
    show_default=True,
    help="Let clients see a reply while it is made, where the hub can do that.",
)
@click.option(
    "--parallel",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    metavar="N",
    help="How many replies the backend makes at the same time.",
)
@click.option(
    "--backend-key-file",
    metavar="FILE",
    help="A file that holds the API key of an openai: backend; else OPENAI_API_KEY.",
)
@click.option(
    "--backend-timeout",
    type=float,
    default=PROVIDER_ANSWER_S,
    show_default=True,
    metavar="SECONDS",
    help="Give up a program or a server that says nothing for so long.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON for each change of state.")
def command(
    service: str,
    *,
    spec: str,
    key: str | None,
    key_file: str | None,
    backend_key_file: str | None,
    backend_timeout: float,
    ca_file: str | None,
    insecure: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Shares an LLM."""
    import asyncio

    from neuroengine.protocol.fields import check_service
    from neuroengine.transport.link import provider_address

    check_trust(ca_file, insecure=insecure)
    check_seconds(backend_timeout, "--backend-timeout")
    with exit_codes(), _log_on_stderr():
        offer = {"service": check_service(service), "key": service_key(key, key_file)}
        options["address"] = provider_address(options["address"])
        api_key = None if backend_key_file is None else key_from_file(backend_key_file, "--backend-key-file")
        answer = _Counted(backend(spec, key=api_key, timeout=backend_timeout))
        report = _Report(service, options["address"], answer, as_json=as_json)
        trust = {"ca_file": ca_file, "verify": not insecure}
        try:
            stopped_at_once = asyncio.run(_serve(spec, answer, report, **offer, **trust, **options))
        except LoginRefused as error:
            fail(one_line(str(error)), EXIT_HUB_ERROR)
    if stopped_at_once:
        raise SystemExit(STOPPED_AT_ONCE)


async def _serve(spec: str, answer: _Counted, report: _Report, **options: Any) -> bool:
    """Checks the backend and serves; returns whether it was stopped at once."""
    from neuroengine.provider import AsyncProvider

    report.checked(await answer.backend.check() if isinstance(answer.backend, Checked) else spec)
    return await _until_stopped(AsyncProvider(answer=answer, on_state=report.changed, **options))


async def _until_stopped(provider: AsyncProvider) -> bool:
    """Serves until the process is told to stop, or cannot go on; returns whether it was told twice."""
    import asyncio

    loop = asyncio.get_running_loop()
    serving = loop.create_task(provider.serve_forever())
    await asyncio.sleep(0)  # one round of the loop, and there is a stay that can be stopped
    endings: list[asyncio.Task[None]] = []

    def stop() -> None:
        ending = provider.close() if endings else provider.stop(PROVIDER_ANSWER_S)
        endings.append(loop.create_task(ending))

    with _on_interrupts(loop, stop):
        await serving
        await asyncio.gather(*endings)
    return len(endings) > 1


@contextmanager
def _on_interrupts(loop: asyncio.AbstractEventLoop, stop: Callable[[], None]) -> Iterator[None]:
    """Calls `stop` on the loop for each Ctrl-C or SIGTERM."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(number) for number in numbers]
    for number in numbers:
        if sys.platform == "win32":  # its loops cannot tell of signals, and are woken by them
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop))
        else:  # anything else may reach a loop only when it wakes up for another reason
            loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            if sys.platform != "win32":
                loop.remove_signal_handler(number)
            signal.signal(number, handler)


class _Counted:
    """A backend that counts how often it is asked: each reply once, however many polls fetch it."""

    def __init__(self, answer: Answer) -> None:
        self.backend = answer
        self.requests = 0
        self._numbers = count(1)

    def __call__(self, request: Request) -> Any:
        self.requests = next(self._numbers)  # in one step, since several threads may ask
        return self.backend(request)


class _Report:
    """Says on standard output what becomes of the service: a line for each step."""

    def __init__(self, service: str, address: Address, answer: _Counted, *, as_json: bool) -> None:
        self._service = service
        self._address = address
        self._answer = answer
        self._as_json = as_json
        self._is_logged_in = False

    def checked(self, words: str) -> None:
        """Tells that the backend can answer."""
        self._say(f"backend: {words}", state="checked", backend=words)

    def changed(self, change: StateChange) -> None:
        """Tells of a change of state; that a request comes or is answered is none of them."""
        state, reason = change.state.value, change.reason
        if state == "connecting":
            self._say(f"connecting to {self._address}", state=state)
        elif state == "ready" and not self._is_logged_in:
            self._say(f"logged in as {self._service}; Ctrl-C stops", state=state)
        elif state == "waiting":
            wait_s = round(change.wait_s or 0.0, 1)
            what = "lost" if self._is_logged_in else "not connected"
            self._say(f"{what}: {reason}; next try in {wait_s:g} s", state=state, reason=str(reason), wait_s=wait_s)
        elif state == "leaving":
            self._say("stopping when what was begun is answered; once more stops at once", state=state)
        elif state == "left":
            requests = self._answer.requests
            plural = "" if requests == 1 else "s"
            why = {} if reason is None else {"reason": str(reason)}
            self._say(f"stopped after {requests} request{plural}", state=state, requests=requests, **why)
        self._is_logged_in = state in {"ready", "answering"}

    def _say(self, words: str, **members: Any) -> None:
        if self._as_json:
            write(json.dumps({"service": self._service, "address": str(self._address), **members}) + "\n")
        else:
            write(f"{one_line(words)}\n")


@contextmanager
def _log_on_stderr() -> Iterator[None]:
    """Shows the library's log while the command runs, but for lost links: they stand on standard output."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Plain())
    handler.addFilter(lambda record: record.module != "presence" or record.levelno > logging.WARNING)
    logger = logging.getLogger("neuroengine")
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


class _Plain(logging.Formatter):
    """Log lines as the commands' other messages look."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, with a traceback below it where there is one."""
        return plain(f"{record.levelname.capitalize()}: {super().format(record)}")
