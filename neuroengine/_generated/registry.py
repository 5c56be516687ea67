"""The spec's constants: revision, errors and limits. Generated from spec/registry/spec.toml, spec/registry/errors.toml, spec/registry/limits.toml by tools/generate.py; do not edit.

sha256 2289896ee8ddd3a9af10bd742a7c90c9f287d12ae8188d79010e6b54c92c54f0
"""

from __future__ import annotations

from enum import IntEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

REVISION: Final = "2026-11-22"
BASE_URL: Final = "https://neuroengine.example/spec/2026-11-22/"
HUB_HOST: Final = "api.neuroengine.ai"
HUB_PORT: Final = 443
PROVIDER_PORT: Final = 4444
DEFAULT_SERVICE: Final = "Neuroengine-Large"


class ErrorCode(IntEnum):
    """The codes of the registry of errors."""

    OK = 0
    """The request succeeded."""
    INTERNAL_ERROR = 1
    """The hub itself failed while it handled the request."""
    INVALID_JSON = 2
    """The body is not one JSON object in UTF-8."""
    MISSING_MESSAGE = 3
    """The object holds neither `message` nor `command`."""
    INVALID_FIELD = 4
    """A field has the wrong type or is out of range; `field` names it."""
    UNKNOWN_COMMAND = 5
    """`command` is something else than `getmodels`."""
    UNKNOWN_SERVICE = 6
    """The path names no service of this hub."""
    PROVIDER_OFFLINE = 7
    """The service is known, but no provider is logged in to it."""
    QUEUE_FULL = 8
    """Too many requests wait for this service."""
    QUOTA_EXCEEDED = 9
    """The client used up what the service allows it."""
    UNAUTHORIZED = 10
    """The service needs an access key, and it is missing or wrong."""
    REQUEST_TOO_LARGE = 11
    """The request is larger than the hub or the provider's link takes."""
    PROVIDER_TIMEOUT = 12
    """The provider did not answer in time."""
    PROVIDER_ERROR = 13
    """The provider dropped the connection or answered garbage."""
    STREAM_CONFLICT = 14
    """The stream key belongs to an unfinished stream with another message, or `seq` is neither the last piece served nor the next one."""
    STREAM_LIMIT = 15
    """The hub holds as many open streams as it may."""
    SHUTTING_DOWN = 16
    """The hub is stopping."""
    NOT_READY = 17
    """No token of the stream is ready yet; the poll lost nothing."""
    STREAM_EXPIRED = 18
    """The stream was dropped, or `seq` is above 0 for a key that the hub does not know."""


class ErrorEntry(NamedTuple):
    """One row of the registry of errors."""

    code: int
    name: str
    retry: str
    http_status: int
    when: str
    cause: str
    fix: str


ERRORS: Final[Mapping[int, ErrorEntry]] = MappingProxyType(
    {
        0: ErrorEntry(0, "ok", "no", 200, "The request succeeded.", "Nothing is wrong.", "Nothing to do."),
        1: ErrorEntry(1, "internal_error", "yes", 500, "The hub itself failed while it handled the request.", "A fault in the hub, not in the request.", "Send the request again; if it keeps failing, tell the hub's operator the time of the request."),
        2: ErrorEntry(2, "invalid_json", "no", 400, "The body is not one JSON object in UTF-8.", "Text that is no JSON, `NaN` or `Infinity`, a duplicate key, a byte-order mark, invalid UTF-8, a lone surrogate, nesting over 64 levels, or JSON that is no object.", "Send exactly one JSON object, encoded as UTF-8, written by a JSON library."),
        3: ErrorEntry(3, "missing_message", "no", 422, "The object holds neither `message` nor `command`.", "The prompt is missing, or its member has another name.", "Put the prompt into `message`; the empty string is allowed."),
        4: ErrorEntry(4, "invalid_field", "no", 422, "A field has the wrong type or is out of range; `field` names it.", "A value that the field's schema does not allow, `null` or a boolean among them.", "Correct the field that the answer names; its type and range stand in the field table."),
        5: ErrorEntry(5, "unknown_command", "no", 422, "`command` is something else than `getmodels`.", "A misspelt command, a command of another revision, or a command that is no string.", "Send `getmodels`, or leave `command` out to generate."),
        6: ErrorEntry(6, "unknown_service", "no", 404, "The path names no service of this hub.", "A misspelt name: names are matched exactly, upper and lower case matter.", "Take a name from getmodels."),
        7: ErrorEntry(7, "provider_offline", "yes", 503, "The service is known, but no provider is logged in to it.", "The provider's machine is off or lost its connection.", "Try again later, or choose a service that getmodels shows as connected."),
        8: ErrorEntry(8, "queue_full", "yes", 429, "Too many requests wait for this service.", "More requests came than the provider can answer.", "Wait and try again, each time a little later."),
        9: ErrorEntry(9, "quota_exceeded", "after", 429, "The client used up what the service allows it.", "A usage limit of the service or of the access key.", "Wait for `retry_after` seconds before the next request."),
        10: ErrorEntry(10, "unauthorized", "no", 401, "The service needs an access key, and it is missing or wrong.", "No `Authorization: Bearer` header, or a key that the hub does not know.", "Ask the service's operator for an access key and send it as `Authorization: Bearer {access key}`."),
        11: ErrorEntry(11, "request_too_large", "no", 413, "The request is larger than the hub or the provider's link takes.", "The body is over the limit `http_body_bytes`, or the request written for the provider is over `provider_frame_bytes`.", "Shorten the message."),
        12: ErrorEntry(12, "provider_timeout", "yes", 504, "The provider did not answer in time.", "A slow model, a long reply, or a provider that hangs.", "Ask for a shorter reply with `max_new_len`, use a stream, or try again."),
        13: ErrorEntry(13, "provider_error", "yes", 502, "The provider dropped the connection or answered garbage.", "The provider crashed, lost its connection, or is broken.", "Try again; if it keeps failing, tell the service's operator."),
        14: ErrorEntry(14, "stream_conflict", "no", 409, "The stream key belongs to an unfinished stream with another message, or `seq` is neither the last piece served nor the next one.", "A stream key used for two streams, or a client that lost count.", "Draw a new random stream key for each stream, and ask for pieces in order."),
        15: ErrorEntry(15, "stream_limit", "yes", 429, "The hub holds as many open streams as it may.", "Many clients, or streams that were opened and abandoned.", "Wait and try again; read each stream to its end."),
        16: ErrorEntry(16, "shutting_down", "yes", 503, "The hub is stopping.", "The hub's operator restarts or stops it.", "Try again in a few seconds."),
        17: ErrorEntry(17, "not_ready", "at-once", 503, "No token of the stream is ready yet; the poll lost nothing.", "The model is slow, or the request still waits in the queue.", "Poll again at once with the same key."),
        18: ErrorEntry(18, "stream_expired", "no", 410, "The stream was dropped, or `seq` is above 0 for a key that the hub does not know.", "No poll came for longer than the limit `stream_idle_s`.", "Start again with a new stream key, and poll without long pauses."),
    }
)
"""The registry of errors, by code."""

