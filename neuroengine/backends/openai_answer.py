"""What an OpenAI-compatible server answers: the text of a reply, whole or event by event, or a refusal.

Laws:

- Pure: bytes in, text out; cuts never matter.
- Events are read by lines (`data: {...}`), since that is all that these servers use of server-sent events: comments,
  blank lines and other fields are skipped, any line end is taken, and a line without a field's name is read as data.
- A reply is whole when the server said so, by a `finish_reason` or by `[DONE]`; servers leave out one or the other. A
  stream that ends without either broke off, so a server that died never looks like a short reply.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from neuroengine._generated.registry import PROVIDER_PAYLOAD_BYTES

EVENT_BYTES: Final = 6 * PROVIDER_PAYLOAD_BYTES
"""The longest line that is read: the longest reply that a hub takes, every byte of it escaped."""

_LINE_END: Final = re.compile(rb"[\r\n]")
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_EXCERPT_CHARS: Final = 500
"""How much of a refusal goes to the log."""
_TOO_LONG: Final = re.compile(r"context[ _](?:length|size|window)|too long|too many tokens", re.IGNORECASE)
_UNKNOWN: Final = re.compile(
    r"unrecogni[sz]ed|unknown|unsupported|not supported|not permitted|not allowed|unexpected|extra_forbidden|no such|"
    r"cannot find|additional prop",
    re.IGNORECASE,
)


class BrokenOff(Exception):
    """Raised when an answer is none of an OpenAI-compatible server's, or ends before the reply does."""


class Refusal(Exception):
    """Raised when a server answered an error instead of a reply.

    Attributes:
        status: the HTTP status, or the one that an error inside a stream stands for.
        words: what the server said, for the log.
        retry_after: the seconds to wait before the next request, or None.
    """

    def __init__(self, status: int, words: str, *, retry_after: int | None = None) -> None:
        super().__init__(f"status {status}: {words[:_EXCERPT_CHARS]!r}")
        self.status = status
        self.words = words
        self.retry_after = retry_after

    @property
    def is_about_request(self) -> bool:
        """Whether the server found fault with the request itself."""
        return self.status in {400, 422}

    @property
    def is_about_unknown_fields(self) -> bool:
        """Whether it says that it does not know a field, as opposed to not liking its value."""
        return self.is_about_request and _UNKNOWN.search(self.words) is not None

    def names(self, field: str) -> bool:
        """Whether it names a field of the request."""
        return re.search(rf"\b{field}\b", self.words) is not None

    def sentence(self, *, raw: bool) -> str:
        """What a client may be told: no addresses, no keys, none of the server's own words."""
        if self.status == 413 or (self.is_about_request and _TOO_LONG.search(self.words)):
            return "The prompt, with the longest reply that was asked for, is too long for the model."
        if self.status in {404, 405, 501} and raw and "model" not in self.words.lower():
            return "The model takes no raw prompts; ask without raw."
        if self.status == 429:
            when = f"in {self.retry_after} s" if self.retry_after is not None else "later"
            return f"The model is busy; try again {when}."
        return _SENTENCES.get(self.status, "The model failed.")


_SENTENCES: Final = {
    400: "The model did not accept the request.",
    401: "The provider may not use its model at the moment; its operator has to check the key.",
    403: "The provider may not use its model at the moment; its operator has to check the key.",
    404: "The provider's model is not there at the moment; its operator has to check its name.",
    408: "The model took too long.",
    422: "The model did not accept the request.",
    503: "The model is not ready; try again later.",
    504: "The model took too long.",
}


