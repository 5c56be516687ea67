"""Puts a hub in place of a base URL, for everything in this process that asks it by httpx.

The clients' own transports ask here first; requests to other addresses go their way. Whoever was put in place last is
asked first.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from functools import wraps
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

import httpx

from mockserver.base_url import BaseUrl
from mockserver.transports import AsyncHubTransport, HubTransport

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from mockserver.keeper import Keeper

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

_over: set[Callable[..., Any]] = set()
"""Patches that do nothing any more and were not yet taken off."""


class Takeover:
    """The hub instead of whoever is at the base URL, inside a `with` block or a decorated function, sync or async.

    Raises:
        ValueError: the base URL is none.
    """

    def __init__(self, keeper: Keeper, base_url: str) -> None:
        self._base = BaseUrl(base_url)
        self._transport = HubTransport(keeper, self._base.root)
        self._async_transport = AsyncHubTransport(keeper, self._base.root)
        self._entered: list[ExitStack] = []

    def __enter__(self) -> None:
        with ExitStack() as stack:
            for kind, method, ours in (
                (httpx.HTTPTransport, "handle_request", self._transport.handle_request),
                (httpx.AsyncHTTPTransport, "handle_async_request", self._async_transport.handle_async_request),
            ):
                stack.enter_context(_patched(kind, method, self._base, ours))
            self._entered.append(stack.pop_all())

    def __exit__(self, *exc: object) -> None:
        self._entered.pop().close()

    async def __aenter__(self) -> None:
        self.__enter__()

    async def __aexit__(self, *exc: object) -> None:
        self.__exit__(*exc)

    def __call__(self, function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
        """The function with the hub in that place while it runs."""

        @wraps(function)
        def call(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
            with self:
                return function(*args, **kwargs)

        @wraps(function)
        async def call_async(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Any:
            with self:
                return await cast("Awaitable[Any]", function(*args, **kwargs))

        return cast("Callable[Parameters, Result]", call_async) if iscoroutinefunction(function) else call


@contextmanager
def _patched(kind: type, method: str, base: BaseUrl, ours: Callable[[httpx.Request], Any]) -> Iterator[None]:
    theirs = getattr(kind, method)
    is_over = False

    @wraps(theirs)
    def handle(transport: object, request: httpx.Request) -> Any:
        if not is_over and base.covers(request.url):
            return ours(request)
        return theirs(transport, request)

    setattr(kind, method, handle)
    try:
        yield
    finally:
        is_over = True
        _over.add(handle)
        # Somebody may have patched it since then: ours then stays below theirs and does nothing.
        while (found := getattr(kind, method)) in _over:
            setattr(kind, method, found.__wrapped__)
            _over.discard(found)
