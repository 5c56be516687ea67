"""The frames that a hub sends a provider: JSON objects in a row, each with the records in which it came."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True)
class Frame:
    """One JSON object that the hub sent.

    `at` is the moment of its last record, by the monotonic clock. `data` is what came for it, white space behind it
    included. `records` are the sizes of the records that held it; `is_alone` says whether they held nothing of another
    frame.
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

    def take(self, record: bytes, at: float) -> list[Frame]:
        """The frames that end in this record."""
        frames: list[Frame] = []
        self.pending += record
        self._records.append(len(record))
        while self.pending.strip():
            end = _end_of_object(self.pending)
            if not end:
                return frames
            data, rest = self.pending[:end], self.pending[end:]
            is_last = not rest.strip()
            content = json.loads(data)
            if is_last:
                data, rest = data + rest, b""
            frames.append(Frame(at, data, tuple(self._records), self._is_alone and is_last, content))
            self.pending, self._records, self._is_alone = rest, [len(record)], is_last
        self.pending, self._records, self._is_alone = b"", [], True
        return frames


def _end_of_object(data: bytes) -> int:
    """Where the first JSON object in the bytes ends; 0 where none ends."""
    if b"}" not in data:
        return 0
    text = data.decode("utf-8", "surrogateescape")
    lead = len(text) - len(text.lstrip())
    try:
        content, end = _DECODER.raw_decode(text, lead)
    except (ValueError, RecursionError):
        return 0
    return len(text[:end].encode("utf-8", "surrogateescape")) if isinstance(content, dict) else 0
