"""The hub's JSON reader: whatever bytes come, a dict or `BadJson`, and never anything else.

The bodies below are data: what is accepted stands with its value, what is refused under what is wrong with it.
"""

from __future__ import annotations

import json
from typing import Any

import pydantic_core
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mockserver.state.json_text import BadJson, read_object, without_lone_surrogates
from neuroengine._generated.registry import JSON_DEPTH_LEVELS


def arrays(levels: int) -> bytes:
    """An object that holds arrays in arrays, `levels` in all."""
    return b'{"a": ' + b"[" * (levels - 1) + b"]" * (levels - 1) + b"}"


def objects(levels: int) -> bytes:
    """Objects in objects, `levels` in all."""
    return b'{"a": ' * levels + b"1" + b"}" * levels


ACCEPTED: list[tuple[bytes, dict[str, Any]]] = [
    (b"{}", {}),
    (b" \t\r\n{ \t\r\n} \t\r\n", {}),
    (b'{"message": "Hello LLM"}', {"message": "Hello LLM"}),
    (b'{"message":"Hello LLM","top_k":40}', {"message": "Hello LLM", "top_k": 40}),
    (b'{\r\n"a"\t:\n1\r,\n"b":\t2}', {"a": 1, "b": 2}),
    (b'{"": 1, " ": 2}', {"": 1, " ": 2}),
    (b'{"a": 1, "A": 2}', {"a": 1, "A": 2}),
    (b'{"a": {"a": {"a": 1}}}', {"a": {"a": {"a": 1}}}),
    (b'{"a": [{"b": 1}, {"b": 1}]}', {"a": [{"b": 1}, {"b": 1}]}),
    (b'{"a": null, "b": true, "c": false}', {"a": None, "b": True, "c": False}),
    (b'{"a": [], "b": {}, "c": ""}', {"a": [], "b": {}, "c": ""}),
    (b'{"__proto__": 1, "constructor": 2}', {"__proto__": 1, "constructor": 2}),
    # numbers
    (b'{"a": 0}', {"a": 0}),
    (b'{"a": -0}', {"a": 0}),
    (b'{"a": -0.0}', {"a": -0.0}),
    (b'{"a": 40.00}', {"a": 40.0}),
    (b'{"a": 1e2}', {"a": 100.0}),
    (b'{"a": 1E+2}', {"a": 100.0}),
    (b'{"a": 1e-2}', {"a": 0.01}),
    (b'{"a": 0e0}', {"a": 0.0}),
    (b'{"a": 1.7976931348623157e308}', {"a": 1.7976931348623157e308}),
    (b'{"a": 5e-324}', {"a": 5e-324}),
    (b'{"a": 1e-400}', {"a": 0.0}),
    (b'{"a": 1e-999999999999999999999}', {"a": 0.0}),
    (b'{"a": 9223372036854775807}', {"a": 9223372036854775807}),
    (b'{"a": -9223372036854775808}', {"a": -9223372036854775808}),
    (b'{"a": 9007199254740993}', {"a": 9007199254740993}),
    (b'{"a": ' + b"1" * 40 + b"}", {"a": int("1" * 40)}),
    (b'{"a": 1' + b"0" * 308 + b"}", {"a": 10**308}),
    (b'{"a": 0.' + b"3" * 5000 + b"}", {"a": 1 / 3}),
    # text
    ('{"a": "é 漢 👋 \u2028"}'.encode(), {"a": "é 漢 👋 \u2028"}),
    (b'{"a": "\xf4\x8f\xbf\xbf \xef\xbf\xbf \x7f"}', {"a": "\U0010ffff \uffff \x7f"}),
    (b'{"a": "\\u00e9 \\u6F22 \\ud83d\\udc4b \\uD83D\\uDC4B"}', {"a": "é 漢 👋 👋"}),
    (b'{"a": "\\"\\\\\\/\\b\\f\\n\\r\\t"}', {"a": '"\\/\b\f\n\r\t'}),
    (b'{"a": "\\u0000\\u001f\\uffff\\ufeff"}', {"a": "\0\x1f\uffff\ufeff"}),
    (b'{"a": "\xef\xbb\xbf"}', {"a": "\ufeff"}),
    (b'{"\\u0061": 1}', {"a": 1}),
    (b'{"\\ud83d\\udc4b": 1}', {"👋": 1}),
    (b'{"a": "\\\\ud83d"}', {"a": "\\ud83d"}),
    (b'{"a": "\\\\\\ud83d\\udc4b"}', {"a": "\\👋"}),
    (b'{"a": "NaN Infinity -Infinity"}', {"a": "NaN Infinity -Infinity"}),
    (b'{"a": "{[{[", "b": "' + b"[" * 200 + b'"}', {"a": "{[{[", "b": "[" * 200}),
    (b'{"a": [' + b"[]," * 200 + b"[]]}", {"a": [[]] * 201}),
    (b'{"a": [' + b"{}," * 200 + b"{}]}", {"a": [{}] * 201}),
]

