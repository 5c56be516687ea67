"""What a provider offers, and its stay at the hub with all of it.

An `Offering` lists services; a `Stay` is one run of them, from the first login until all have left. Both providers are
thin shells over these two.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from neuroengine.answering import Answering
from neuroengine.answering.callback import payload_of_result
from neuroengine.errors import ConfigurationError
from neuroengine.presence import RECONNECT, Comeback, Presence
from neuroengine.transport.link import Address, provider_address
from neuroengine.transport.threads import Worker
from neuroengine.transport.trust import ssl_context

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable, Sequence

    from neuroengine.answering.callback import Answer
    from neuroengine.presence import Watcher
    from neuroengine.protocol.retry import Retry

    Callback = TypeVar("Callback", bound=Answer)


class Stay:
    """One stay of services at their hub.

    Args:
        presences: the services.
        worker: runs the callbacks that block; whoever owns the stay gives it threads.
        threads: how many threads it has work for.
        context: whom to trust.
    """

    def __init__(self, presences: Sequence[Presence], worker: Worker, threads: int, context: ssl.SSLContext) -> None:
        self.worker = worker
        self.threads = threads
        self._presences = presences
        self._context = context
        self._serving: asyncio.Task[None] | None = None
        self._closing = False

    async def connect(self) -> None:
        """Logs every service in, once.

        Raises:
            LoginRefused: the hub does not take a service's name or key.
            ConnectionFailed: the hub could not be reached or trusted.
        """
        try:
            for presence in self._presences:
                await presence.connect(self._context)
        except BaseException:
            await self.close()
            raise

    async def serve(self) -> None:
        """Serves until `stop` or `close`, and then gives the worker's threads back.

        Raises:
            NeuroengineError: what ended a service for good; the others leave with it.
        """
        try:
            if not self._closing:  # a signal may come before the first step
                self._serving = asyncio.create_task(self._serve_all())
                await self._serving
        except asyncio.CancelledError:
            if not self._closing:
                raise
        finally:
            self.worker.stop(self.threads)

    async def stop(self, within_s: float) -> None:
        """Finishes the answers and streams that were begun, takes nothing new, and leaves within `within_s` seconds."""
        if self._serving is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(within_s):
                    await asyncio.gather(*(presence.leave() for presence in self._presences))
                    await asyncio.wait((self._serving,))
        await self.close()

    async def close(self) -> None:
        """Leaves at once; answers that are being made are given up."""
        self._closing = True
        if self._serving is not None:
            self._serving.cancel()
            await asyncio.wait((self._serving,))
        for presence in self._presences:
            await presence.close()

    async def _serve_all(self) -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                for presence in self._presences:
                    tasks.create_task(presence.stay(self._context))
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from None


@dataclass(frozen=True, slots=True)
class _Offer:
    """One service that a provider has to offer."""

    service: str
    key: str
    answer: Answer
    streaming: bool
    parallel: int

    def __repr__(self) -> str:
        return f"_Offer({self.service!r})"


class Offering:
    """What a provider offers and where; the base of `AsyncProvider` and `Provider`, whose arguments it explains.

    Args:
        service, key, answer, streaming, parallel: the first service, see `add`; more may be added.
        address: the hub's provider port as `HOST:PORT`; otherwise NEUROENGINE_PROVIDER, or the published hub.
        verify, ca_file: whom to trust, see `transport.trust`.
        reconnect: when to connect again.
        persistent: come back also after a refused login or an untrusted certificate, instead of raising.
        on_state: is told of each step of each service, a `StateChange`, on the event loop; it must not block.
        payload: writes what a callback returned; it raises `NotAnAnswer` where it cannot.
        chance: draws a number from 0 to 1, for the pauses between logins.
        sleep: waits, in seconds.

    Raises:
        ConfigurationError: the address is none, or of service, key and answer only some are given.
    """

    def __init__(
        self,
        service: str | None = None,
        key: str | None = None,
        answer: Answer | None = None,
        *,
        streaming: bool = False,
        parallel: int = 1,
        address: str | Address | None = None,
        verify: bool = True,
        ca_file: str | None = None,
        reconnect: Retry = RECONNECT,
        persistent: bool = False,
        on_state: Watcher | None = None,
        payload: Callable[[Any], bytes] = payload_of_result,
        chance: Callable[[], float] = random.random,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.address = address if isinstance(address, Address) else provider_address(address)
        self._trust = (verify, ca_file)
        self._comeback = Comeback(reconnect, persistent, chance, sleep)
        self._on_state = on_state
        self._payload = payload
        self._context: ssl.SSLContext | None = None
        self._offers: dict[str, _Offer] = {}
        if service is not None and key is not None and answer is not None:
            self.add(service, key, answer, streaming=streaming, parallel=parallel)
        elif not (service is None and key is None and answer is None):
            raise ConfigurationError("a provider's service, key and answer go together: give all three, or none")

    @property
    def services(self) -> tuple[str, ...]:
        """The names of the services, in the order in which they were added."""
        return tuple(self._offers)

    def add(self, service: str, key: str, answer: Answer, *, streaming: bool = False, parallel: int = 1) -> None:
        """Adds a service; it is offered from the next `connect` or `serve_forever` on.

        Args:
            service: the service's name.
            key: the service key.
            answer: called with each request, a `Request`. It returns the reply's text, a `Reply`, the whole answer as a
                mapping with `reply`, an iterator or asynchronous iterator of texts, or a coroutine of one of these. A
                plain function runs off the loop and may block. When it raises, or returns anything else, the client
                gets one error answer, and the fault is logged; with `ProviderFailure` it chooses the words.
            streaming: have every poll of a stream forwarded, so that clients see a reply while it is made.
            parallel: how many replies of the service are made at the same time, 1 or more.

        Raises:
            ConfigurationError: the service was added before, or `parallel` is below 1.
        """
        if service in self._offers:
            raise ConfigurationError(f"the service {service!r} was added before")
        if parallel < 1:
            raise ConfigurationError(f"parallel must be a whole number, 1 or more; it was {parallel!r}")
        self._offers[service] = _Offer(service, key, answer, streaming, parallel)

    def service(
        self, name: str, key: str, *, streaming: bool = False, parallel: int = 1
    ) -> Callable[[Callback], Callback]:
        """Adds the decorated function as a service; the arguments are those of `add`."""

        def added(answer: Callback) -> Callback:
            self.add(name, key, answer, streaming=streaming, parallel=parallel)
            return answer

        return added

    def _new_stay(self) -> Stay:
        """The services, ready to go to the hub.

        Raises:
            ConfigurationError: there is no service, or a certificate file cannot be read.
        """
        if not self._offers:
            raise ConfigurationError("the provider offers no service; add one")
        worker = Worker()
        presences = [
            Presence(
                offer.service,
                offer.key,
                self.address,
                Answering(
                    offer.answer, worker, streaming=offer.streaming, parallel=offer.parallel, payload=self._payload
                ),
                streaming=offer.streaming,
                comeback=self._comeback,
                watcher=self._on_state,
            )
            for offer in self._offers.values()
        ]
        if self._context is None:
            self._context = ssl_context(*self._trust)
        return Stay(presences, worker, sum(offer.parallel for offer in self._offers.values()), self._context)
