"""Bodies that test a hub's reading: each by name, with the codes that it may be answered with.

A value under test stands in a member that the hub does not know, in a request that is valid without it; so a valid
value is accepted, whatever it is, and what is no JSON is refused as a whole.
"""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

OK, INVALID_JSON, MISSING, INVALID_FIELD, UNKNOWN_COMMAND, TOO_LARGE = 0, 2, 3, 4, 5, 11
ACCEPTED: Final = frozenset({OK})
REFUSED: Final = frozenset({INVALID_JSON})
WRONG_FIELD: Final = frozenset({INVALID_FIELD})
ANY_ERROR: Final = frozenset({INVALID_JSON, INVALID_FIELD})
"""Numbers that no double or 64 bits hold: some error, whichever."""

BODY_BYTES: Final = 65_536
DEPTH_LEVELS: Final = 64
REQUEST: Final = b'{"message": "hi", "max_new_len": 1}'


class Case(NamedTuple):
    """A body, the codes that it may be answered with, and the field that code 4 has to name."""

    body: bytes
    codes: frozenset[int]
    field: str | None = None


def _with(value: bytes) -> bytes:
    return REQUEST[:-1] + b', "x": ' + value + b"}"


NUMBERS = (
    "0 -0 1 -1 10 1.0 -1.5 0.1 1e1 1E1 1e+1 1E-1 1.5e3 0e0 0.0e-0 -0.0 5e-324 1e308 -1e308 1e-400 9007199254740993"
)
VALUES = {
    **{f"number {text}": text.encode() for text in NUMBERS.split()},
    "integer of 300 digits": b"9" * 300,
    "fraction of 10,000 digits": b"0." + b"1" * 10_000,
    "64 bits": b"9223372036854775807",
    "more than 64 bits in an unknown member": b"18446744073709551616",
    **{f"literal {text}": text.encode() for text in ("true", "false", "null")},
    **{f"escape {text}": f'"{text}"'.encode() for text in (r"\"", r"\\", r"\/", r"\b", r"\f", r"\n", r"\r", r"\t")},
    "escaped NUL": rb'"\u0000"',
    "escaped control character": rb'"\u001f"',
    "escape in capitals": rb'"\u00E9"',
    "escaped noncharacter": rb'"\uffff\ufdd0"',
    "escaped surrogate pair": rb'"\ud83d\ude00"',
    "highest surrogate pair": rb'"\udbff\udfff"',
    "escaped backslash before u": rb'"\\ud800"',
    "raw two bytes": '"é"'.encode(),
    "raw three bytes": '"世"'.encode(),
    "raw four bytes": '"\U0001f600"'.encode(),
    "highest code point": '"\U0010ffff"'.encode(),
    "last before the surrogates": '"\ud7ff\ue000"'.encode(),
    "raw DEL": b'"\x7f"',
    "raw line separators": '"\u2028\u2029"'.encode(),
    "mark in a string": '"\ufeff"'.encode(),
    "right to left": '"\u202e\u05d0"'.encode(),
    "combining marks": ('"' + "e\u0301" * 100 + '"').encode(),
    "brackets in a string": b'"' + b"[{" * 1000 + b'"',
    "quotes in a string": rb'"' + rb"\"" * 1000 + b'"',
    "empty string": b'""',
    "empty array": b"[]",
    "empty object": b"{}",
    "array of everything": b'[null, true, 1, "a", [], {}]',
    "white space of every kind": b" \t\r\n[ \t\r\n1 \t\r\n, \t\r\n2 \t\r\n] \t\r\n",
    "long array": b"[" + b"0," * 10_000 + b"0]",
    "many short arrays": b"[" + b"[]," * 10_000 + b"[]]",
    "many members": b"{" + b",".join(b'"%d":0' % number for number in range(3000)) + b"}",
    "empty name": b'{"": 1}',
    "names that differ in case": b'{"a": 1, "A": 2}',
    "names that only look alike": '{"\u00e9": 1, "e\u0301": 2}'.encode(),
    "one name in two objects": b'[{"a": 1}, {"a": 2}]',
    "name of the prototype": b'{"__proto__": {"x": 1}, "constructor": 1}',
    "long string": b'"' + b"a" * 60_000 + b'"',
    "string of escapes": rb'"' + rb"\u0041" * 9000 + b'"',
}

