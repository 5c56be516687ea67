"""A live hub that is asked on behalf of others."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Final, NamedTuple

import httpx

if TYPE_CHECKING:
    from os import PathLike

PATIENCE_S: Final = 300.0
"""How long the live hub may be silent, in seconds: longer than its own time limits."""

_CONNECT_S: Final = 20.0
_PASSED_ON: Final = ("content-type", "authorization")
"""The headers that go to the live hub; no other says anything there."""


class Said(NamedTuple):
    """What the live hub answered."""

    status: int
    content_type: str
    body: bytes


class Live:
    """Where a live hub is, and how it is asked.

    Args:
        url: its base URL.
        ca_file: a file of the authorities to trust; none for those of the system.
        insecure: do not check its certificate.

    Raises:
        ValueError: the URL is none.
        OSError: the file cannot be read.
    """

    def __init__(self, url: str, *, ca_file: str | PathLike[str] | None = None, insecure: bool = False) -> None:
        parts = httpx.URL(url)
        if parts.scheme not in {"http", "https"} or not parts.host:
            raise ValueError(f"the live hub's address must be a URL such as https://host:port; it was {url!r}")
        self.url = str(parts.copy_with(username=None, password=None)).rstrip("/")
        self._trust = ssl.create_default_context(cafile=ca_file)
        if insecure:
            self._trust.check_hostname = False
            self._trust.verify_mode = ssl.CERT_NONE

    def client(self) -> httpx.AsyncClient:
        """A client for the loop that runs; whoever asks for it closes it."""
        timeout = httpx.Timeout(PATIENCE_S, connect=_CONNECT_S)
        limits = httpx.Limits(max_connections=None)
        return httpx.AsyncClient(verify=self._trust, timeout=timeout, limits=limits)

    async def ask(self, client: httpx.AsyncClient, path: str, headers: list[tuple[bytes, bytes]], body: bytes) -> Said:
        """Passes a request on.

        Raises:
            httpx.HTTPError: the live hub cannot be reached, or speaks no HTTP.
        """
        known = [(name, value) for name, value in headers if name.decode("latin-1").lower() in _PASSED_ON]
        response = await client.post(self.url + path, content=body, headers=known)
        return Said(response.status_code, response.headers.get("content-type", ""), response.content)
