"""The base URL of a hub that the mock hub stands in for."""

from __future__ import annotations

import httpx


class BaseUrl:
    """Which URLs belong to a hub: those of its scheme, host and port, below its path.

    Raises:
        ValueError: it is none of the form `https://host` or `http://host:port`, perhaps with a path.
    """

    def __init__(self, url: str) -> None:
        try:
            base = httpx.URL(url)
        except httpx.InvalidURL as error:
            raise ValueError(f"the base URL {url!r} cannot be read: {error}") from None
        if base.scheme not in {"http", "https"} or not base.host or base.query or base.fragment:
            raise ValueError(f"the base URL {url!r} must look like https://host or http://host:port")
        self.scheme = base.scheme
        self.host = base.host
        self.port = base.port
        self.root = base.path.rstrip("/")
        """The path that all of the hub's paths begin with."""

    def covers(self, url: httpx.URL) -> bool:
        """Whether a URL is one of the hub's."""
        is_there = (url.scheme, url.host, url.port) == (self.scheme, self.host, self.port)
        return is_there and f"{url.path}/".startswith(f"{self.root}/")
