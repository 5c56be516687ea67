"""Which pages in a browser may read the hub's answers: those that this machine serves, where the hub is set so.

A page's origin is its scheme, host and port. Any port of `localhost`, `127.0.0.1` or `[::1]` is let in, and no other
host: a page from elsewhere must not reach a server on loopback. See https://fetch.spec.whatwg.org/#http-cors-protocol.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mockserver.state.delivery import Headers

METHOD: Final = b"POST"
"""The only method that a page needs here."""

_LOOPBACK: Final = re.compile(rb"https?://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?")
_HEADER_NAMES: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+( *, *[!#$%&'*+.^_`|~0-9A-Za-z-]+)*")
_VARY: Final = (b"vary", b"Origin")


def is_let_in(origin: bytes) -> bool:
    """Whether pages of this origin may read answers."""
    return _LOOPBACK.fullmatch(origin) is not None


def answer_headers(origin: bytes) -> Headers:
    """What an answer says to a browser; `origin` is empty where the client is none."""
    if not is_let_in(origin):
        return (_VARY,)
    return ((b"access-control-allow-origin", origin), _VARY)


def preflight_headers(origin: bytes, wanted_method: bytes, wanted_headers: bytes) -> Headers | None:
    """What the answer to a browser's question before its request says, or none where the question is refused."""
    if not is_let_in(origin) or wanted_method != METHOD:
        return None
    allowed: Headers = ((b"access-control-allow-methods", METHOD),)
    if _HEADER_NAMES.fullmatch(wanted_headers):
        allowed += ((b"access-control-allow-headers", wanted_headers),)
    return (*answer_headers(origin), *allowed)
