"""What a hub reads of a request's headers, through whichever door it came."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

_BEARER = b"bearer "


class RequestHeaders(NamedTuple):
    """The content type, the access key where there is one, and the origin; of a header that comes twice, the first."""

    content_type: str
    access_key: str | None
    origin: bytes


def read_headers(headers: Sequence[tuple[bytes, bytes]]) -> RequestHeaders:
    """What the headers say; their names may be written in any case."""
    content_type = authorization = origin = b""
    for name, value in reversed(headers):
        match name.lower():
            case b"content-type":
                content_type = value
            case b"authorization":
                authorization = value
            case b"origin":
                origin = value
    return RequestHeaders(content_type.decode("latin-1"), _access_key(authorization), origin)


def _access_key(authorization: bytes) -> str | None:
    if authorization[: len(_BEARER)].lower() == _BEARER:
        return authorization[len(_BEARER) :].strip().decode("latin-1")
    return None
