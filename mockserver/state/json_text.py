"""Reads JSON the way the protocol wants it read: one object, strict, from bytes that anybody may have sent.

Nothing here raises anything but `BadJson`: a body is a stranger's, and no text may crash the hub or hang it.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

from neuroengine._generated.registry import JSON_DEPTH_LEVELS


class BadJson(ValueError):
    """Raised when bytes are not one JSON object as the protocol wants it; the text says why."""


def read_object(body: bytes, *, unique_keys: bool = True) -> dict[str, Any]:
    """The one JSON object that `body` holds, in UTF-8.

    `unique_keys` refuses an object that names a member twice, at any depth.

    Raises:
        BadJson: anything else than such an object: no UTF-8, a byte-order mark, `NaN`, `Infinity`, a number that no
        double holds, a lone surrogate, nesting over 64 levels, or JSON that is no object.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadJson(f"it is not UTF-8: byte {error.start} is wrong") from None
    try:
        value = (_UNIQUE if unique_keys else _LENIENT).decode(text)
    except BadJson:
        raise
    except RecursionError:
        raise BadJson(f"it is nested over {JSON_DEPTH_LEVELS} levels") from None
    except ValueError as error:
        raise BadJson(f"it is not JSON: {error}") from None
    if type(value) is not dict:
        raise BadJson("it is JSON, but not an object")
    # Few bodies hold so many brackets or any surrogate escape: those alone pay for a closer look.
    if text.count("{") + text.count("[") > JSON_DEPTH_LEVELS and _is_too_deep(text):
        raise BadJson(f"it is nested over {JSON_DEPTH_LEVELS} levels")
    if unique_keys and ("\\ud" in text or "\\uD" in text) and _has_lone_surrogate(value):
        raise BadJson("it holds a lone surrogate escape")
    return value


def without_lone_surrogates(value: Any) -> Any:
    """The same value with every lone surrogate replaced by U+FFFD, member names too."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {without_lone_surrogates(name): without_lone_surrogates(member) for name, member in value.items()}
    if isinstance(value, list):
        return [without_lone_surrogates(item) for item in value]
    return value


def _has_lone_surrogate(value: Any) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


def _is_too_deep(text: str) -> bool:
    """Whether valid JSON is nested over the limit: each round takes away the innermost level of brackets."""
    brackets = _NO_BRACKETS.sub("", text).replace("{", "[").replace("}", "]")
    for _ in range(JSON_DEPTH_LEVELS):
        brackets = brackets.replace("[]", "")
    return bool(brackets)


def _unique_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise BadJson("an object in it names a member twice")
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise BadJson(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise BadJson(f"the number {text[:40]} is too large")
    return number


def _integer(text: str) -> int:
    if len(text) > _DOUBLE_DIGITS:
        _finite(text)
    return int(text)


_DOUBLE_DIGITS = 308
"""The most digits that an integer may have and be sure to fit into a double."""

_NO_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*"|[^]["{}]+')
"""Strings of valid JSON, and what stands between brackets."""

_UNIQUE = json.JSONDecoder(
    object_pairs_hook=_unique_members, parse_constant=_refuse_constant, parse_float=_finite, parse_int=_integer
)
_LENIENT = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite, parse_int=_integer)
