"""What a provider may answer, and what it must not: payloads, the lengths before them, and how either goes wrong.

Law: what is called malformed here is so for every reader, lenient ones too; what some readers take (`NaN`, a
byte-order mark, UTF-16, a member twice) is left out.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from hypothesis import strategies as st

from conformance.exchange import is_integer
from conformance.strategies import json_values, unicode_texts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hypothesis.strategies import SearchStrategy

KNOWN_MEMBERS: Final = frozenset({"reply", "errorcode"})
HUB_MEMBERS: Final = frozenset({"error", "field", "retry_after", "seq", "done"})
"""Members of an answer that only the hub sets."""
SIZE_DIGITS: Final = 8
MOST_ANNOUNCED: Final = 0xFFFFFFFF
"""The most bytes that 8 hex digits can announce: more than any hub takes."""
SAFE_INTEGER: Final = 2**53 - 1
"""The largest integer that every JSON reader knows."""
DEEP: Final = 50_000

replies: Final[SearchStrategy[str]] = (
    unicode_texts
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
    | st.sampled_from(
        [
            "",
            " ",
            "\x00",
            "\t tab and line \r\n",
            "\\u0041 \\n",
            '"quoted" \\ / </script>',
            "\u2028\u2029\ufeff\x7f\x85",
        ]
    )
)
"""Every kind of text: control characters, escapes that are none, what programs cut off or break at, the empty one."""

broken_texts: Final[SearchStrategy[str]] = st.text(
    st.sampled_from("a \ud800\udbff\udc00\udfff\ufffd\U0001f600é"), min_size=1, max_size=12
).filter(lambda text: without_lone_surrogates(text) != text)
"""Texts in which halves of surrogate pairs stand alone, at any place."""

codes: Final[SearchStrategy[int]] = (
    st.sampled_from([1, 2, 7, 12, 13, 17, 18, 19, 99, 100, 4711, -1, 2**31 - 1, -(2**31), 2**31])
    | st.integers(0, 200)
    | st.integers(-SAFE_INTEGER, SAFE_INTEGER)
)
"""Error codes in the registry, beside it, and below 0."""

extra_members: Final[SearchStrategy[dict[str, Any]]] = st.dictionaries(
    st.text(min_size=1, max_size=12).filter(lambda name: name not in KNOWN_MEMBERS | HUB_MEMBERS),
    json_values,
    min_size=1,
    max_size=4,
)
"""Members of an answer that nobody knows, of every JSON type."""

MALFORMED: Final = {
    "nothing": b"",
    "a blank": b" ",
    "no JSON": b"the tide is out",
    "a text": b'"reply"',
    "a number": b"0",
    "null": b"null",
    "an array": b'[{"reply": "x", "errorcode": 0}]',
    "an object without an end": b'{"reply": "x", "errorcode": 0',
    "two objects": b'{"reply": "x"}{"reply": "y"}',
    "an object without a reply": b'{"errorcode": 0}',
    "a reply that is null": b'{"reply": null, "errorcode": 0}',
    "a reply that is a number": b'{"reply": 7, "errorcode": 0}',
    "a reply that is a list": b'{"reply": ["x"], "errorcode": 0}',
    "a code that is a text": b'{"reply": "x", "errorcode": "0"}',
    "a code that is null": b'{"reply": "x", "errorcode": null}',
    "a code that is true": b'{"reply": "x", "errorcode": true}',
    "a code with a fraction": b'{"reply": "x", "errorcode": 0.5}',
    "a byte that is no UTF-8": b'{"reply": "x\xff", "errorcode": 0}',
    "half a character": b'{"reply": "\xe4\xb8", "errorcode": 0}',
    "a comma too many": b'{"reply": "x", "errorcode": 0, }',
    "arrays in arrays without an end": b"[" * DEEP,
}
"""Payloads that are no answer, one of a kind."""


def encoded(content: dict[str, Any], *, is_ascii: bool = True) -> bytes:
    """An answer as JSON, in escapes or in raw UTF-8."""
    return json.dumps(content, ensure_ascii=is_ascii).encode("utf-8")


def without_lone_surrogates(text: str) -> str:
    """A text as it is read from JSON: halves that meet are one character, those that stand alone are U+FFFD."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def malformed_payloads() -> SearchStrategy[bytes]:
    """Payloads that are no answer, of any kind."""
    whole = st.builds(lambda reply, more: encoded(more | {"reply": reply, "errorcode": 0}), replies, extra_members)
    cut = whole.flatmap(lambda payload: st.integers(0, len(payload) - 1).map(lambda size: payload[:size]))
    others = json_values.filter(lambda value: not isinstance(value, dict)).map(lambda value: json.dumps(value).encode())
    wrong_replies = json_values.filter(lambda value: not isinstance(value, str)).map(
        lambda value: encoded({"reply": value, "errorcode": 0})
    )
    wrong_codes = json_values.filter(lambda value: not is_integer(value)).map(
        lambda value: encoded({"reply": "x", "errorcode": value})
    )
    return (
        st.sampled_from(list(MALFORMED.values()))
        | cut
        | others
        | wrong_replies
        | wrong_codes
        | st.binary(max_size=40).filter(_is_no_object)
    )


def malformed_sizes(size: int, limit: int | None) -> Iterator[tuple[str, bytes]]:
    """Lengths that are none, in words and as they are sent before a payload of that size.

    Most of them a reader that is not strict takes for the right size. `limit` is the most bytes that the hub takes.
    """
    yield "a length of letters", b"not hex!"
    yield "a length with 0x", b"0x%06x" % size
    yield "a length with a plus", b"+%07x" % size
    yield "a length with a minus", b"-%07x" % size
    yield "a length with blanks before it", b"%8x" % size
    yield "a length with blanks behind it", b"%-8x" % size
    yield "a length with an underscore", b"0_%06x" % size
    yield "a length in another script", "\uff10\uff10".encode() + b"%02x" % (size % 256)
    yield "a payload without a length", b""
    yield "the largest length", b"%08X" % MOST_ANNOUNCED
    if limit is not None and limit < MOST_ANNOUNCED:
        yield "a length of one byte more than is allowed", b"%08X" % (limit + 1)


def _is_no_object(data: bytes) -> bool:
    try:
        return not isinstance(json.loads(data), dict)
    except (ValueError, RecursionError):
        return True