BAD_NUMBERS = (
    "01 -01 00 +1 ++1 .1 -.1 1. -1. 1.e1 1e 1e+ 1E- 1e1.5 e1 0x1 0b1 0o7 1_000 - -- --1 -+1 1-1 1+1 1/2 NaN -NaN nan "
    "Infinity -Infinity inf -inf infinity 1f 1L 1n 0x 1e1e1 1..2 1.2.3 \u0661 \uff11 \u00bd \u221e 1\u00a0"
)
BAD_VALUES = {
    **{f"number {text}": text.encode() for text in BAD_NUMBERS.split(" ")},
    "number with a blank": b"1 2",
    "number with a comma": b"1,5",
    "number and NUL": b"1\0",
    **{
        f"literal {text}": text.encode()
        for text in "True False None TRUE Null tru fals nul nulll truee undefined null0 yes".split()
    },
    "nothing": b"",
    "string without quotes": b"a",
    "string in single quotes": b"'a'",
    "string in backticks": b"`a`",
    "string in typographic quotes": "“a”".encode(),
    "string without its end": b'"a',
    "string without its beginning": b'a"',
    "three quotes": b'"""',
    "string that ends in a backslash": rb'"a\"',
    "two strings": b'"a" "b"',
    "raw newline in a string": b'"a\nb"',
    "raw tab in a string": b'"a\tb"',
    "raw NUL in a string": b'"a\0b"',
    "raw escape character in a string": b'"\x1b[31m"',
    **{
        f"escape {text}": f'"{text}"'.encode()
        for text in (r"\a", r"\v", r"\0", r"\'", r"\x41", r"\U0001F600", r"\u", r"\u1", r"\u12", r"\u123", r"\u12G4")
    },
    "escape with a sign": rb'"\u+041"',
    "escape with a blank": rb'"\u 041"',
    "escape in braces": rb'"\u{41}"',
    "escape of a newline": b'"\\\n"',
    "escape beyond ASCII": '"\\é"'.encode(),
    "lone high surrogate": rb'"\ud800"',
    "lone low surrogate": rb'"\udc00"',
    "last high surrogate": rb'"\udbff"',
    "two high surrogates": rb'"\ud800\ud800"',
    "pair the wrong way round": rb'"\udc00\ud800"',
    "high surrogate and a letter": rb'"\ud800a"',
    "high surrogate and an escape": rb'"\ud800\n"',
    "high surrogate behind a pair": rb'"\ud83d\ude00\ud83d"',
    "surrogate in capitals": rb'"\uD800"',
    "surrogate in a name": rb'{"\udc00": 1}',
    "surrogate deep inside": rb'[[{"a": ["\ud800"]}]]',
    "array without its end": b"[1",
    "array with a comma at the end": b"[1,]",
    "array with a comma in front": b"[,1]",
    "array with two commas": b"[1,,2]",
    "array with a comma alone": b"[,]",
    "array without commas": b"[1 2]",
    "array with semicolons": b"[1;2]",
    "array with a colon": b'["a": 1]',
    "array that ends as an object": b"[1}",
    "array with an ellipsis": b"[1, ...]",
    "two closing brackets": b"[1]]",
    "object without its end": b'{"a": 1',
    "object with a comma at the end": b'{"a": 1,}',
    "object with a comma in front": b'{,"a": 1}',
    "object with two commas": b'{"a": 1,,"b": 2}',
    "object without commas": b'{"a": 1 "b": 2}',
    "object without a colon": b'{"a" 1}',
    "object with two colons": b'{"a":: 1}',
    "object with an equals sign": b'{"a" = 1}',
    "object without a value": b'{"a":}',
    "object without a value or colon": b'{"a"}',
    "object without a name": b"{: 1}",
    "object that ends as an array": b'{"a": 1]',
    "name without quotes": b"{a: 1}",
    "name in single quotes": b"{'a': 1}",
    "number for a name": b"{1: 1}",
    "null for a name": b"{null: 1}",
    "array for a name": b'{["a"]: 1}',
    "two objects": b"{}{}",
    "comment": b"1 /* one */",
    "comment to the end of the line": b"1 // one\n",
    "comment of a script": b"1 # one\n",
    "comment of a page": b"<!-- 1 --> 1",
    "name twice": b'{"a": 1, "a": 1}',
    "name twice, once escaped": rb'{"a": 1, "\u0061": 2}',
    "name twice, deep inside": b'[[{"b": {"a": 1, "c": 2, "a": 3}}]]',
    "empty name twice": b'{"": 1, "": 2}',
    "no-break space": "\u00a01".encode(),
    "vertical tab": b"\x0b1",
    "form feed": b"\x0c1",
    "zero width space": "\u200b1".encode(),
    "mark in front of a value": "\ufeff1".encode(),
    "function call": b'Date("x")',
    "regular expression": b"/a/",
    "template": b"{{x}}",
    "plus of strings": b'"a" + "b"',
}

