"""A provider's connection to a hub: asyncio and TLS around the sans-IO `ProviderLink`.

Laws:

- This module moves bytes and keeps the time limits; what the bytes mean is the link's business.
- The certificate is verified before the login is written: the service key never travels to a stranger (NE-PROV-001).
- Reading never waits for answering: pings are seen, and a close is noticed, while a request is being answered.
- A connection that breaks is a close like any other; an error of the system leaves here as one of `neuroengine.errors`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from neuroengine._generated.machines import ProviderLinkState
from neuroengine._generated.registry import HUB_HOST, LOGIN_S, PROVIDER_PORT
from neuroengine.errors import ConfigurationError, ConnectionFailed, LinkLost, LoginRefused, TimedOut, TLSFailed
from neuroengine.log import PROVIDER_LOG
from neuroengine.protocol.frames import error_payload
from neuroengine.protocol.link import (
    PING_SILENCE_S,
    Closed,
    Event,
    ProviderLink,
    Refused,
    Request,
    UnreadableRequest,
    Violation,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Respond = Callable[[dict[str, Any]], Awaitable[bytes]]
    """Makes the payload of an answer from the members of a request; it does not raise."""

CONNECT_S: Final = 10.0
"""How long name, TCP and TLS may take together. Unit: seconds."""

REFUSAL_WORDS_S: Final = 0.5
"""How long the rest of a refusal is waited for once it has begun; it is only shown. Unit: seconds."""

CLOSE_S: Final = 0.2
"""How long a hub may take to answer TLS close-notify, a courtesy. Unit: seconds."""

READ_BYTES: Final = 65536
"""The most bytes taken at once: any frame of a usual hub."""


class Address(NamedTuple):
    """Where a hub listens for providers."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Address:
        """The address that `HOST:PORT` says; an IPv6 host stands in brackets.

        Raises:
            ConfigurationError: the text is no such address.
        """
        host, _, port = text.strip().rpartition(":")
        bracketed = host.startswith("[") and host.endswith("]")
        digits = port if port.isascii() and port.isdigit() else "0"
        if not host.strip("[]") or (":" in host and not bracketed) or not 0 < int(digits[:6]) < 65536:
            raise ConfigurationError(f"{text!r} is no provider address; write HOST:PORT, for example localhost:4444")
        return cls(host.strip("[]"), int(port))

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def provider_address(text: str | None = None) -> Address:
    """Where to log in: the argument `HOST:PORT`, NEUROENGINE_PROVIDER, or the published hub.

    Raises:
        ConfigurationError: it is no such address.
    """
    given = text if text is not None else os.environ.get("NEUROENGINE_PROVIDER")
    return Address.parse(given) if given else Address(HUB_HOST, PROVIDER_PORT)