REFUSED: dict[str, list[bytes]] = {
    "no JSON": [
        b"", b" ", b"\r\n\t", b"{", b"}", b"[", b"]", b":", b",", b'"', b"\\", b"\0", b"\x0c", b"/**/", b"//", b"#",
        b"{{}}", b"{}}", b"{} {}", b"{}{}", b"{},", b"{};", b"{}\0", b"\0{}", b"{} and more", b"{}\x0c", b"\x0b{}",
        b'{"a"}', b'{"a":}', b'{"a" 1}', b'{"a": 1', b'{"a": 1,}', b'{,"a": 1}', b'{"a": 1,, "b": 2}',
        b'{"a": 1 "b": 2}', b'{"a": 1; "b": 2}', b'{"a"= 1}', b'{"a":: 1}', b"{1: 2}", b"{null: 1}", b"{a: 1}",
        b"{'a': 1}", b"{\"a': 1}", b'{"a": [1,]}', b'{"a": [,1]}', b'{"a": [1 2]}', b'{"a": [1}', b'{"a": [1}]',
        b'{"a": (1)}', b'{"a": {1}}', b'{"a": 1} // end', b'{/* a */"a": 1}', b'{"a": `1`}', b'{"a": undefined}',
        b'{"a": None}', b'{"a": True}', b'{"a": TRUE}', b'{"a": nul}', b'{"a": nullx}', b'{"a": tru', b'{"a": "',
        b'{"a": "b', b'{"a": "b}', b'message=Hello+LLM', b"Hello LLM", b"<a/>", b"a: 1", b"%7B%7D", b"e30=",
        b"\x1f\x8b\x08\x00", "\u00a0{}".encode(), "{\u2003}".encode(), "\u200b{}".encode(), "{}\u0085".encode(),
        "{“a”: 1}".encode(),
    ],
    "numbers that are none": [
        b'{"a": 01}', b'{"a": 00}', b'{"a": -01}', b'{"a": +1}', b'{"a": .5}', b'{"a": 5.}', b'{"a": 5.e1}',
        b'{"a": 1e}', b'{"a": 1e+}', b'{"a": -}', b'{"a": --1}', b'{"a": 1.2.3}', b'{"a": 1e1.5}', b'{"a": 0x10}',
        b'{"a": 0b1}', b'{"a": 1_000}', b'{"a": 1,000}', b'{"a": 1 000}', b'{"a": 1f}', b'{"a": 1n}',
        '{"a": \u0661}'.encode(), '{"a": \uff11}'.encode(), b'{"a": NaN}', b'{"a": -NaN}', b'{"a": nan}',
        b'{"a": Infinity}', b'{"a": -Infinity}', b'{"a": inf}', b'{"a": [NaN]}',
    ],
    "numbers that no double holds": [
        b'{"a": 1e309}', b'{"a": 1e400}', b'{"a": -1e400}', b'{"a": 1.8e308}', b'{"a": 1e999999999999999999999}',
        b'{"a": [[1E400]]}', b'{"a": 1' + b"0" * 400 + b".0}", b'{"a": 1' + b"0" * 309 + b"}",
        b'{"a": -' + b"9" * 400 + b"}", b'{"a": ' + b"9" * 5000 + b"}", b'{"a": [{"b": ' + b"9" * 100_000 + b"}]}",
    ],
    "text that is none": [
        b'{"a": "\n"}', b'{"a": "\t"}', b'{"a": "\0"}', b'{"a": "\x1f"}', b'{"\n": 1}', b'{"a": "\\x41"}',
        b'{"a": "\\a"}', b'{"a": "\\\'"}', b'{"a": "\\U0001f44b"}', b'{"a": "\\u"}', b'{"a": "\\u12"}',
        b'{"a": "\\u12G4"}', b'{"a": "\\u{41}"}', b'{"a": "\\u 041"}', b'{"a": "\\u+041"}', b'{"a": "\\"}',
        b'{"a": "\\\n"}', b'{"a": "b" "c"}',
    ],
    "no UTF-8": [
        b"\xef\xbb\xbf{}", b"\xef\xbb{}", b"\xff\xfe{\0}\0", b"\xfe\xff\0{\0}", b"{\0}\0", b"\0{\0}",
        b"\0\0\0{\0\0\0}", b'{"a": "\x80"}', b'{"a": "\xbf"}', b'{"a": "\xc0\xaf"}', b'{"a": "\xc1\x81"}',
        b'{"a": "\xe0\x80\xaf"}', b'{"a": "\xe9"}', b'{"a": "\xc3"}', b'{"a": "\xe2\x82"}', b'{"a": "\xf0\x9f\x91"}',
        b'{"a": "\xed\xa0\x80"}', b'{"a": "\xed\xa0\xbd\xed\xb1\x8b"}', b'{"a": "\xf4\x90\x80\x80"}',
        b'{"a": "\xf8\x88\x80\x80\x80"}', b'{"a": "\xfe"}', b'{"a": "\xff"}', b'{"\xff": 1}', b"{}\xff",
    ],
    "lone surrogates": [
        b'{"a": "\\ud83d"}', b'{"a": "\\uD83D"}', b'{"a": "\\udc4b"}', b'{"a": "\\uDFFF"}', b'{"a": "\\ud800"}',
        b'{"a": "\\udbff\\ue000"}', b'{"a": "\\udc4b\\ud83d"}', b'{"a": "\\ud83d\\ud83d\\udc4b"}',
        b'{"a": "\\ud83d \\udc4b"}', b'{"a": "\\ud83dx"}', b'{"a": "\\ud83d\\u0041"}', b'{"a": "\\ud83d\\n"}',
        b'{"a": "\\\\\\ud83d"}', b'{"a": "\\ud83d\\\\udc4b"}', b'{"\\ud83d": 1}', b'{"a": ["\\udc4b"]}',
        b'{"a": {"b": {"\\udc4b": 1}}}',
    ],
    "a member that stands twice": [
        b'{"a": 1, "a": 1}', b'{"a": 1, "a": 2}', b'{"a": 1, "b": 2, "a": 3}', b'{"": 1, "": 2}',
        b'{"a": 1, "\\u0061": 2}', b'{"b": {"a": 1, "a": 1}}', b'{"b": [[{"a": 1, "a": 1}]]}', b'{"a": {}, "a": {}}',
        b'{"\\ud83d\\udc4b": 1, "\xf0\x9f\x91\x8b": 1}',
    ],
    "JSON that is no object": [
        b"[]", b"[{}]", b'[{"message": "Hello LLM"}]', b'""', b'"Hello LLM"', b'"{}"', b"0", b"42", b"-1.5", b"1e3",
        b"true", b"false", b"null", b" null ",
    ],
    "too many levels": [
        *(form(levels) for form in (arrays, objects) for levels in (65, 66, 100, 101, 1_000, 10_000, 100_000)),
        b"[" * 65 + b"]" * 65, b"[" * 100_000, b'{"a": ' * 100_000, b"[{" * 50_000, b'[{"a": ' * 50_000,
        b"]" * 100_000, b'{"a": [' + b"[]," * 200 + b"[" * 63 + b"]" * 63 + b"]}",
    ],
}  # fmt: skip
BODIES = [body for body, _ in ACCEPTED] + [body for bodies in REFUSED.values() for body in bodies]