OVERSIZED_NUMBERS = {
    "1e309": b"1e309",
    "-1e309": b"-1e309",
    "1e999999": b"1e999999",
    "exponent of 1,000 digits": b"1e" + b"9" * 1000,
    "integer of 400 digits": b"9" * 400,
    "integer of 5,000 digits": b"9" * 5000,
    "negative integer of 60,000 digits": b"-" + b"9" * 60_000,
    "fraction over the largest double": b"9" * 309 + b".5",
}

BAD_UTF8 = {
    "continuation alone": b"\x80",
    "last continuation alone": b"\xbf",
    "many continuations": b"\x80" * 100,
    "two bytes, the second missing": b"\xc3",
    "three bytes, the third missing": b"\xe4\xb8",
    "three bytes, two missing": b"\xe4",
    "four bytes, the fourth missing": b"\xf0\x9f\x98",
    "four bytes, three missing": b"\xf0",
    "two bytes, the second a letter": b"\xc3(",
    "overlong slash in two bytes": b"\xc0\xaf",
    "overlong NUL": b"\xc0\x80",
    "overlong in C1": b"\xc1\xbf",
    "overlong slash in three bytes": b"\xe0\x80\xaf",
    "overlong slash in four bytes": b"\xf0\x80\x80\xaf",
    "overlong in five bytes": b"\xf8\x80\x80\x80\xaf",
    "overlong in six bytes": b"\xfc\x80\x80\x80\x80\xaf",
    "first surrogate": b"\xed\xa0\x80",
    "last surrogate": b"\xed\xbf\xbf",
    "pair of surrogates (CESU-8)": b"\xed\xa0\xbd\xed\xb8\x80",
    "beyond the last code point": b"\xf4\x90\x80\x80",
    "F5": b"\xf5\x80\x80\x80",
    "FE": b"\xfe",
    "FF": b"\xff",
    "FE FF": b"\xfe\xff",
    "Latin-1": b"\xe9",
    "Windows-1252": b"\x93a\x94",
    "Shift-JIS": b"\x82\xb1\x82\xf1",
    "GB 18030": b"\xc4\xe3\xba\xc3",
}

