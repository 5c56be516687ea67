"""What a hub says to a client, before it becomes bytes."""

from __future__ import annotations

from typing import Any, NamedTuple

from neuroengine._generated.registry import ERRORS, ErrorCode


class Forwarded:
    """What went to a provider for an answer, and what came back; the journal shows it.

    `link` is the number of the connection; it and `sent_at` are None while the request waits in the queue. `payload`
    is None as long as nothing whole came back. `faults` are the names of those that were to befall either way.
    """

    __slots__ = ("answered_at", "faults", "frame", "link", "payload", "sent_at")

    def __init__(self, frame: bytes) -> None:
        self.frame = frame
        self.faults: tuple[str, ...] = ()
        self.link: int | None = None
        self.sent_at: float | None = None
        self.payload: bytes | None = None
        self.answered_at: float | None = None


class Answer(NamedTuple):
    """One answer: `content` is the JSON to send, `code` its meaning in the registry, or a provider's own code.

    `forwarded` tells how a provider had its part in it, if one had.
    """

    content: dict[str, Any] | list[dict[str, Any]]
    code: int = 0
    forwarded: Forwarded | None = None

    @property
    def matching_status(self) -> int:
        """The HTTP status that the registry names for the code; 200 for a provider's own."""
        entry = ERRORS.get(self.code)
        return entry.http_status if entry else 200


def success(reply: str) -> Answer:
    """A whole reply or a piece."""
    return Answer({"reply": reply, "errorcode": 0})


def shutting_down() -> Answer:
    """What everybody is answered with when the hub stops."""
    return failure(ErrorCode.SHUTTING_DOWN, "The hub is stopping.")


def failure(code: ErrorCode, why: str, *, field: str | None = None, retry_after: float | None = None) -> Answer:
    """An error of the hub's own.

    `why` is a sentence for a person; what the reader can do about it, from the registry, is added to it.
    """
    content: dict[str, Any] = {
        "reply": f"{why} {ERRORS[code].fix}",
        "errorcode": int(code),
        "error": ERRORS[code].name,
    }
    if field is not None:
        content["field"] = field
    if retry_after is not None:
        content["retry_after"] = retry_after
    return Answer(content, int(code))
