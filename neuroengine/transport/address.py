"""Where the hub is and which key opens it, from arguments or the environment, checked before anything is sent."""

from __future__ import annotations

import os
from urllib.parse import urlsplit, urlunsplit

from neuroengine._generated.registry import DEFAULT_SERVICE, HUB_HOST, HUB_PORT
from neuroengine.errors import ConfigurationError


def hub_url(url: str | None = None) -> str:
    """The hub's base URL without a trailing slash: the argument, NEUROENGINE_URL, or the published hub (NE-CLI-002).

    Raises:
        ConfigurationError: it is no address of the form `https://host:port`.
    """
    return http_url(
        url if url is not None else os.environ.get("NEUROENGINE_URL") or published_url(HUB_HOST, HUB_PORT),
        source="the URL" if url is not None else "NEUROENGINE_URL",
        whose="a hub",
        form="https://host or http://host:port",
        key_place="an access key goes into NEUROENGINE_KEY",
    )


def http_url(given: str, *, source: str, whose: str, form: str, key_place: str) -> str:
    """The URL without a trailing slash, if it is one that can be asked.

    Args:
        given: what the user gave.
        source: where that stands.
        whose: what the URL should lead to.
        form: what it should look like.
        key_place: where a key belongs, as words.

    Raises:
        ConfigurationError: it is no HTTP URL of a host, or holds more than the host, a port and a path.
    """
    if "@" in given:  # not shown: it may hold a password
        raise ConfigurationError(f"{source} may not hold a user name or password; {key_place}")
    form = f"it must look like {form}"
    try:
        parts = urlsplit(given)
        port = parts.port  # reading it checks it
    except ValueError as error:
        raise ConfigurationError(f"{source} {given!r} is no address of {whose}: {error}; {form}") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment or port == 0:
        raise ConfigurationError(f"{source} {given!r} is no address of {whose}; {form}")
    if not given.isascii() or not given.isprintable() or " " in given:
        raise ConfigurationError(f"{source} {given!r} holds a character that no address may hold; {form}")
    return given.rstrip("/")


def published_url(host: str, port: int) -> str:
    """The URL of the hub on this host and port, over HTTPS."""
    shown = f"[{host}]" if ":" in host and not host.startswith("[") else host
    return f"https://{shown}" if port == HUB_PORT else f"https://{shown}:{port}"


def service_name(name: str | None = None) -> str:
    """The service to ask: the argument, NEUROENGINE_SERVICE, or `Neuroengine-Large`."""
    return name if name is not None else os.environ.get("NEUROENGINE_SERVICE") or DEFAULT_SERVICE


def access_key(key: str | None = None) -> str:
    """The access key: the argument, NEUROENGINE_KEY, or none, which is the empty text.

    Raises:
        ConfigurationError: it holds a character that a header cannot carry; the key itself is not shown.
    """
    return header_key(key if key is not None else os.environ.get("NEUROENGINE_KEY", ""), "access key")


def header_key(key: object, called: str) -> str:
    """The key, if a header can carry it; `called` is what its user calls it.

    Raises:
        ConfigurationError: it holds a character that a header cannot carry; the key itself is not shown.
    """
    if not isinstance(key, str) or not key.isascii() or not key.isprintable() or " " in key:
        allowed = "printable ASCII characters alone, without blanks and line ends"
        raise ConfigurationError(f"the {called} may hold {allowed}; check how it was read")
    return key


def proxy_for(url: str) -> str | None:
    """The proxy between here and the URL, by HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY, or none.

    A user name and password in it are left out.
    """
    from urllib.request import getproxies, proxy_bypass  # here, because it brings an HTTP client of its own

    parts = urlsplit(url)
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy or proxy_bypass(parts.hostname or ""):
        return None
    found = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    return urlunsplit(found._replace(netloc=found.netloc.rpartition("@")[2]))
