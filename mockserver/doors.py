"""The doors of a hub that need no socket: everything in this process can use them, whether the hub was started or not.

Each brings httpx or respx along, so it is imported when it is opened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from neuroengine._generated.registry import HUB_HOST, HUB_PORT

if TYPE_CHECKING:
    from respx import MockRouter

    from mockserver.keeper import Keeper
    from mockserver.takeover import Takeover
    from mockserver.transports import AsyncHubTransport, HubTransport

PUBLISHED: Final = f"https://{HUB_HOST}:{HUB_PORT}"
"""The published hub's base URL."""


class InProcessDoors:
    """The part of a hub that opens these doors."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper

    def transport(self) -> HubTransport:
        """A transport for `httpx.Client` that leads to this hub, started or not, without a socket.

        It takes requests to any address. A stopped hub refuses them with `httpx.ConnectError`.
        """
        from mockserver.transports import HubTransport

        return HubTransport(self._keeper)

    def async_transport(self) -> AsyncHubTransport:
        """A transport for `httpx.AsyncClient`; see `transport`."""
        from mockserver.transports import AsyncHubTransport

        return AsyncHubTransport(self._keeper)

    def in_place_of(self, base_url: str = PUBLISHED) -> Takeover:
        """Puts this hub in place of another one, for everything in this process that asks it by httpx.

        A context manager, sync or async, and a decorator: inside, httpx clients of any kind that ask this base URL are
        answered by this hub. Nothing has to be told to the program under test.

        Raises:
            ValueError: the base URL is none.
        """
        from mockserver.takeover import Takeover

        return Takeover(self._keeper, base_url)

    def respx(self, base_url: str = PUBLISHED, *, router: MockRouter | None = None) -> MockRouter:
        """A router of respx that answers requests to the base URL by this hub.

        Use it as `respx.mock` is used: as a context manager, sync or async, or as a decorator. With a `router`, such
        as the fixture `respx_mock`, the hub's route is added to that one.

        Raises:
            ImportError: respx is not installed.
            ValueError: the base URL is none.
        """
        from mockserver.respx_door import routed

        return routed(self._keeper, base_url, router)
