"""The journal as an HTTP archive (HAR 1.2): http://www.softwareishard.com/blog/har-12-spec/.

What the journal does not keep is said as the format wants it said: sizes of headers are -1, cookies are none. Members
of our own begin with an underscore, as the format asks. Stream keys are redacted, and no other key is in the journal.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from neuroengine._version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mockserver.journal.entry import Entry

VERSION: Final = "1.2"
_JSON: Final = "application/json"
_HTTP: Final = "HTTP/1.1"
_UNKNOWN: Final = -1
_OK: Final = 200
_NO_STATUS: Final = 0
"""What the format says of a request without an answer."""


def archive(entries: Iterable[Entry], base_url: str, epoch: float) -> dict[str, Any]:
    """An archive of the entries; `epoch` is the time of day at which the hub's clock was 0, in seconds."""
    return {
        "log": {
            "version": VERSION,
            "creator": {"name": "neuroengine mock hub", "version": __version__},
            "entries": [_entry(entry, base_url.rstrip("/"), epoch) for entry in entries],
        }
    }


def _entry(entry: Entry, base_url: str, epoch: float) -> dict[str, Any]:
    wait_ms = 1000 * (entry.seconds or 0.0)
    return {
        "startedDateTime": datetime.fromtimestamp(epoch + entry.at, UTC).isoformat(timespec="microseconds"),
        "time": wait_ms,
        "request": _request(entry, base_url),
        "response": _response(entry),
        "cache": {},
        "timings": {"send": 0, "wait": wait_ms, "receive": 0},
        "comment": str(entry),
        "_mock": _mock(entry),
    }


def _request(entry: Entry, base_url: str) -> dict[str, Any]:
    return {
        "method": "POST",
        "url": base_url + quote(entry.path),
        "httpVersion": _HTTP,
        "cookies": [],
        "headers": [{"name": "content-type", "value": _JSON}],
        "queryString": [],
        "postData": {"mimeType": _JSON, "text": json.dumps(entry.request)},
        "headersSize": _UNKNOWN,
        "bodySize": _UNKNOWN,
    }


def _response(entry: Entry) -> dict[str, Any]:
    text = json.dumps(entry.answer) if entry.is_answered else ""
    status = (entry.status or _OK) if entry.is_answered else _NO_STATUS
    return {
        "status": status,
        "statusText": HTTPStatus(status).phrase if status else "",
        "httpVersion": _HTTP,
        "cookies": [],
        "headers": [{"name": "content-type", "value": _JSON}] if status else [],
        "content": {"size": len(text), "mimeType": _JSON, "text": text},
        "redirectURL": "",
        "headersSize": _UNKNOWN,
        "bodySize": len(text) if status else _UNKNOWN,
    }


def _mock(entry: Entry) -> dict[str, Any]:
    """What only a mock hub knows of an exchange."""
    leg = entry.provider
    return {
        "number": entry.number,
        "service": entry.service,
        "poll": entry.poll,
        "rules": list(entry.rules),
        "near_miss": entry.near_miss,
        "faults": list(entry.faults),
        "client_left": entry.left,
        "provider": leg and {"link": leg.link, "request": leg.request, "payload": _text(leg.payload)},
    }


def _text(payload: bytes | None) -> str | None:
    return None if payload is None else payload.decode("utf-8", "replace")
