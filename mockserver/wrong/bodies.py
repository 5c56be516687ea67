"""Hubs that are wrong in how they read a body.

A hub that takes what must be refused mends the one fault and reads the rest as a right hub does, so that a body with
another fault is refused as ever.
"""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any

from mockserver.state.answers import Answer, failure
from mockserver.state.behaviour import Behaviour
from mockserver.state.generations import Refused
from mockserver.state.json_text import BadJson, read_object, without_lone_surrogates
from mockserver.wrong.wrong_hub import WrongHub
from neuroengine._generated.registry import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Callable

_SOME_DEPTH = 32
_LARGEST = 1e308


class JsonTypeDemanded(Behaviour):
    """Reads a body only when its content type says JSON."""

    def read_body(self, body: bytes, content_type: str) -> dict[str, Any]:
        """Refuses another content type."""
        if "json" not in content_type:
            raise BadJson("its content type is not application/json")
        return super().read_body(body, content_type)


class AsciiDemanded(Behaviour):
    """Refuses a body that is not ASCII."""

    def read_body(self, body: bytes, content_type: str) -> dict[str, Any]:
        """Refuses raw UTF-8."""
        if not body.isascii():
            raise BadJson("it is not ASCII")
        return super().read_body(body, content_type)


class BadBodyIsEmptyObject(Behaviour):
    """Takes a body that is no JSON for a greeting."""

    def read_body(self, body: bytes, content_type: str) -> dict[str, Any]:
        """A request of its own making, where the body cannot be read."""
        try:
            return read_object(body)
        except BadJson:
            return {"message": "Hello"}


class DeepBodyRefused(Behaviour):
    """Refuses a body that is nested over 32 levels."""

    def read_body(self, body: bytes, content_type: str) -> dict[str, Any]:
        """Refuses it."""
        request = super().read_body(body, content_type)
        if _depth(request) > _SOME_DEPTH:
            raise BadJson(f"it is nested over {_SOME_DEPTH} levels")
        return request


class FaultyBodyUnanswered(Behaviour):
    """Answers a faulty body with a line that is no JSON."""

    def render(self, answer: Answer) -> bytes:
        """The line."""
        return b"Bad Request" if answer.code == ErrorCode.INVALID_JSON else super().render(answer)


class FaultyBodyIsTheEnd(Behaviour):
    """Serves nobody any more once it has read a faulty body."""

    _is_over = False

    def read_body(self, body: bytes, content_type: str) -> dict[str, Any]:
        """Refuses every body behind the first faulty one."""
        if self._is_over:
            raise Refused(failure(ErrorCode.INTERNAL_ERROR, "The hub has failed."))
        try:
            return super().read_body(body, content_type)
        except BadJson:
            self._is_over = True
            raise


class OversizedNumberUnanswered(Behaviour):
    """Answers a number that no double holds with a line that is no JSON."""

    _was_seen = False

    def read_body(self, body: bytes, content_type: str) -> dict[str, Any]:
        """Notes the number."""
        try:
            return super().read_body(body, content_type)
        except BadJson:
            self._was_seen = _holds_oversized_number(body)
            raise

    def render(self, answer: Answer) -> bytes:
        """The line."""
        was_seen, self._was_seen = self._was_seen, False
        return b"Overflow" if was_seen else super().render(answer)


class EscapedSlashKept(Behaviour):
    """Takes an escaped slash for two characters, and refuses it where no letter follows."""

    def read_body(self, body: bytes, content_type: str) -> dict[str, Any]:
        """Escapes the backslash."""
        if re.search(rb"\\/[^A-Za-z]", body):
            raise BadJson("it holds an unknown escape")
        return super().read_body(body.replace(b"\\/", b"\\\\/"), content_type)


def _refusing(part: bytes) -> type[Behaviour]:
    """A behaviour that refuses every body with these bytes in it."""

    class Refusing(Behaviour):
        """Refuses a spelling."""

        def read_body(self, body: bytes, content_type: str) -> dict[str, Any]:
            """Refuses it."""
            if part in body:
                raise BadJson("it holds an unknown escape")
            return super().read_body(body, content_type)

    return Refusing


def _rewriting(rewrite: Callable[[bytes], bytes]) -> type[Behaviour]:
    """A behaviour that reads another text than the one that came."""

    class Rewritten(Behaviour):
        """Rewrites every body before it is read."""

        def read_body(self, body: bytes, content_type: str) -> dict[str, Any]:
            """Reads the other text."""
            return super().read_body(rewrite(body), content_type)

    return Rewritten


def _mending(mend: Callable[[bytes], object]) -> type[Behaviour]:
    """A behaviour that accepts a kind of faulty body: `mend` gives the value without the fault, or raises."""

    class Mended(Behaviour):
        """Accepts a faulty body."""

        def read_body(self, body: bytes, content_type: str) -> dict[str, Any]:
            """Mends a body that a right hub refuses; what cannot be mended is refused for what it was."""
            try:
                return super().read_body(body, content_type)
            except BadJson as refusal:
                try:
                    mended = json.dumps(mend(body)).encode("ascii")
                except (ValueError, RecursionError):
                    raise refusal from None
                return super().read_body(mended, content_type)

    return Mended