def shown(body: object) -> str:
    """A body as the name of its test."""
    return repr(body)[2:60] if isinstance(body, bytes) else ""


def test_there_are_enough_bodies_and_none_stands_twice() -> None:
    assert len(BODIES) == len(set(BODIES))
    assert len(BODIES) >= 150


@pytest.mark.parametrize(("body", "value"), ACCEPTED, ids=shown)
def test_an_object_is_read_with_its_value(body: bytes, value: dict[str, Any]) -> None:
    assert repr(read_object(body)) == repr(value)
    assert repr(read_object(body, unique_keys=False)) == repr(value)


@pytest.mark.parametrize(
    ("wrong", "body"),
    [pytest.param(wrong, body, id=f"{wrong}-{shown(body)}") for wrong in REFUSED for body in REFUSED[wrong]],
)
def test_anything_else_is_refused_with_a_reason(wrong: str, body: bytes) -> None:
    with pytest.raises(BadJson) as refusal:
        read_object(body)
    assert 0 < len(str(refusal.value)) < 200
    assert str(refusal.value).isprintable(), wrong


@pytest.mark.parametrize("wrong", REFUSED)
def test_a_provider_is_forgiven_double_members_and_lone_surrogates_alone(wrong: str) -> None:
    forgiven = wrong in {"a member that stands twice", "lone surrogates"}
    for body in REFUSED[wrong]:
        if forgiven:
            assert isinstance(read_object(body, unique_keys=False), dict)
        else:
            with pytest.raises(BadJson):
                read_object(body, unique_keys=False)