BODIES = {
    "plain": Case(REQUEST, ACCEPTED),
    "white space around": Case(b"\r\n\t " + REQUEST + b"\r\n\t ", ACCEPTED),
    "empty message": Case(b'{"message": "", "max_new_len": 0}', ACCEPTED),
    "NUL in the message": Case(rb'{"message": "\u0000", "max_new_len": 1}', ACCEPTED),
    "exactly as large as allowed": Case(REQUEST + b" " * (BODY_BYTES - len(REQUEST)), ACCEPTED),
    "one byte too large": Case(REQUEST + b" " * (BODY_BYTES - len(REQUEST) + 1), frozenset({TOO_LARGE})),
    "ten megabytes of blanks": Case(b" " * 10_000_000, frozenset({TOO_LARGE})),
    "ten megabytes of brackets": Case(b"[" * 10_000_000, frozenset({TOO_LARGE})),
    "ten megabytes of text": Case(b'{"message": "' + b"a" * 10_000_000 + b'"}', frozenset({TOO_LARGE})),
    "nothing": Case(b"", REFUSED),
    "blanks alone": Case(b" \r\n\t", REFUSED),
    "NUL": Case(b"\0", REFUSED),
    "NUL behind": Case(REQUEST + b"\0", REFUSED),
    "NUL in front": Case(b"\0" + REQUEST, REFUSED),
    "mark": Case(b"\xef\xbb\xbf", REFUSED),
    "mark in front": Case(b"\xef\xbb\xbf" + REQUEST, REFUSED),
    "two marks in front": Case(b"\xef\xbb\xbf" * 2 + REQUEST, REFUSED),
    "mark behind": Case(REQUEST + b"\xef\xbb\xbf", REFUSED),
    **{
        f"in {encoding}": Case(REQUEST.decode().encode(encoding), REFUSED)
        for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be", "utf-7", "cp037")
        if REQUEST.decode().encode(encoding) != REQUEST
    },
    "compressed": Case(gzip.compress(REQUEST, mtime=0), REFUSED),
    "a form": Case(b"message=hi&max_new_len=1", REFUSED),
    "a form in parts": Case(b'--x\r\nContent-Disposition: form-data; name="message"\r\n\r\nhi\r\n--x--', REFUSED),
    "XML": Case(b"<message>hi</message>", REFUSED),
    "YAML": Case(b"message: hi", REFUSED),
    "TOML": Case(b'message = "hi"', REFUSED),
    "Python": Case(b"{'message': 'hi', 'seed': None}", REFUSED),
    "JavaScript": Case(b'({"message": "hi"})', REFUSED),
    "callback": Case(b'answer({"message": "hi"})', REFUSED),
    "a line of JSON and another one": Case(REQUEST + b"\n" + REQUEST, REFUSED),
    "two objects": Case(REQUEST * 2, REFUSED),
    "text behind": Case(REQUEST + b"x", REFUSED),
    "comma behind": Case(REQUEST + b",", REFUSED),
    "closing brace behind": Case(REQUEST + b"}", REFUSED),
    "comment behind": Case(REQUEST + b"// hi", REFUSED),
    "array": Case(b"[" + REQUEST + b"]", REFUSED),
    "empty array": Case(b"[]", REFUSED),
    "string": Case(b'"hi"', REFUSED),
    "request in a string": Case(json.dumps(REQUEST.decode()).encode(), REFUSED),
    "number": Case(b"1", REFUSED),
    "true": Case(b"true", REFUSED),
    "null": Case(b"null", REFUSED),
    "message twice": Case(b'{"message": "a", "message": "b"}', REFUSED),
    "key twice": Case(b'{"message": "a", "key": "b", "key": "c"}', REFUSED),
    "command twice": Case(b'{"command": "getmodels", "command": "getmodels"}', REFUSED),
    "empty object": Case(b"{}", frozenset({MISSING})),
    "unknown members alone": Case(b'{"Message": "hi", "prompt": "hi"}', frozenset({MISSING})),
    "key alone": Case(b'{"key": "k"}', frozenset({MISSING})),
    "command in capitals": Case(b'{"command": "GETMODELS"}', frozenset({UNKNOWN_COMMAND})),
    "command with a blank": Case(b'{"command": "getmodels "}', frozenset({UNKNOWN_COMMAND})),
    **{
        f"command {kind}": Case(b'{"command": %s}' % value, frozenset({UNKNOWN_COMMAND}))
        for kind, value in (
            ("null", b"null"),
            ("1", b"1"),
            ("array", b'["getmodels"]'),
            ("object", b"{}"),
            ("text", b'""'),
        )
    },
    "getmodels": Case(b'{"command": "getmodels"}', ACCEPTED),
    "getmodels with a message of a wrong type": Case(b'{"command": "getmodels", "message": 1}', ACCEPTED),
}

KINDS: Final[dict[str, bytes]] = {
    "null": b"null",
    "true": b"true",
    "number": b"7",
    "fraction": b"0.5",
    "string": b'"0.5"',
    "word": b'"x"',
    "empty string": b'""',
    "array": b"[1]",
    "object": b"{}",
}
_NUMBER: Final = {"number", "fraction"}
FIELDS: Final[dict[str, set[str]]] = {
    "message": {"string", "word", "empty string"},
    "temperature": _NUMBER,
    "top_p": {"fraction"},
    "top_k": {"number"},
    "min_p": {"fraction"},
    "repetition_penalty": _NUMBER,
    "max_new_len": {"number"},
    "seed": {"number"},
    "raw": {"true"},
    "key": {"null", "string", "word", "empty string"},
    "gettokens": {"number"},
    "seq": set(),
}
"""The kinds of values that each field takes; of a stream's fields under a key. `seq` 7 is beyond a new stream."""

