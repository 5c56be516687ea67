"""A service's presence at a hub: one link after another, from the first login until the provider leaves.

The spec's table `provider_stay` says what may happen when; a `Watcher` is told of each step.

Laws: a service key is never logged or shown; a watcher can break nothing.
"""

from __future__ import annotations

import asyncio
import random
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from neuroengine._generated.machines import PROVIDER_STAY, PROVIDER_STAY_INITIAL, ProviderStayEvent, ProviderStayState
from neuroengine.errors import LoginRefused, NeuroengineError
from neuroengine.log import PROVIDER_LOG
from neuroengine.protocol.link import ProviderLink
from neuroengine.protocol.machine import Machine
from neuroengine.protocol.retry import Retry
from neuroengine.transport.link import LinkConnection

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable

    from neuroengine.answering import Answering
    from neuroengine.transport.link import Address

    Watcher: TypeAlias = Callable[["StateChange"], None]
    """Is told of each change of state. It is called on the event loop, so it must not block."""

ProviderState = ProviderStayState

RECONNECT: Final = Retry(tries=sys.maxsize, first_wait_s=8.0, longest_wait_s=8.0, jitter=1.0, steady=True)
"""How a provider comes back (NE-PROV-015): for ever, and each at its own place within the span, so that the providers
of a hub that restarts come neither in one burst nor late."""


@dataclass(frozen=True, slots=True)
class StateChange:
    """A step in a service's stay at its hub.

    Attributes:
        service: the service's name.
        state: the new state.
        reason: what went wrong, where something did; None otherwise.
        wait_s: the pause before the next login, in seconds, where there is one.
    """

    service: str
    state: ProviderState
    reason: NeuroengineError | None = None
    wait_s: float | None = None


@dataclass(frozen=True, slots=True)
class Comeback:
    """When and how a lost link is made again.

    Attributes:
        retry: the pauses.
        persistent: come back also after a refused login or an untrusted certificate, instead of raising.
        chance: draws a number from 0 to 1.
        sleep: waits, in seconds.
    """

    retry: Retry = RECONNECT
    persistent: bool = False
    chance: Callable[[], float] = random.random
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


class Presence:
    """One service of a provider.

    Args:
        service, key: the service's name and key.
        address: the hub's provider port.
        answering: makes the answers.
        streaming: ask the hub to forward every poll of a stream.
        comeback: when a lost link is made again.
        watcher: is told of each change of state.
    """

    def __init__(
        self,
        service: str,
        key: str,
        address: Address,
        answering: Answering,
        *,
        streaming: bool = False,
        comeback: Comeback | None = None,
        watcher: Watcher | None = None,
    ) -> None:
        self.service = service
        self._key = key
        self._address = address
        self._answering = answering
        self._streaming = streaming
        self._comeback = comeback or Comeback()
        self._watcher = watcher
        self._connection: LinkConnection | None = None
        self._was_accepted = False
        self._staying: asyncio.Task[Any] | None = None
        self._machine = Machine(PROVIDER_STAY, PROVIDER_STAY_INITIAL)

    @property
    def state(self) -> ProviderState:
        """Where the stay is in the spec's table."""
        return self._machine.state

    @property
    def _is_leaving(self) -> bool:
        return self.state is ProviderState.LEAVING

    async def connect(self, context: ssl.SSLContext) -> None:
        """Connects and logs in, once.

        Raises:
            LoginRefused: the hub does not take the service's name or key.
            ConnectionFailed: the hub could not be reached or trusted.
            ConfigurationError: the host cannot be a name.
        """
        self._tell()
        try:
            await self._log_in(context)
        except NeuroengineError as error:
            self._fire(ProviderStayEvent.GONE, error)
            raise

    async def stay(self, context: ssl.SSLContext) -> None:
        """Serves one link after another, beginning with the one that `connect` made, until it is cancelled.

        Raises:
            NeuroengineError: trying again would not help, or no tries are left.
        """
        if self.state is ProviderState.CONNECTING:
            self._tell()
        self._staying = asyncio.current_task()
        failures = 0
        try:
            while not self._is_leaving:
                try:
                    connection = self._connection or await self._log_in(context)
                    failures = 0
                    await connection.serve(self._respond)
                except NeuroengineError as error:
                    if not self._is_leaving:
                        failures += 1
                        self._answering.close()  # its hub has ended the streams that it began
                        await self._disconnect()
                        await self._pause(error, failures)
        except asyncio.CancelledError:
            if not self._is_leaving:
                raise
        finally:
            self._answering.close()
            await self._disconnect()
            if self.state is not ProviderState.LEFT:
                self._fire(ProviderStayEvent.GONE)

    async def leave(self) -> None:
        """Takes no new request, and returns when the answers and streams that were begun are out."""
        if self.state in {ProviderState.LEFT, ProviderState.LEAVING}:
            return
        self._fire(ProviderStayEvent.LEAVE)
        if self._connection is not None:
            await self._answering.finish_streams()
            if self._connection is not None:  # the link may be lost or closed meanwhile
                await self._connection.finish()
        elif self._staying is not None:
            self._staying.cancel()

    async def close(self) -> None:
        """Gives up the link that `connect` made and `stay` did not take."""
        self._answering.close()
        await self._disconnect()

    async def _log_in(self, context: ssl.SSLContext) -> LinkConnection:
        """A new link, logged in."""
        link = ProviderLink(self.service, self._key, streaming=self._streaming)
        connection = await LinkConnection.open(self._address, context, link)
        try:
            await connection.log_in()
        except BaseException as error:
            await connection.close()
            if isinstance(error, LoginRefused):
                error.hide(self._key or "\0")
            raise
        self._connection = connection
        self._was_accepted = True
        PROVIDER_LOG.info("logged in to %s for %s", self._address, self.service)
        self._fire(ProviderStayEvent.ACCEPTED)
        return connection

    async def _respond(self, members: dict[str, Any]) -> bytes:
        self._fire(ProviderStayEvent.REQUEST)
        payload = await self._answering.respond(members)
        self._fire(ProviderStayEvent.ANSWERED)
        return payload

    async def _pause(self, error: NeuroengineError, failures: int) -> None:
        """Waits for the next try.

        Raises:
            NeuroengineError: the given error, when there is none.
        """
        comeback = self._comeback
        wait_s = comeback.retry.wait_s(failures, None, comeback.chance()) if self._may_return(error) else None
        if wait_s is None:
            self._fire(ProviderStayEvent.GONE, error)
            raise error
        PROVIDER_LOG.warning("%s; next login in %.1f s", error, wait_s)
        self._fire(ProviderStayEvent.LOST, error, wait_s)
        await comeback.sleep(wait_s)
        self._fire(ProviderStayEvent.RETRY)

    def _may_return(self, error: NeuroengineError) -> bool:
        """Whether to connect again."""
        # A hub that stops may close on a login without a word: that says nothing against a key that it took before.
        closed_on = isinstance(error, LoginRefused) and not error.text and self._was_accepted
        return self._comeback.persistent or error.retryable or closed_on

    def _fire(
        self, event: ProviderStayEvent, reason: NeuroengineError | None = None, wait_s: float | None = None
    ) -> None:
        before = self.state
        if self._machine.fire(event) is not before:
            self._tell(reason, wait_s)

    def _tell(self, reason: NeuroengineError | None = None, wait_s: float | None = None) -> None:
        if self._watcher is None:
            return
        try:
            self._watcher(StateChange(self.service, self.state, reason, wait_s))
        except Exception:  # noqa: BLE001 - a watcher may raise anything, and the stay goes on
            PROVIDER_LOG.exception("on_state raised")

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()
