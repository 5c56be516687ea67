"""Who may ask: programs on this machine, and no page of another origin that a browser shows.

A page from elsewhere can make a browser send requests to loopback, and can give a name of its own the address
127.0.0.1 (DNS rebinding). The first shows by `Origin`, the second by `Host`. The API has no CORS: no page may read it.
See https://fetch.spec.whatwg.org/#origin-header.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from mockserver.admin.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterable

_LOOPBACK: Final = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?", re.IGNORECASE)


def check(headers: Iterable[tuple[bytes, bytes]]) -> None:
    """Lets a request in.

    Raises:
        Refusal: it must not ask.
    """
    given = [(name, value.decode("latin-1")) for name, value in headers]
    hosts = [value for name, value in given if name == b"host"]
    if len(hosts) != 1 or not _LOOPBACK.fullmatch(hosts[0]):
        why = f"the header Host must be localhost, 127.0.0.1 or [::1], perhaps with a port; it was {_shown(hosts)}"
        raise Refusal(HTTPStatus.FORBIDDEN, why)
    own = f"http://{hosts[0]}".lower()
    origins = [value for name, value in given if name == b"origin"]
    if any(origin.lower() != own for origin in origins):
        why = f"pages of other origins must not ask here: the header Origin must be left out; it was {_shown(origins)}"
        raise Refusal(HTTPStatus.FORBIDDEN, why)


def _shown(values: list[str]) -> str:
    return " and ".join(map(repr, values)) or "left out"