class ReplyReader:
    """Reads a streamed reply. `is_whole` once the server said that it ends."""

    def __init__(self) -> None:
        self.is_whole = False
        self._line = bytearray()
        self._begun = False

    def feed(self, data: bytes) -> list[str]:
        """Takes the next bytes, `b""` at the end of the body; returns the text of each event, which may be empty.

        Raises:
            Refusal: the server reports an error inside the stream.
            BrokenOff: an event is none of a reply's, or the body ends before the reply.
        """
        *lines, rest = _LINE_END.split(data) if data else (b"", b"")
        texts = []
        for line in lines:
            whole, self._line = bytes(self._line + line), bytearray()
            texts += self._read_line(whole)
        self._line += rest
        if len(self._line) > EVENT_BYTES:
            raise BrokenOff(f"an event is longer than {EVENT_BYTES} bytes")
        if not data and not self.is_whole:
            raise BrokenOff("the stream ended before the reply did")
        return texts

    def _read_line(self, line: bytes) -> list[str]:
        """The text of the event that a line holds, if it holds one."""
        if not self._begun:
            line = line.removeprefix(_BYTE_ORDER_MARK)
            self._begun = True
        if self.is_whole or not line.strip() or line.startswith(b":"):
            return []
        field, colon, value = line.partition(b":")
        if line.startswith(b"{"):  # some servers send an error as bare JSON
            field, value = b"data", line
        elif field not in {b"data", b"error"} or not colon:
            return []
        value = value.strip()
        if not value:
            return []
        if value == b"[DONE]":
            self.is_whole = True
            return []
        event = _parsed(value)
        if field == b"error":  # llama.cpp up to 2025 names the field so
            raise _reported({"error": event})
        text, ended = _delta(event)
        self.is_whole = ended
        return [text]


def whole_reply(body: bytes) -> str:
    """The text of a reply that came whole.

    Raises:
        Refusal: the server reports an error.
        BrokenOff: it is no reply.
    """
    value = _parsed(body)
    choices = value.get("choices")
    if "error" not in value and not (isinstance(choices, list) and choices):
        raise BrokenOff(f"the answer holds no choices: {_excerpt(body)}")
    return _delta(value)[0]


def model_names(body: bytes) -> list[str]:
    """The names in a server's list of models.

    Raises:
        BrokenOff: it is no such list.
    """
    entries = _parsed(body).get("data")
    if entries is None:  # Ollama writes an empty list so
        return []
    names = [entry.get("id") for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else [None]
    if not all(isinstance(name, str) for name in names):
        raise BrokenOff(f"the answer is no list of models: {_excerpt(body)}")
    return [str(name) for name in names]


def _delta(event: dict[str, Any]) -> tuple[str, bool]:
    """The text of an event or of a whole answer, and whether the reply ends with it.

    What a model thinks (`reasoning`, `reasoning_content`) is no part of its reply.
    """
    if event.get("error") or event.get("object") == "error":
        raise _reported(event)
    choices = event.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else {}
    if not isinstance(choice, dict):
        raise BrokenOff(f"a choice is {type(choice).__name__} and no object")
    ended = choice.get("finish_reason")
    if ended == "error":
        raise Refusal(500, "finish_reason is error")
    message = choice.get("delta") or choice.get("message") or {}
    content = message.get("content") if isinstance(message, dict) else None
    return _text(content if content is not None else choice.get("text")), bool(ended)


def _text(content: object) -> str:
    """The text of a content: text, nothing, or a list of parts of which some are text."""
    if isinstance(content, list):
        return "".join(_text(part.get("text")) for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def _reported(event: dict[str, Any]) -> Refusal:
    """The error that an event reports; it counts as the server's fault where it has no HTTP status."""
    error = event.get("error") or event
    code = error.get("code") if isinstance(error, dict) else None
    status = code if isinstance(code, int) and 400 <= code < 600 else 500
    return Refusal(status, json.dumps(error))


def _parsed(text: bytes) -> dict[str, Any]:
    """The JSON object in a text; bytes that are no UTF-8 count as U+FFFD."""
    try:
        value = json.loads(text.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise BrokenOff(f"it is no JSON object: {_excerpt(text)}")
    return value


def _excerpt(text: bytes) -> str:
    return repr(text[:_EXCERPT_CHARS].decode("utf-8", "replace"))
