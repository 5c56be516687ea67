"""The frames that a hub sends a provider: JSON objects in a row, each with the records in which it came."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

RECORD_BYTES: Final = 16_384
"""What a full TLS record carries."""


@dataclass
class Frame:
    """One JSON object that the hub sent.

    `at` is the moment when it was whole, by the monotonic clock. `data` is what came for it, white space behind it
    included; behind a full record that comes in the next one, and is added when it does. `records` are the sizes of the
    records that held it; `is_alone` says whether they held nothing of another frame.
    """

    at: float
    data: bytes
    records: tuple[int, ...]
    is_alone: bool
    content: dict[str, Any]

    @property
    def is_ping(self) -> bool:
        """Whether a deployed provider takes it for a keep-alive: it has a top-level member `ping`."""
        return "ping" in self.content


_DECODER: Final = json.JSONDecoder()


class FrameReader:
    """Cuts frames out of records."""

    def __init__(self) -> None:
        self.pending = b""
        """What has come and makes no whole frame yet: at rest, something that is no frame."""
        self._records: list[int] = []
        self._is_alone = True
        self._may_grow: Frame | None = None

    @property
    def is_lost(self) -> bool:
        """Whether what has come begins no object, so that no frame can follow."""
        begun = self.pending.lstrip()
        return bool(begun) and not begun.startswith(b"{")

    def take(self, record: bytes, at: float) -> list[Frame]:
        """The frames that end in this record."""
        frames: list[Frame] = []
        before, self._may_grow = self._may_grow, None
        if before is not None and not record.strip():
            before.data, before.records = before.data + record, (*before.records, len(record))
            return frames
        self.pending += record
        self._records.append(len(record))
        while self.pending.strip():
            found = _first_object(self.pending)
            if found is None:
                return frames
            content, end = found
            data, rest = self.pending[:end], self.pending[end:]
            is_last = not rest.strip()
            if is_last:
                data, rest = data + rest, b""
            frames.append(Frame(at, data, tuple(self._records), self._is_alone and is_last, content))
            self.pending, self._records, self._is_alone = rest, [len(record)], is_last
        self.pending, self._records, self._is_alone = b"", [], True
        if frames and len(record) == RECORD_BYTES:
            self._may_grow = frames[-1]
        return frames


def _first_object(data: bytes) -> tuple[dict[str, Any], int] | None:
    """The JSON object that the bytes begin with and where it ends; none while it does not end.

    Bytes that are no UTF-8 become lone surrogates, which no client can have meant.
    """
    if b"}" not in data:
        return None
    text = data.decode("utf-8", "surrogateescape")
    lead = len(text) - len(text.lstrip())
    try:
        content, end = _DECODER.raw_decode(text, lead)
    except (ValueError, RecursionError):
        return None
    return (content, len(text[:end].encode("utf-8", "surrogateescape"))) if isinstance(content, dict) else None
