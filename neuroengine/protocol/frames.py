"""What travels over the provider link, seen by the provider: reads the hub's frames, writes the login and the answers.

Laws:

- Pure: bytes in, objects out; no socket, no clock.
- A hub's frame is one JSON object with no length and no delimiter, so only its own braces tell where it ends.
  `FrameReader` finds that end in one pass over the bytes, however they were cut and however many frames they hold; it
  never reads a byte twice.
- Cuts never matter: the same bytes give the same frames and the same fault, whole or byte by byte.
- While the end of a frame can be told, the link can be saved: an object that is not strict JSON (`NaN`, a duplicate
  key, invalid UTF-8) costs one error answer. Bytes that are no object, or an object that does not end, cannot be
  followed: they cost the link.
- What is written is plain ASCII: nobody can cut a character in it, and a hub that counts characters counts bytes.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final, NoReturn

from neuroengine._generated.registry import PROVIDER_FRAME_BYTES, PROVIDER_PAYLOAD_BYTES, ErrorCode

if TYPE_CHECKING:
    from collections.abc import Mapping

FRAME_BYTES: Final = 32 * PROVIDER_FRAME_BYTES
"""The longest frame that is read. A hub may raise its own limit, so this is far above the usual one; it only keeps an
object that never ends from taking all memory."""

_NOT_ASCII: Final = re.compile(r"[^\x00-\x7F]+")
_SPACE: Final = re.compile(rb"[ \t\n\r]*+")
_UP_TO_STRUCTURE: Final = re.compile(rb'[^"{}]*+')
_UP_TO_QUOTE: Final = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)
_OPEN: Final = ord("{")
_QUOTE: Final = ord('"')


class UnreadableFrame(ValueError):
    """Raised when a whole frame is no strict JSON object in UTF-8."""


class NotAnAnswer(ValueError):
    """Raised when what a callback returned cannot be sent as an answer."""


class FrameReader:
    """Cuts what the hub sends into frames.

    `fault` is None until the bytes can no longer be followed; then it says why, and nothing more is read.
    """

    __slots__ = ("_depth", "_escaped", "_in_string", "_partial", "fault")

    def __init__(self) -> None:
        self.fault: str | None = None
        self._partial = bytearray()
        self._depth = 0
        self._in_string = False
        self._escaped = False

    @property
    def inside_frame(self) -> bool:
        """Whether a frame has begun and not ended."""
        return self._depth > 0

    def feed(self, data: bytes) -> list[bytes]:
        """Takes the next bytes from the hub; returns the frames that they complete, without white space around them."""
        frames: list[bytes] = []
        position = 0
        while position < len(data) and self.fault is None:
            if self._depth == 0:
                position = self._begin(data, position)
                continue
            end = self._end_of_frame(data, position)
            self._partial += data[position:end]
            position = end
            if len(self._partial) > FRAME_BYTES:
                self.fault = f"the hub sent a frame of more than {FRAME_BYTES:,} bytes"
            elif self._depth == 0:
                frames.append(bytes(self._partial))
                self._partial.clear()
        return frames

    def _begin(self, data: bytes, position: int) -> int:
        """Skips the padding between frames and steps into the next one; returns the new position."""
        position = _match_end(_SPACE, data, position)
        if position == len(data):
            return position
        if data[position] != _OPEN:
            self.fault = f"the hub sent the byte 0x{data[position]:02X} where a JSON object must begin"
            return position
        self._depth = 1
        self._partial.append(_OPEN)
        return position + 1

    def _end_of_frame(self, data: bytes, position: int) -> int:
        """Goes on to the end of the frame or of the data, whichever comes first, and returns the position behind it."""
        size = len(data)
        while position < size and self._depth:
            if self._escaped:
                self._escaped = False
            elif self._in_string:
                position = _match_end(_UP_TO_QUOTE, data, position)
                if position == size:
                    break
                # What stops the pattern is the closing quote, or a backslash whose character is still to come.
                self._in_string = False
                if data[position] != _QUOTE:
                    self._in_string = self._escaped = True
            else:
                position = _match_end(_UP_TO_STRUCTURE, data, position)
                if position == size:
                    break
                if data[position] == _QUOTE:
                    self._in_string = True
                else:
                    self._depth += 1 if data[position] == _OPEN else -1
            position += 1
        return position


def read_object(frame: bytes) -> dict[str, Any]:
    """The JSON object that a frame holds.

    Raises:
        UnreadableFrame: it is no strict JSON object: invalid UTF-8, broken JSON, `NaN` or `Infinity`, a duplicate
            key, a number with too many digits, or nesting that no parser takes.
    """
    try:
        return _read_text(frame.decode("utf-8"))
    except UnicodeDecodeError:
        raise UnreadableFrame("it is not UTF-8") from None


def write_login(service: str, key: str, *, streaming: bool = False) -> bytes:
    """The login object (NE-PROV-002). `streaming` asks for every poll of a stream to be forwarded."""
    login: dict[str, Any] = {"user": service, "key": key}
    if streaming:
        login["streaming"] = True
    return json.dumps(login).encode("ascii")


def payload_of(answer: Mapping[str, Any]) -> bytes:
    """The payload that holds `answer`. Lone surrogates, which no UTF-8 can hold, become U+FFFD.

    Raises:
        NotAnAnswer: `reply` is no string, `errorcode` no integer, a value is no JSON, or the payload is longer than a
            hub takes.
    """
    _check_answer(answer)
    try:
        text = json.dumps(dict(answer), ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise NotAnAnswer(f"it cannot be written as JSON: {error}") from None
    return _payload(text)


def payload_of_text(text: object) -> bytes:
    """The payload that holds the JSON text which a callback returned, every value spelt as it is there (NE-PYP-006).

    Raises:
        NotAnAnswer: it is no text, or no JSON object with a string `reply` and, if there is one, an integer
            `errorcode`; or it is longer than a hub takes.
    """
    if not isinstance(text, str):
        raise NotAnAnswer(f"it is {type(text).__name__} and not JSON text")
    try:
        answer = _read_text(text)
    except UnreadableFrame as error:
        raise NotAnAnswer(str(error)) from None
    _check_answer(answer)
    return _payload(text)


def error_payload(sentence: str, code: int = ErrorCode.PROVIDER_ERROR) -> bytes:
    """The payload that stands for an answer that could not be given; `sentence` is for the person at the client."""
    return payload_of({"reply": sentence, "errorcode": int(code)})


def write_answer(payload: bytes) -> bytes:
    """An answer in one piece: 8 hex digits that count the payload's bytes, and the payload (NE-PROV-006)."""
    return f"{len(payload):08X}".encode("ascii") + payload


