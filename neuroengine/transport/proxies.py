"""The proxy between a client and a hub, taken apart: where it listens, which variable names it, how to log in to it.

Whether one is in force decides `address.proxy_for`, as for every client.
"""

from __future__ import annotations

import base64
import os
import re
from typing import Final, NamedTuple
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies

from neuroengine.transport.address import proxy_for
from neuroengine.transport.link import Address

_PORTS: Final = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}
"""The kinds of proxy that a client can use, with their usual ports."""


class Proxy(NamedTuple):
    """A proxy.

    Attributes:
        source: the variable that names it.
        url: its address, without user name and password.
        scheme: its kind, for example `http`; the empty text where a client cannot use it.
        address: where it listens.
        authorization: what it wants to read in `Proxy-Authorization`, or the empty text.
    """

    source: str
    url: str
    scheme: str
    address: Address
    authorization: str


def proxy_on_the_way(url: str) -> Proxy | None:
    """The proxy in force for an address; None when the way is direct."""
    proxies = getproxies()
    kind = urlsplit(url).scheme if proxies.get(urlsplit(url).scheme) else "all"
    given = proxies.get(kind, "")
    names = (f"{kind}_proxy", f"{kind}_proxy".upper())
    source = next((name for name in names if os.environ.get(name)), "the system's settings")
    try:
        shown = proxy_for(url)
        if shown is None:
            return None
        parts = urlsplit(given if "://" in given else f"http://{given}")
        host, port = parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        return Proxy(source, without_password(given), "", Address("", 0), "")
    scheme = parts.scheme if host and parts.scheme in _PORTS else ""
    user = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
    authorization = f"Basic {base64.b64encode(user.encode()).decode()}" if user != ":" else ""
    return Proxy(source, shown, scheme, Address(host, port), authorization)


def without_password(text: str) -> str:
    """An address without what may be a user name and a password in it."""
    return re.sub(r"^([A-Za-z][A-Za-z0-9+.-]*://)?.*@", r"\1(not shown)@", text, flags=re.DOTALL)
