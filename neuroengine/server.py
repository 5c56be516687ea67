"""The published provider surface, `NeuroengineServer`: existing programs run unchanged, on top of the new core.

Its laws: `login` never raises for what the network or the hub does; `listen` never returns by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from neuroengine._generated.registry import HUB_HOST, PROVIDER_PORT
from neuroengine.errors import LoginRefused, NeuroengineError
from neuroengine.log import PROVIDER_LOG
from neuroengine.presence import RECONNECT
from neuroengine.protocol.frames import payload_of_text
from neuroengine.provider import Provider
from neuroengine.transport.link import Address, provider_address

if TYPE_CHECKING:
    from collections.abc import Callable

    from neuroengine.protocol.jobs import Request


class NeuroengineServer:
    """Connects a local LLM to a hub: the published surface.

    Args:
        server_address: the hub's host.
        server_port: its provider port. With both at their defaults NEUROENGINE_PROVIDER may name another hub, as
            `HOST:PORT`.

    Raises:
        ConfigurationError: NEUROENGINE_PROVIDER is no address.
    """

    REFUSED: Final = -1
    """`login` returns it when the hub refused the name or the key."""
    UNREACHABLE: Final = -2
    """`login` returns it when the hub could not be reached or trusted."""

    def __init__(self, server_address: str = HUB_HOST, server_port: int = PROVIDER_PORT) -> None:
        given = Address(server_address, int(server_port))
        self._address = provider_address() if given == (HUB_HOST, PROVIDER_PORT) else given
        self._provider: Provider | None = None
        self._callback: Callable[[dict[str, Any]], str] | None = None

    def login(self, service_name: str, service_key: str) -> int:
        """Connects and logs in: 0 when the hub accepted, else a negative number, and the reason is logged (NE-PYP-004).

        The link stays open for `listen`. A provider that was logged in before leaves the hub first.
        """
        self.close()
        self._provider = Provider(
            service_name,
            service_key,
            self._call,
            address=self._address,
            reconnect=RECONNECT,
            persistent=True,
            payload=payload_of_text,
        )
        try:
            self._provider.connect()
        except NeuroengineError as error:
            PROVIDER_LOG.error("%s", error)
            return self.REFUSED if isinstance(error, LoginRefused) else self.UNREACHABLE
        return 0

    def listen(self, callback: Callable[[dict[str, Any]], str]) -> None:
        """Serves for ever, and logs in again by itself whenever the link is lost (NE-PYP-007, NE-PYP-008).

        `callback` gets each request as a dict and returns the answer as JSON text; it is called in this thread. A
        callback that raises, or returns what is no answer, costs its client one error answer, and is logged. Only
        `close` lets this return.

        Raises:
            RuntimeError: `login` was not called.
        """
        if self._provider is None:
            raise RuntimeError("call login(service_name, service_key) before listen(callback)")
        self._callback = callback
        self._provider.serve_forever()

    def close(self) -> None:
        """Leaves the hub; may be called in any thread, also in the callback."""
        if self._provider is not None:
            self._provider.close()

    def _call(self, request: Request) -> str:
        if self._callback is None:
            raise RuntimeError("a request was given out before listen")
        return self._callback(dict(request))
