"""The part of a hub that runs: its ports, its authority, and the thread that serves."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mockserver.admin.app import AdminApp
    from mockserver.app import HubApp
    from mockserver.certificates import Authority
    from mockserver.keeper import Keeper
    from mockserver.runner import Runner

LOOPBACK = "127.0.0.1"


class Server:
    """Serves one hub, again and again.

    Args:
        keeper: the hub's keeper.
        ports: for clients, for providers, and for the admin API where there is one; 0 takes a free one.
        tls: whether clients speak TLS; providers always do.
    """

    def __init__(self, keeper: Keeper, ports: tuple[int, ...], *, tls: bool) -> None:
        self._keeper = keeper
        self._ports = ports
        self._tls = tls
        self._authority: Authority | None = None
        self._is_over = False
        self._runner: Runner | None = None
        self._addresses: tuple[int, ...] | None = None

    @property
    def is_running(self) -> bool:
        """Whether it serves."""
        return self._runner is not None

    def start(self, app: HubApp | None, admin: AdminApp | None) -> None:
        """Begins to serve; it answers when this returns.

        Args:
            app: answers clients instead of the hub itself.
            admin: answers at the port for the admin API.

        Raises:
            OSError: a port is taken.
            ImportError: the extra `mock` is not installed.
        """
        from mockserver.runner import Runner  # here, because it brings a server, which other doors do not need

        if self._is_over:
            self._authority, self._is_over = None, False
        listeners = _listeners(self._ports)
        http, provider, *rest = listeners
        authority = self._own_authority()
        tls = authority.server_context()
        others = self._keeper.state.behaviour.provider_hosts
        runner = Runner(
            self._keeper,
            http,
            provider,
            http_tls=tls if self._tls else None,
            provider_tls=authority.server_context(others) if others else tls,
            app=app,
            admin=None if admin is None else (admin, rest[0]),
        )
        runner.start()
        self._addresses = tuple(listener.getsockname()[1] for listener in listeners)
        self._runner = runner

    def stop(self) -> None:
        """Ends every connection, and removes the files."""
        runner, self._runner = self._runner, None
        if runner is not None:
            runner.stop()
        self._keeper.close()
        self._is_over = True
        if self._authority is not None:
            self._authority.close()

    # -- where it is

    @property
    def url(self) -> str:
        """The base URL for clients."""
        port = self._port(0)
        return f"https://localhost:{port}" if self._tls else f"http://{LOOPBACK}:{port}"

    @property
    def provider(self) -> str:
        """The address for providers."""
        return f"localhost:{self._port(1)}"

    @property
    def admin_url(self) -> str:
        """The base URL of the admin API.

        Raises:
            RuntimeError: there is none.
        """
        if len(self._ports) < 3:
            raise RuntimeError("the hub has no admin API; make it with admin=True")
        return f"http://{LOOPBACK}:{self._port(2)}"

    @property
    def ca_file(self) -> str:
        """The path of the PEM file to trust."""
        return self._own_authority().ca_file

    def _port(self, which: int) -> int:
        if self._addresses is None:
            raise RuntimeError("the hub has no address before it is started; use it in a `with` block")
        return self._addresses[which]

    def _own_authority(self) -> Authority:
        if self._authority is None:
            from mockserver.certificates import Authority  # here, because it brings cryptography

            self._authority = Authority()
        return self._authority


def _listeners(ports: Iterable[int]) -> list[socket.socket]:
    """A listener on each of the ports, or on none where one is taken."""
    with ExitStack() as bound:
        listeners = [bound.enter_context(_listener(port)) for port in ports]
        bound.pop_all()
    return listeners


def _listener(port: int) -> socket.socket:
    # By the protocol's number asyncio knows that TCP_NODELAY makes sense; without it each answer waits for 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((LOOPBACK, port))
        # From now on nobody else gets the port, not even by SO_REUSEADDR.
        listener.listen()
    except OverflowError:
        listener.close()
        raise ValueError(f"a port must be a number from 0 to 65535; it was {port}") from None
    except OSError as error:
        listener.close()
        raise OSError(error.errno, f"port {port} on {LOOPBACK} cannot be used: {error.strerror}") from None
    return listener