RANGES: Final[dict[str, tuple[list[Any], list[Any]]]] = {
    "temperature": ([0, 0.0, 1e300, 5e-324], [-1, -0.1, -5e-324]),
    "top_p": ([0, 1, 1.0], [-0.1, 1.1, 2]),
    "top_k": ([0, 1.0, 40.00, 2**63 - 1], [-1, 1.5, 2**63, 1e300]),
    "min_p": ([0, 1, 0.5], [-0.1, 1.1]),
    "repetition_penalty": ([0.01, 1, 1e300], [0, -1, -0.0]),
    "max_new_len": ([0, 1, 1.0], [-1, 0.5, 2**63, 1e300]),
    "seed": ([0, -1, 2**63 - 1, -(2**63), 1e3], [2**63, -(2**63) - 1, 0.5, 1e300]),
    "raw": (["True", "FALSE", "tRuE", True, False], ["yes", "1", "tru\u0435", " True", "True\n", "none"]),
    "key": (["k", "x" * 256, "\u0000", "\U0001f600"], ["x" * 257, "\U0001f600" * 257]),
    "gettokens": ([1, 1.0, "1", "020", 2**63 - 1], [0, -1, 1.5, "0", "-1", "1.5", "", " 1", "1 ", "٣", "9" * 19]),
    "seq": ([0, 0.0], [-1, 0.5, 2**63, "0"]),
}
"""Values that each field takes, and values that it does not."""


def _nested(levels: int, *, objects: bool = False) -> bytes:
    """A request whose deepest value is on that level, the request being on the first."""
    opening, closing = (b'{"a":', b"}") if objects else (b"[", b"]")
    inside = levels - 1
    return _with(opening * (inside - 1) + (b"{}" if objects else b"[]") + closing * (inside - 1))


def _depths() -> Iterator[tuple[str, Case]]:
    for kind in ("arrays", "objects"):
        for levels in (2, 50, DEPTH_LEVELS, DEPTH_LEVELS + 1, 100, 1000, 5000):
            codes = ACCEPTED if levels <= DEPTH_LEVELS else REFUSED
            yield f"{levels} levels of {kind}", Case(_nested(levels, objects=kind == "objects"), codes)
    for count in (100, 1000, 30_000):
        yield f"{count} opening brackets", Case(b"[" * count, REFUSED)
        yield f"{count} opening braces", Case(b"{" * count, REFUSED)
        yield f"{count} closing brackets", Case(b"]" * count, REFUSED)
        yield f"{count} opening brackets and as many closing", Case(b"[" * count + b"]" * count, REFUSED)
    yield "10,000 opening objects", Case(b'{"a":' * 10_000, REFUSED)


def _fields() -> Iterator[tuple[str, Case]]:
    def request(field: str, value: bytes) -> bytes:
        others = {"message": "hi", "max_new_len": 1}
        if field in {"gettokens", "seq"}:
            others["key"] = f"torture {field} {value!r}"
        others.pop(field, None)
        return json.dumps(others)[:-1].encode() + b', "%s": %s}' % (field.encode(), value)

    for field, taken in FIELDS.items():
        for kind, value in KINDS.items():
            if field == "seq" and kind == "number":
                continue
            case = Case(request(field, value), ACCEPTED if kind in taken else WRONG_FIELD, field)
            yield f"{field} as {kind}", case
    for field, (valid, wrong) in RANGES.items():
        for value in valid:
            yield f"{field} {json.dumps(value)[:40]}", Case(request(field, json.dumps(value).encode()), ACCEPTED)
        for value in wrong:
            name = f"{field} {json.dumps(value)[:40]} of {len(str(value))} is wrong"
            yield name, Case(request(field, json.dumps(value).encode()), WRONG_FIELD, field)


def _all() -> Iterator[tuple[str, Case]]:
    yield from ((f"body: {name}", case) for name, case in BODIES.items())
    for place in range(len(REQUEST)):
        yield f"body: cut after {place} bytes", Case(REQUEST[:place], REFUSED)
    yield from ((f"value: {name}", Case(_with(value), ACCEPTED)) for name, value in VALUES.items())
    yield from ((f"bad value: {name}", Case(_with(value), REFUSED)) for name, value in BAD_VALUES.items())
    yield from ((f"oversized: {name}", Case(_with(value), ANY_ERROR)) for name, value in OVERSIZED_NUMBERS.items())
    for name, bad in BAD_UTF8.items():
        yield f"in a string: {name}", Case(_with(b'"' + bad + b'"'), REFUSED)
        yield f"in the message: {name}", Case(b'{"message": "' + bad + b'"}', REFUSED)
        yield f"outside of strings: {name}", Case(REQUEST + bad, REFUSED)
    yield from ((f"depth: {name}", case) for name, case in _depths())
    yield from ((f"field: {name}", case) for name, case in _fields())


CASES: Final[dict[str, Case]] = dict(_all())
