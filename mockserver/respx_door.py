"""A route of respx that leads to the hub: for tests that mock other hosts by respx too, and look at its calls."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from mockserver.base_url import BaseUrl
from mockserver.transports import AsyncHubTransport, HubTransport

try:
    import respx
    from respx.models import SideEffectError
    from respx.patterns import M
except ImportError as missing:
    raise ImportError("hub.respx needs the package 'respx'; run: pip install respx", name="respx") from missing

if TYPE_CHECKING:
    import httpx
    from respx.types import RouteResultTypes

    from mockserver.keeper import Keeper


class HubRoute(respx.Route):
    """Answers requests to a base URL by the hub, streamed as it answers."""

    def __init__(self, keeper: Keeper, base_url: str) -> None:
        self._base = BaseUrl(base_url)
        port = {} if self._base.port is None else {"port": self._base.port}
        super().__init__(M(scheme=self._base.scheme, host=self._base.host, path__startswith=self._base.root, **port))
        self._transport = HubTransport(keeper, self._base.root)
        self._async_transport = AsyncHubTransport(keeper, self._base.root)

    def match(self, request: httpx.Request) -> RouteResultTypes:
        """The hub's response, or for an async client a coroutine of it; None for a request to another address."""
        if not self._base.covers(request.url):
            return None
        # A router calls this from both of its methods alike; only the async one awaits what it gets.
        if sys._getframe(1).f_code is respx.Router.aresolve.__code__:  # noqa: SLF001 - the only way to know the caller
            return self._async_transport.handle_async_request(request)
        try:
            return self._transport.handle_request(request)
        except Exception as error:
            raise SideEffectError(self, origin=error) from error


def routed(keeper: Keeper, base_url: str, router: respx.MockRouter | None) -> respx.MockRouter:
    """The router with the hub's route, a new one where none is given."""
    router = respx.MockRouter(assert_all_called=False) if router is None else router
    router.add(HubRoute(keeper, base_url), name=f"hub at {base_url}")
    return router