SERVICE_NAME_CHARS: Final = 64
"""Names stand in paths, logs and tables. Unit: characters."""

STREAM_KEY_CHARS: Final = 256
"""Room for any encoding of 32 random bytes and more. Unit: characters."""

JSON_DEPTH_LEVELS: Final = 64
"""No message needs more than two levels; deep nesting exhausts recursive parsers. Unit: levels."""

HTTP_BODY_BYTES: Final = 65536
"""Longer prompts cannot be forwarded: a provider frame is smaller still. Unit: bytes."""

PROVIDER_FRAME_BYTES: Final = 49151
"""Deployed providers cut a frame above 49,151 bytes. Providers of 2023 take 10,240. Unit: bytes."""

PROVIDER_PAYLOAD_BYTES: Final = 4194304
"""A bound on the memory that one provider answer may take. Unit: bytes."""

LOGIN_BYTES: Final = 4096
"""A login holds two short strings. Unit: bytes."""

LOGIN_S: Final = 30
"""A connection that never logs in must not be kept. Unit: seconds."""

MAX_NEW_LEN_TOKENS: Final = 4096
"""A larger `max_new_len` is lowered to it silently. Unit: tokens."""

QUEUE_REQUESTS: Final = 100
"""Requests that wait for one service. Unit: requests."""

OPEN_STREAMS: Final = 10000
"""A bound on the memory that streams may take. Unit: streams."""

PROVIDER_ANSWER_S: Final = 180
"""Home machines are slow; a whole reply may take minutes. Unit: seconds."""

QUEUE_S: Final = 30
"""How long a request waits for a provider that is away. It runs only while no provider is there. Unit: seconds."""

LONG_POLL_S: Final = 15
"""Deployed clients give up a poll after 20 seconds. Unit: seconds."""

STREAM_IDLE_S: Final = 120
"""A stream that nobody polls is dropped. Unit: seconds."""

END_KEPT_S: Final = 60
"""A repeated last poll must not start a second generation. Unit: seconds."""

PING_S: Final = 30
"""The oldest deployed provider reconnects after 60 seconds without a ping. Unit: seconds."""

KEEP_WARM_S: Final = 10
"""Deployed clients give up after 20 seconds without a byte; a blank keeps them waiting. Unit: seconds."""

HTTP_HEADER_BYTES: Final = 16384
"""A request's first line and headers; no client needs more than a few hundred bytes. Unit: bytes."""

HTTP_HEADER_S: Final = 10
"""How long the first line and the headers may take: a slow sender must not hold a connection for ever. Unit: seconds."""

HTTP_BODY_S: Final = 30
"""How long a body may take, from its first byte to its last. Unit: seconds."""

UNREAD_S: Final = 30
"""How long the other side may leave unread what the hub has sent before the hub cuts the connection. Unit: seconds."""

HUB_LIMITS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "http_body_bytes": HTTP_BODY_BYTES,
        "provider_frame_bytes": PROVIDER_FRAME_BYTES,
        "provider_payload_bytes": PROVIDER_PAYLOAD_BYTES,
        "login_bytes": LOGIN_BYTES,
        "login_s": LOGIN_S,
        "max_new_len_tokens": MAX_NEW_LEN_TOKENS,
        "queue_requests": QUEUE_REQUESTS,
        "open_streams": OPEN_STREAMS,
        "provider_answer_s": PROVIDER_ANSWER_S,
        "queue_s": QUEUE_S,
        "long_poll_s": LONG_POLL_S,
        "stream_idle_s": STREAM_IDLE_S,
        "end_kept_s": END_KEPT_S,
        "ping_s": PING_S,
        "keep_warm_s": KEEP_WARM_S,
        "http_header_bytes": HTTP_HEADER_BYTES,
        "http_header_s": HTTP_HEADER_S,
        "http_body_s": HTTP_BODY_S,
        "unread_s": UNREAD_S,
    }
)
"""A hub's own limits with their defaults, by name."""
