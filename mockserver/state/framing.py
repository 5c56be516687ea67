"""The hub's side of the provider link's framing: requests and pings out, logins and answers in.

Frames out are built so that every deployed provider can read them: ASCII, one write each, within the frame limit, and
never an exact multiple of 4,096 bytes long, because a provider that reads 4,096 bytes at a time waits for a shorter
read.
"""

from __future__ import annotations

import json
import re
from typing import Any

from mockserver.state.answers import Answer, failure
from mockserver.state.json_text import BadJson, read_object, without_lone_surrogates
from neuroengine._generated.registry import ErrorCode

LOGIN_ACCEPTED = b"OK"
PING = b'{"ping": 1}'
LENGTH_DIGITS = 8
HUB_MEMBERS = ("error", "field", "retry_after", "seq", "done")
"""Members of an answer that only the hub sets; a provider's own are taken out."""

_DEPLOYED_READ_BYTES = 4096
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)', re.DOTALL)
"""A JSON string, or the beginning of one where the bytes end inside it."""

_HEX_LENGTH = re.compile(rb"[0-9A-Fa-f]{8}")


class FrameTooLarge(ValueError):
    """Raised when a request does not fit into a provider frame."""


class FramingBroken(ValueError):
    """Raised when a provider sends what the framing does not allow; the link cannot go on."""


def request_frame(members: dict[str, Any], limit_bytes: int) -> bytes:
    """The frame that carries a request to a provider.

    Raises:
        FrameTooLarge: escaped and padded it is over `limit_bytes`.
    """
    frame = json.dumps(members, allow_nan=False).encode("ascii")
    if len(frame) % _DEPLOYED_READ_BYTES == 0:
        frame += b" "
    if len(frame) > limit_bytes:
        raise FrameTooLarge(f"the request takes {len(frame)} bytes for the provider; {limit_bytes} are allowed")
    return frame


def object_is_closed(data: bytes | bytearray) -> bool:
    """Whether bytes that begin a JSON object hold its closing brace, whatever else is wrong with it."""
    outside = _STRING.sub(b"", data)
    return outside.count(b"{") <= outside.count(b"}") and b"{" in outside


def answer_length(data: bytes | bytearray) -> int | None:
    """How many bytes the answer that begins with these takes in all, or none while its length cannot be read."""
    digits = bytes(data[:LENGTH_DIGITS])
    return LENGTH_DIGITS + int(digits, 16) if _HEX_LENGTH.fullmatch(digits) else None


class AnswerReader:
    """Collects the bytes of one answer at a time: 8 hex digits and that many bytes, however TCP cuts them."""

    __slots__ = ("_buffer", "_limit_bytes")

    def __init__(self, limit_bytes: int) -> None:
        self._buffer = bytearray()
        self._limit_bytes = limit_bytes

    def feed(self, data: bytes) -> bytes | None:
        """Adds bytes; returns the payload once it is whole, and keeps what follows it.

        Raises:
            FramingBroken: the length is no 8 hex digits, or over the limit.
        """
        self._buffer += data
        if len(self._buffer) < LENGTH_DIGITS:
            return None
        digits = bytes(self._buffer[:LENGTH_DIGITS])
        if not _HEX_LENGTH.fullmatch(digits):
            raise FramingBroken(f"the length {digits!r} is not 8 hex digits")
        length = int(digits, 16)
        if length > self._limit_bytes:
            raise FramingBroken(f"the length {length} is over the limit of {self._limit_bytes} bytes")
        end = LENGTH_DIGITS + length
        if len(self._buffer) < end:
            return None
        payload = bytes(self._buffer[LENGTH_DIGITS:end])
        del self._buffer[:end]
        return payload

    @property
    def holds_more(self) -> bool:
        """Whether bytes came that belong to no answer."""
        return bool(self._buffer)


def read_answer(payload: bytes) -> Answer:
    """What a provider's payload says to the client: its own answer, or the hub's error when it is no answer at all."""
    try:
        content = read_object(payload, unique_keys=False)
    except BadJson as error:
        return failure(ErrorCode.PROVIDER_ERROR, f"The provider's answer cannot be read: {error}.")
    reply, code = content.get("reply"), content.get("errorcode", 0)
    if not isinstance(reply, str):
        return failure(ErrorCode.PROVIDER_ERROR, "The provider's answer holds no text in `reply`.")
    if isinstance(code, float) and code.is_integer():
        code = int(code)
    if type(code) is not int:
        return failure(ErrorCode.PROVIDER_ERROR, "The provider's answer holds no integer in `errorcode`.")
    kept = {name: value for name, value in content.items() if name not in HUB_MEMBERS}
    return Answer(without_lone_surrogates(kept | {"reply": reply, "errorcode": code}), code)