def _match_end(pattern: re.Pattern[bytes], data: bytes, position: int) -> int:
    """Where the run ends that `pattern`, which also matches nothing, finds at `position`."""
    found = pattern.match(data, position)
    return found.end() if found else position


def _read_text(text: str) -> dict[str, Any]:
    """The one JSON object that `text` is; raises UnreadableFrame."""
    try:
        value = json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_unique_members)
    except RecursionError:
        raise UnreadableFrame("it is nested too deeply") from None
    except ValueError as error:
        raise UnreadableFrame(str(error)) from None
    if not isinstance(value, dict):
        raise UnreadableFrame("it is no JSON object")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise UnreadableFrame(f"{name} is no JSON")


def _unique_members(members: list[tuple[str, Any]]) -> dict[str, Any]:
    unique = dict(members)
    if len(unique) != len(members):
        raise UnreadableFrame("a member stands in it twice")
    return unique


def _check_answer(answer: Mapping[str, Any]) -> None:
    """Raises NotAnAnswer unless a hub would hand `answer` on."""
    if not isinstance(answer.get("reply"), str):
        raise NotAnAnswer("its `reply` is no string")
    code = answer.get("errorcode", 0)
    whole = isinstance(code, int) or (isinstance(code, float) and code.is_integer())  # JSON calls 40.0 an integer
    if isinstance(code, bool) or not whole:
        raise NotAnAnswer("its `errorcode` is no integer")


def _payload(json_text: str) -> bytes:
    """The same JSON in ASCII. Outside strings JSON is ASCII already, so every other character may become an escape."""
    if not json_text.isascii():
        whole_characters = json_text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        json_text = _NOT_ASCII.sub(lambda run: json.dumps(run[0])[1:-1], whole_characters)
    payload = json_text.encode("ascii")
    if len(payload) > PROVIDER_PAYLOAD_BYTES:  # NE-PROV-014
        raise NotAnAnswer(f"it takes {len(payload):,} bytes, and a hub takes {PROVIDER_PAYLOAD_BYTES:,} at most")
    return payload
