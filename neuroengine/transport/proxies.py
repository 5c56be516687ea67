"""The proxy that stands between a client and a hub, as the environment names it and as httpx takes it."""

from __future__ import annotations

import base64
import os
import re
import urllib.request
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from neuroengine.transport.link import Address

DEFAULT_PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}
"""The ports of the kinds of proxy that a client can use."""


class Proxy(NamedTuple):
    """A proxy.

    Attributes:
        source: the variable that names it.
        url: its address, without user name and password.
        scheme: its kind, for example `http`; the empty text where the address is none.
        address: where it listens.
        authorization: what it wants to read in `Proxy-Authorization`, or the empty text.
    """

    source: str
    url: str
    scheme: str
    address: Address
    authorization: str

    @property
    def is_plain(self) -> bool:
        """Whether it takes plain HTTP, so that a tunnel through it can be looked at."""
        return self.scheme == "http"


def proxy_for(url: str) -> Proxy | None:
    """The proxy in force for an address; None when the way is direct."""
    parts = urlsplit(url)
    proxies = urllib.request.getproxies()
    kind = next((kind for kind in (parts.scheme, "all") if proxies.get(kind)), None)
    if kind is None or urllib.request.proxy_bypass(parts.hostname or ""):
        return None
    given = proxies[kind] if "://" in proxies[kind] else f"http://{proxies[kind]}"
    names = (f"{kind}_proxy", f"{kind}_proxy".upper())
    source = next((name for name in names if os.environ.get(name)), "the system's settings")
    try:
        proxy = urlsplit(given)
        scheme, host, port = proxy.scheme, proxy.hostname or "", proxy.port
    except ValueError:
        scheme, host, port = "", "", None
    if not host or scheme not in DEFAULT_PORTS:
        return Proxy(source, without_password(given), "", Address(host, port or 0), "")
    user = f"{unquote(proxy.username or '')}:{unquote(proxy.password or '')}"
    authorization = f"Basic {base64.b64encode(user.encode()).decode()}" if user != ":" else ""
    return Proxy(source, without_password(given), scheme, Address(host, port or DEFAULT_PORTS[scheme]), authorization)


def without_password(text: str) -> str:
    """An address without what may be a user name and a password in it."""
    return re.sub(r"^([A-Za-z][A-Za-z0-9+.-]*://)?.*@", r"\1(not shown)@", text, flags=re.DOTALL)
