"""`MockHub`: a hub on this machine, ready when it is entered, gone when it is left.

It runs in a thread of its own, so that tests and programs of any style can talk to it, many hubs at a time.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import TYPE_CHECKING, Self

from mockserver.certificates import Authority
from mockserver.runner import Runner
from mockserver.state.hub import HubState
from mockserver.state.services import ServiceSettings
from mockserver.wrong import behaviour_named
from neuroengine._generated.registry import DEFAULT_SERVICE

if TYPE_CHECKING:
    from collections.abc import Iterable

DEFAULT_KEY = "DEMOKEY"
LOOPBACK = "127.0.0.1"


class MockHub:
    """A hub on loopback.

    Args:
        services: the services, as a mapping from name to service key, or as settings. A service is answered by the
            simulated model until a provider first logs in to it, from then on by providers only.
        tls: whether the HTTP port speaks TLS, by a throw-away authority; the provider port always does.
        http_port: the HTTP port; 0 takes a free one.
        provider_port: the provider port; 0 takes a free one.
        limits: changes to the hub's limits, by their names in the spec's registry.
        matching_statuses: answer errors with the HTTP status that the registry names, not with 200.
        wrong: the name of a wrong hub (see `mockserver.wrong`); none for a right one.

    Raises:
        ValueError: a limit or a wrong hub is unknown, or a limit's value is out of range.
    """

    def __init__(
        self,
        services: Mapping[str, str] | Iterable[ServiceSettings] | None = None,
        *,
        tls: bool = True,
        http_port: int = 0,
        provider_port: int = 0,
        limits: Mapping[str, float] | None = None,
        matching_statuses: bool = False,
        wrong: str | None = None,
    ) -> None:
        self.services = _settings(services if services is not None else {DEFAULT_SERVICE: DEFAULT_KEY})
        self._tls = tls
        self._ports = (http_port, provider_port)
        self._matching_statuses = matching_statuses
        self._state = HubState(self.services, limits=limits, behaviour=behaviour_named(wrong))
        self._authority = Authority()
        self._runner: Runner | None = None
        self._addresses: tuple[int, int] | None = None

    def start(self) -> Self:
        """Starts the hub; it answers when this returns.

        Raises:
            OSError: a port is taken.
        """
        http = _listener(self._ports[0])
        try:
            provider = _listener(self._ports[1])
        except OSError:
            http.close()
            raise
        self._addresses = (http.getsockname()[1], provider.getsockname()[1])
        tls = self._authority.server_context() if self._tls else None
        provider_tls = self._authority.server_context(self._state.behaviour.provider_hosts)
        self._runner = Runner(self._state, http, provider, http_tls=tls, provider_tls=provider_tls)
        self._runner.start(matching_statuses=self._matching_statuses)
        return self

    def stop(self) -> None:
        """Stops the hub: answers what waits with code 16, closes every connection, removes its files."""
        runner, self._runner = self._runner, None
        if runner is not None:
            runner.stop()
            self._authority.close()

    def __enter__(self) -> Self:
        """Starts the hub."""
        return self.start()

    def __exit__(self, *exc: object) -> None:
        """Stops the hub."""
        self.stop()

    @property
    def url(self) -> str:
        """The base URL for clients, without a trailing slash."""
        port = self._port(0)
        return f"https://localhost:{port}" if self._tls else f"http://{LOOPBACK}:{port}"

    @property
    def provider(self) -> str:
        """The address for providers, `host:port`; TLS."""
        return f"localhost:{self._port(1)}"

    @property
    def ca_file(self) -> str:
        """The path of the PEM file to trust; it is removed when the hub stops."""
        return self._authority.ca_file

    def _port(self, which: int) -> int:
        if self._addresses is None:
            raise RuntimeError("the hub has no address before it is started; use it in a `with` block")
        return self._addresses[which]


def _listener(port: int) -> socket.socket:
    # By the protocol's number asyncio knows that TCP_NODELAY makes sense; without it each answer waits for 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((LOOPBACK, port))
        # From now on nobody else gets the port, not even by SO_REUSEADDR.
        listener.listen()
    except OSError as error:
        listener.close()
        raise OSError(error.errno, f"port {port} on {LOOPBACK} cannot be used: {error.strerror}") from None
    return listener


def _settings(services: Mapping[str, str] | Iterable[ServiceSettings]) -> tuple[ServiceSettings, ...]:
    if not isinstance(services, Mapping):
        return tuple(services)
    return tuple(
        ServiceSettings(name=name, key=key, comment=f"The simulated model as {name}", operator="@mockhub")
        for name, key in services.items()
    )
