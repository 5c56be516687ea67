"""The clients: `Client` for programs that wait, `AsyncClient` for tasks. They have the same methods and the same core.

Both only turn calls into flows (see `protocol`) and let a hub (see `transport.http`) drive them; what one can do the
other can.
"""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Final, Self

from neuroengine.events import Hooks
from neuroengine.protocol.caller import Caller, piece_size
from neuroengine.streams import AsyncStream, Stream
from neuroengine.transport.address import access_key as checked_access_key
from neuroengine.transport.address import hub_url, service_name

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Unpack

    from neuroengine.events import RequestEvent, ResponseEvent, RetryEvent
    from neuroengine.models import Model
    from neuroengine.protocol.answers import Reply
    from neuroengine.protocol.requests import Sampling
    from neuroengine.protocol.retry import Retry, Timeouts
    from neuroengine.transport.http import AsyncHttpClient, AsyncHttpTransport, HttpClient, HttpTransport

_KEY_BYTES: Final = 32
"""The random bytes of a stream key (NE-CSTR-001)."""


def random_key() -> str:
    """A new stream key, from the system's secure random source."""
    import secrets  # here, because a whole reply needs no key

    return secrets.token_urlsafe(_KEY_BYTES)


class Client(Caller):
    """Asks a hub and waits for the answers. It keeps its connections open; close it, or use it in a `with` block.

    Args:
        service: the service to ask; else NEUROENGINE_SERVICE, or `Neuroengine-Large`.
        url: the hub's address, `https://host:port` or `http://host:port`; else NEUROENGINE_URL, or the published hub.
        access_key: the key of a service that needs one; else NEUROENGINE_KEY. It travels as `Authorization: Bearer`
            (NE-CLI-025).
        verify: whether the hub's certificate is checked (NE-CLI-003).
        ca_file: a PEM file of the only authorities to trust; else SSL_CERT_FILE, or the system's.
        timeouts: how long to wait.
        retry: when a failed try is repeated.
        http_client: an httpx client to use instead of an own one; it stays open, and its own settings decide whom it
            trusts.
        transport: an httpx transport for the own client, for tests and special networks.
        clock: tells the time, in seconds.
        sleep: waits so many seconds.
        chance: draws a number from 0 to 1, for the waits between tries.
        new_key: draws a stream key.
        on_request: is told of each request; see `neuroengine.events`.
        on_response: is told what came of each request.
        on_retry: is told of each wait before the next try.

    Raises:
        ConfigurationError: an address, a file, a time limit or the access key cannot be used.
        InvalidField: the service's name cannot be one.
    """

    def __init__(
        self,
        service: str | None = None,
        *,
        url: str | None = None,
        access_key: str | None = None,
        verify: bool = True,
        ca_file: str | None = None,
        timeouts: Timeouts | None = None,
        retry: Retry | None = None,
        http_client: HttpClient | None = None,
        transport: HttpTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        chance: Callable[[], float] = random.random,
        new_key: Callable[[], str] = random_key,
        on_request: Callable[[RequestEvent], None] | None = None,
        on_response: Callable[[ResponseEvent], None] | None = None,
        on_retry: Callable[[RetryEvent], None] | None = None,
    ) -> None:
        hooks = Hooks(on_request, on_response, on_retry)
        super().__init__(service_name(service), timeouts, retry, clock, chance, new_key, hooks)
        address, key = hub_url(url), checked_access_key(access_key)

        from neuroengine.transport.http import Hub  # after the arguments are known to be right: it brings httpx

        self._hub = Hub(
            address,
            access_key=key,
            timeouts=self._timeouts,
            verify=verify,
            ca_file=ca_file,
            http_client=http_client,
            transport=transport,
            clock=clock,
            sleep=sleep,
            hooks=self._hooks,
        )

    def generate(self, prompt: str, *, service: str | None = None, **sampling: Unpack[Sampling]) -> Reply:
        """The whole reply to the prompt.

        A failed try is repeated where that may help, also when only its answer was lost: it costs a generation and
        nothing else.

        Args:
            prompt: the prompt; the empty text is one too.
            service: another service than the client's own.
            **sampling: how the reply is shaped, see `Sampling`.

        Raises:
            InvalidField: a value is not allowed; nothing was sent.
            HubError: the hub answered an error.
            ConnectionFailed: no whole answer came.
            ProtocolError: the answer is none of the protocol's.
        """
        return self._hub.run(self._reply(prompt, service, sampling))

    def stream(
        self,
        prompt: str,
        *,
        gettokens: int | None = None,
        key: str | None = None,
        service: str | None = None,
        **sampling: Unpack[Sampling],
    ) -> Stream:
        """The reply to the prompt, piece by piece, as the model writes it.

        Args:
            prompt: the prompt; the empty text is one too.
            gettokens: the most tokens in one piece, 1 or more; left out, the spec's default.
            key: the stream key, up to 256 characters; left out, a new one of 32 random bytes (NE-CSTR-001).
            service: another service than the client's own.
            **sampling: how the reply is shaped, see `Sampling`.

        Raises:
            InvalidField: a value is not allowed; nothing was sent.
        """
        session = self._session(prompt, key, service, sampling)
        return Stream(self._hub, session, self._stream_budget(), piece_size(gettokens))

    def models(self) -> list[Model]:
        """The services that the hub offers.

        Raises:
            HubError: the hub answered an error.
            ConnectionFailed: no whole answer came.
            ProtocolError: the answer is no model list.
        """
        entries = self._hub.run(self._model_list())

        from neuroengine.models import read_models  # here, because it brings pydantic

        return read_models(entries)

    def close(self) -> None:
        """Closes the connections."""
        self._hub.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class AsyncClient(Caller):
    """Asks a hub from asyncio tasks; arguments, methods and errors are those of `Client`."""

    def __init__(
        self,
        service: str | None = None,
        *,
        url: str | None = None,
        access_key: str | None = None,
        verify: bool = True,
        ca_file: str | None = None,
        timeouts: Timeouts | None = None,
        retry: Retry | None = None,
        http_client: AsyncHttpClient | None = None,
        transport: AsyncHttpTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] | None = None,
        chance: Callable[[], float] = random.random,
        new_key: Callable[[], str] = random_key,
        on_request: Callable[[RequestEvent], None] | None = None,
        on_response: Callable[[ResponseEvent], None] | None = None,
        on_retry: Callable[[RetryEvent], None] | None = None,
    ) -> None:
        hooks = Hooks(on_request, on_response, on_retry)
        super().__init__(service_name(service), timeouts, retry, clock, chance, new_key, hooks)
        address, secret = hub_url(url), checked_access_key(access_key)

        from neuroengine.transport.http import AsyncHub  # after the arguments are known to be right: it brings httpx

        self._hub = AsyncHub(
            address,
            access_key=secret,
            timeouts=self._timeouts,
            verify=verify,
            ca_file=ca_file,
            http_client=http_client,
            transport=transport,
            clock=clock,
            sleep=sleep,
            hooks=self._hooks,
        )

    async def generate(self, prompt: str, *, service: str | None = None, **sampling: Unpack[Sampling]) -> Reply:
        """The whole reply to the prompt; see `Client.generate`."""
        return await self._hub.run(self._reply(prompt, service, sampling))

    def stream(
        self,
        prompt: str,
        *,
        gettokens: int | None = None,
        key: str | None = None,
        service: str | None = None,
        **sampling: Unpack[Sampling],
    ) -> AsyncStream:
        """The reply to the prompt, piece by piece; see `Client.stream`."""
        session = self._session(prompt, key, service, sampling)
        return AsyncStream(self._hub, session, self._stream_budget(), piece_size(gettokens))

    async def models(self) -> list[Model]:
        """The services that the hub offers; see `Client.models`."""
        entries = await self._hub.run(self._model_list())

        from neuroengine.models import read_models  # here, because it brings pydantic

        return read_models(entries)

    async def close(self) -> None:
        """Closes the connections."""
        await self._hub.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()