def test_the_last_of_two_members_counts_where_they_are_forgiven() -> None:
    assert read_object(b'{"reply": "a", "reply": "b"}', unique_keys=False) == {"reply": "b"}


@pytest.mark.parametrize("form", [arrays, objects])
@pytest.mark.parametrize("levels", [10, JSON_DEPTH_LEVELS - 1, JSON_DEPTH_LEVELS])
def test_levels_up_to_the_limit_are_read(form: Any, levels: int) -> None:
    assert read_object(form(levels)) == json.loads(form(levels))


# What takes a time that grows with the square of the text would take hours for so much.
LARGE_BYTES = 1_048_576
LARGE = {
    "open arrays": b"[" * LARGE_BYTES,
    "open objects": b'{"a":' * (LARGE_BYTES // 5),
    "empty arrays": b'{"a":[' + b"[]," * (LARGE_BYTES // 3) + b"[]]}",
    "empty arrays at the deepest level": b'{"a":' + b"[" * 62 + b"[]," * (LARGE_BYTES // 3) + b"[]" + b"]" * 62 + b"}",
    "one long integer": b'{"a":' + b"9" * LARGE_BYTES + b"}",
    "one long fraction": b'{"a":0.' + b"3" * LARGE_BYTES + b"}",
    "one long exponent": b'{"a":1e-' + b"9" * LARGE_BYTES + b"}",
    "integers": b'{"a":[' + b",".join([b"9" * 300] * (LARGE_BYTES // 301)) + b"]}",
    "members": b"{" + b",".join(b'"%d":1' % number for number in range(LARGE_BYTES // 10)) + b"}",
    "one member again and again": b"{" + b'"a":1,' * (LARGE_BYTES // 6) + b'"a":1}',
    "escapes": b'{"a":"' + b"\\u00e9" * (LARGE_BYTES // 6) + b'"}',
    "surrogate pairs": b'{"a":"' + b"\\ud83d\\udc4b" * (LARGE_BYTES // 12) + b'"}',
    "lone surrogates": b'{"a":"' + b"\\ud83d" * (LARGE_BYTES // 6) + b'"}',
    "backslashes": b'{"a":"' + b"\\\\" * (LARGE_BYTES // 2) + b'"}',
    "brackets and a long text": b'{"a":[' + b"[]," * 99 + b'[]],"b":"' + b'[\\"' * (LARGE_BYTES // 3) + b'"}',
    "quotes": b'"' * LARGE_BYTES,
    "white space": b" " * LARGE_BYTES,
    "line breaks and a letter": b"\n" * LARGE_BYTES + b"x",
    "letters": b'{"a":"' + b"a" * LARGE_BYTES,
}


@pytest.mark.timeout(30)
@pytest.mark.parametrize("name", LARGE)
def test_a_body_of_megabytes_is_read_or_refused_in_linear_time(name: str) -> None:
    try:
        assert isinstance(read_object(LARGE[name]), dict)
    except BadJson as error:
        assert len(str(error)) < 200  # noqa: PT017 - refused or read: both are an end


# -- texts that hypothesis makes up

TEXTS = st.text(max_size=10)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner), max_leaves=6)
OBJECTS = st.dictionaries(TEXTS, VALUES, max_size=4)


@given(members=OBJECTS, ascii_only=st.booleans(), indent=st.none() | st.sampled_from(["\t", "\r\n "]))
def test_what_a_json_library_writes_is_read_back(members: dict[str, Any], ascii_only: bool, indent: str | None) -> None:
    body = json.dumps(members, ensure_ascii=ascii_only, indent=indent).encode()
    assert read_object(body) == members


@given(
    body=st.binary()
    | st.text().map(str.encode)
    | st.text(alphabet='{}[]":,0123456789.eE+-\\u dnulltrefaNI').map(str.encode)
)
def test_any_bytes_are_refused_or_an_object(body: bytes) -> None:
    assert agrees_with_another_reader(body)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A JSON object's text with a few bytes cut out, put in or changed."""
    body = bytearray(json.dumps(draw(OBJECTS), ensure_ascii=draw(st.booleans())).encode())
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(body)))
        end = draw(st.integers(start, min(start + 3, len(body))))
        body[start:end] = draw(
            st.sampled_from([b"", b'"', b"\\", b"{", b"]", b",", b"0", b"e", b"-", b"\xff", b"\\ud83d"])
            | st.binary(max_size=3)
        )
    return bytes(body)


@given(body=damaged())
@example(body=b'{"a":1e400}')
@example(body=b'{"a":"\\ud83d"}')
def test_a_damaged_object_is_refused_or_read_as_another_reader_reads_it(body: bytes) -> None:
    assert agrees_with_another_reader(body)


def agrees_with_another_reader(body: bytes) -> bool:
    """Whether a JSON reader of another make finds the same object, or none either; some the protocol alone refuses."""
    try:
        found: object = read_object(body)
    except BadJson as error:
        if "twice" in str(error) or "too large" in str(error):
            return True
        found = None
    try:
        found_elsewhere = pydantic_core.from_json(body, allow_inf_nan=False)
    except ValueError:
        return found is None
    return bool(found == found_elsewhere) if found is not None else not isinstance(found_elsewhere, dict)


@given(members=OBJECTS.filter(bool), data=st.data())
def test_an_object_with_one_member_doubled_is_refused_at_any_depth(
    members: dict[str, Any], data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(sorted(members)))
    text = json.dumps(members)[:-1] + f", {json.dumps(name)}: 1}}"
    for body in (text, f'{{"outer": [{text}]}}'):
        with pytest.raises(BadJson, match="twice"):
            read_object(body.encode())
        assert isinstance(read_object(body.encode(), unique_keys=False), dict)


@given(levels=st.integers(1, 200), shape=st.lists(st.booleans(), min_size=200, max_size=200))
def test_levels_are_counted_whatever_they_are_made_of(levels: int, shape: list[bool]) -> None:
    ends = [("[", "]") if is_array else ('{"a":', "}") for is_array in [False, *shape][:levels]]
    body = (
        "".join(start for start, _ in ends)
        + ("1" if ends[-1][1] == "}" else "")
        + "".join(end for _, end in reversed(ends))
    )
    if levels > JSON_DEPTH_LEVELS:
        with pytest.raises(BadJson, match="levels"):
            read_object(body.encode())
    else:
        assert read_object(body.encode()) == json.loads(body)


WITH_SURROGATES = st.text(alphabet=st.characters(exclude_categories=()) | st.sampled_from("\ud83d\udc4b"))


@given(text=WITH_SURROGATES)
def test_lone_surrogates_are_replaced_and_nothing_else_is(text: str) -> None:
    clean = without_lone_surrogates(text)
    clean.encode("utf-8")
    if not any("\ud800" <= character <= "\udfff" for character in text):
        assert clean == text
    kept = [character for character in clean if character != "\ufffd" and character <= "\uffff"]
    assert kept == [c for c in text if c != "\ufffd" and c <= "\uffff" and not "\ud800" <= c <= "\udfff"]


@given(inner=WITH_SURROGATES, name=WITH_SURROGATES)
def test_lone_surrogates_are_replaced_in_names_and_at_every_depth(inner: str, name: str) -> None:
    clean = without_lone_surrogates({name: [{"a": inner}, 1, None, True]})
    assert clean == {without_lone_surrogates(name): [{"a": without_lone_surrogates(inner)}, 1, None, True]}
    json.dumps(clean, ensure_ascii=False).encode("utf-8")