def _text_for_message(body: bytes) -> object:
    value = json.loads(body)
    return {"message": value} if isinstance(value, str) else value


def _without_nan(body: bytes) -> object:
    return json.loads(body, parse_constant=lambda _: 0, object_pairs_hook=_once)


def _without_duplicates(body: bytes) -> object:
    return json.loads(body)


def _without_mark(body: bytes) -> object:
    return json.loads(body.removeprefix(b"\xef\xbb\xbf").decode("utf-8"), object_pairs_hook=_once)


def _without_bad_bytes(body: bytes) -> object:
    return json.loads(body.decode("utf-8", "replace"), object_pairs_hook=_once)


def _without_lone_surrogates(body: bytes) -> object:
    return without_lone_surrogates(json.loads(body.decode("utf-8"), object_pairs_hook=_once))


def _without_depth(body: bytes) -> object:
    return _cut_down(json.loads(body.decode("utf-8"), object_pairs_hook=_once), _SOME_DEPTH)


def _without_oversized_numbers(body: bytes) -> object:
    return json.loads(body.decode("utf-8"), object_pairs_hook=_once, parse_float=_lowered, parse_int=_lowered_integer)


def _lowered(text: str) -> float:
    return max(-_LARGEST, min(_LARGEST, float(text)))


def _lowered_integer(text: str) -> float:
    return int(text) if math.isfinite(float(text)) else _lowered(text)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a member is named twice")
    return members


def _cut_down(value: Any, levels: int) -> Any:
    if not levels:
        return None
    if isinstance(value, dict):
        return {name: _cut_down(member, levels - 1) for name, member in value.items()}
    return [_cut_down(item, levels - 1) for item in value] if isinstance(value, list) else value


def _depth(value: Any) -> int:
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return max((1 + _depth(item) for item in items), default=1)


def _holds_oversized_number(body: bytes) -> bool:
    return any(math.isinf(float(number)) for number in re.findall(rb"\d+(?:\.\d+)?(?:[eE]\+?\d+)?", body))


WRONG_HUBS = (
    WrongHub("json_type_demanded", "NE-BODY-001", "reads a body only as application/json", JsonTypeDemanded),
    WrongHub("ascii_demanded", "NE-BODY-002", "refuses raw UTF-8", AsciiDemanded),
    WrongHub(
        "escapes_kept",
        "NE-BODY-003",
        r"takes \u00e9 for six characters",
        _rewriting(lambda body: body.replace(b"\\u", b"\\\\u")),
    ),
    WrongHub("escapes_refused", "NE-BODY-003", r"refuses \u00e9", _refusing(b"\\u")),
    WrongHub("escaped_slash_kept", "NE-BODY-004", r"takes \/ for two characters, or for none", EscapedSlashKept),
    WrongHub("escaped_slash_refused", "NE-BODY-004", r"refuses \/", _refusing(b"\\/")),
    WrongHub("faulty_body_unanswered", "NE-BODY-007", "answers a faulty body with no JSON", FaultyBodyUnanswered),
    WrongHub("faulty_body_is_the_end", "NE-BODY-008", "serves nobody after a faulty body", FaultyBodyIsTheEnd),
    WrongHub("oversized_number_unanswered", "NE-BODY-009", "answers 1e999 with no JSON", OversizedNumberUnanswered),
    WrongHub("text_is_message", "NE-BODY-010", "takes a JSON string for a request", _mending(_text_for_message)),
    WrongHub("nan_is_zero", "NE-BODY-011", "reads NaN as 0", _mending(_without_nan)),
    WrongHub("last_duplicate_wins", "NE-BODY-012", "takes the last of two members", _mending(_without_duplicates)),
    WrongHub("mark_skipped", "NE-BODY-013", "skips a byte-order mark", _mending(_without_mark)),
    WrongHub("bad_bytes_replaced", "NE-BODY-014", "replaces what is not UTF-8", _mending(_without_bad_bytes)),
    WrongHub("lone_surrogates_replaced", "NE-BODY-015", "replaces lone surrogates", _mending(_without_lone_surrogates)),
    WrongHub("any_depth_accepted", "NE-BODY-016", "takes a body of any depth", _mending(_without_depth)),
    WrongHub("depth_33_refused", "NE-BODY-017", "refuses a body of more than 32 levels", DeepBodyRefused),
    WrongHub("huge_numbers_lowered", "NE-BODY-018", "lowers 1e999 to 1e308", _mending(_without_oversized_numbers)),
    WrongHub("bad_body_accepted", "NE-CODE-002", "takes a body that is no JSON for a greeting", BadBodyIsEmptyObject),
)