class LinkConnection:
    """One connection to a hub's provider port. `open` makes one; `log_in` and then `serve` use it; `close` ends it."""

    def __init__(
        self, address: Address, link: ProviderLink, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.address = address
        self.link = link
        self._reader = reader
        self._writer = writer
        self._conversation: _Conversation | None = None

    @classmethod
    async def open(cls, address: Address, context: ssl.SSLContext, link: ProviderLink) -> LinkConnection:
        """Connects and agrees on TLS, for a fresh `link`.

        Raises:
            ConnectionFailed: the hub could not be reached; `TimedOut` when that took longer than `CONNECT_S`,
                `TLSFailed` when its certificate is not trusted or the port does not speak TLS.
            ConfigurationError: the host cannot be a name.
        """
        try:
            async with asyncio.timeout(CONNECT_S):
                reader, writer = await asyncio.open_connection(
                    address.host,
                    address.port,
                    ssl=context,
                    ssl_handshake_timeout=CONNECT_S,
                    ssl_shutdown_timeout=CLOSE_S,
                )
        except (OSError, UnicodeError) as error:
            raise _not_connected(error, address) from error
        return cls(address, link, reader, writer)

    async def log_in(self) -> None:
        """Logs in.

        Raises:
            LoginRefused: the hub answered anything but `OK`, or closed.
            TimedOut: no answer came within the limit `login_s`.
        """
        await self.send(self.link.login())
        try:
            async with asyncio.timeout(LOGIN_S) as limit:
                while self.link.state is ProviderLinkState.LOGGING_IN:
                    self.link.receive(await self.receive())
                    if self.link.refusing:
                        limit.reschedule(asyncio.get_running_loop().time() + REFUSAL_WORDS_S)
        except TimeoutError:
            if not self.link.refusing:
                late = f"{self.address} did not answer the login within {LOGIN_S} s"
                raise TimedOut(late, request_sent=True) from None
            self.link.receive(b"")
        outcome = self.link.next_event()
        if isinstance(outcome, Refused):
            raise LoginRefused(self.link.service, outcome.text)

    async def serve(self, respond: Respond) -> None:
        """Answers every request with the payload that `respond` makes of it, until the link is over.

        `respond` is cancelled when the link is lost: nobody waits for its answer any more.

        Raises:
            LinkLost: always in the end; it says why.
        """
        try:
            async with asyncio.timeout(PING_SILENCE_S) as silence, asyncio.TaskGroup() as tasks:
                self._conversation = _Conversation(self, respond, tasks, silence)
                end = await self._conversation.hold()
        except TimeoutError:
            end = f"sent nothing for {PING_SILENCE_S} s"
        raise LinkLost(f"{self.address} {end}")

    async def finish(self) -> None:
        """Lets the running answer go out, takes no further request, and closes; `serve` ends as after any close."""
        if self._conversation is not None:
            await self._conversation.finish()
        await self.close()

    async def receive(self) -> bytes:
        """The next bytes from the hub, `b""` when it closed, also without TLS close-notify or by a reset."""
        try:
            return await self._reader.read(READ_BYTES)
        except OSError as error:
            PROVIDER_LOG.debug("the connection to %s broke: %s", self.address, error)
            return b""

    async def send(self, data: bytes) -> None:
        """Sends bytes in one write. That the connection broke is left to `receive` to find."""
        try:
            self._writer.write(data)
            await self._writer.drain()
        except OSError as error:
            PROVIDER_LOG.debug("the connection to %s broke: %s", self.address, error)

    async def close(self) -> None:
        """Closes the connection; waits no longer than `CLOSE_S`."""
        self._writer.close()
        try:
            with contextlib.suppress(OSError):
                await self._writer.wait_closed()
        except asyncio.CancelledError:
            self._writer.transport.abort()
            raise


class _Conversation:
    """One run of `serve`: frames come in, answers go out, side by side."""

    def __init__(
        self, connection: LinkConnection, respond: Respond, tasks: asyncio.TaskGroup, silence: asyncio.Timeout
    ) -> None:
        self._connection = connection
        self._link = connection.link
        self._respond = respond
        self._tasks = tasks
        self._silence = silence
        self._answering: set[asyncio.Task[None]] = set()
        """Answers on their way: one that is made, and perhaps one that its hub is slow to take."""
        self._finishing = False

    async def finish(self) -> None:
        """Begins no further answer, and returns when the running one is out or the link is lost."""
        self._finishing = True
        if self._answering:
            await asyncio.wait(self._answering)

    async def hold(self) -> str:
        """Keeps it up until the link is over; says what the hub did to end it."""
        while (end := self._handle_events()) is None:
            self._link.receive(await self._connection.receive())
        for answer in self._answering:
            answer.cancel()
        return end

    def _handle_events(self) -> str | None:
        """Does what happened asks for; returns what ended the link, once something did."""
        while (event := self._link.next_event()) is not None:
            if isinstance(event, Request | UnreadableRequest):
                if self._finishing:  # the hub sees the close, and asks the provider that comes next
                    continue
                answer = self._tasks.create_task(self._answer(event))
                self._answering.add(answer)
                answer.add_done_callback(self._answering.discard)
            elif (end := _end(event)) is not None:
                return end
        # A hub need not ping while it waits for an answer, and the oldest providers could not read it then.
        waits_for_hub = self._link.state is not ProviderLinkState.ANSWERING
        self._silence.reschedule(asyncio.get_running_loop().time() + PING_SILENCE_S if waits_for_hub else None)
        return None

    async def _answer(self, request: Request | UnreadableRequest) -> None:
        if isinstance(request, Request):
            payload = await self._respond(request.members)
        else:
            PROVIDER_LOG.error("%s sent a request that cannot be read: %s", self._connection.address, request.reason)
            payload = error_payload("The provider could not read the request.")
        answer = self._link.answer(payload)
        self._handle_events()  # a request that came too early is now due
        await self._connection.send(answer)


def _end(event: Event) -> str | None:
    """What the hub did, when the event ends the link."""
    if isinstance(event, Violation):
        return f"broke the framing: {event.reason}"
    if isinstance(event, Closed):
        return "closed the link inside a frame" if event.mid_frame else "closed the link"
    return None


def _not_connected(error: OSError | UnicodeError, address: Address) -> ConnectionFailed | ConfigurationError:
    """Our error for one of the system's."""
    if isinstance(error, UnicodeError):
        return ConfigurationError(f"{address.host!r} cannot be the name of a host")
    if isinstance(error, TimeoutError):
        return TimedOut(f"{address} did not accept a connection within {CONNECT_S:g} s", request_sent=False)
    reason = str(error) or type(error).__name__
    if isinstance(error, ssl.SSLError):
        return TLSFailed(
            f"no trusted TLS connection to {address} ({reason}); if the hub has its own authority, name that file "
            "(ca_file or SSL_CERT_FILE), and check that this is the provider port",
            request_sent=False,
            retryable=False,
        )
    return ConnectionFailed(
        f"{address} cannot be reached ({reason}); check the address (NEUROENGINE_PROVIDER) and that the hub runs",
        request_sent=False,
    )
