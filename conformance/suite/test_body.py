"""The body of a POST: what is one JSON object, and what becomes of a body that is none."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest

from conformance.evidence import Violation
from conformance.judge import SHORT
from conformance.requirement import case, judges
from conformance.strategies import unicode_texts

if TYPE_CHECKING:
    from conformance.judge import Judge

GREEDY: Final = '"temperature": 0, "max_new_len": 24'
TEXT: Final = json.dumps(SHORT)
"""The valid request that every faulty body is a variant of."""
INVALID_UTF8: Final = (b"\x80", b"\xc0\xaf", b"\xed\xa0\x80", b"\xe2\x82", b"\xf8\x88\x80\x80\x80", b"\xff")
"""A stray continuation byte, an overlong form, an encoded surrogate, a cut sequence, and bytes that never occur."""


def with_member(member: str) -> bytes:
    """The valid request with one more member, written as JSON text."""
    return f"{TEXT[:-1]}, {member}}}".encode()


def nested(levels: int) -> bytes:
    """The valid request with a member that takes it to so many levels."""
    return with_member('"x": ' + "[" * (levels - 1) + "]" * (levels - 1))


FAULTY: Final = {
    "cut": TEXT[:-1].encode(),
    "empty": b"",
    "single-quotes": TEXT.replace('"', "'").encode(),
    "text-behind": f"{TEXT} x".encode(),
    "nan": with_member('"x": NaN'),
    "infinity": with_member('"temperature": Infinity'),
    "duplicate": with_member('"message": "twice"'),
    "byte-order-mark": b"\xef\xbb\xbf" + TEXT.encode(),
    "invalid-utf8": TEXT.encode().replace(b"walk", b"w\xe2\x82lk"),
    "lone-surrogate": with_member(r'"x": "\ud800"'),
    "nesting": nested(101),
    "array": f"[{TEXT}]".encode(),
    "string": b'"message"',
    "null": b"null",
}
"""Bodies that are not one JSON object in UTF-8, each wrong in one way."""


@judges("NE-BODY-001")
@pytest.mark.parametrize("content_type", ["application/json", "application/x-www-form-urlencoded", "text/plain", None])
def test_the_content_type_does_not_matter(judge: Judge, content_type: str | None) -> None:
    judge.has_twin(SHORT)
    judge.accepts(SHORT, content_type=content_type)


@judges("NE-BODY-002")
def test_raw_utf8_is_accepted(judge: Judge) -> None:
    def check(text: str) -> None:
        judge.accepts(json.dumps(SHORT | {"message": text}, ensure_ascii=False).encode())

    judge.explore(unicode_texts, check, examples=40)


@judges("NE-BODY-003")
def test_escaped_text_means_the_same_as_raw_text(judge: Judge) -> None:
    message = "Erzähl mir von der 東京 👩‍👩‍👧 Brücke"
    same_text(judge, json.dumps({"message": message}, ensure_ascii=False), json.dumps({"message": message}))


@judges("NE-BODY-004")
def test_an_escaped_slash_is_a_slash(judge: Judge) -> None:
    plain = json.dumps({"message": "Is either/or the same as and/or?"})
    same_text(judge, plain, plain.replace("/", r"\/"))


def same_text(judge: Judge, plain: str, other: str) -> None:
    """Requires that the other spelling of a message succeeds where the plain one does, and gets the same reply.

    Replies are compared where the model repeats itself and answers another message otherwise.
    """
    twin, spelled = (f"{text[:-1]}, {GREEDY}}}".encode() for text in (plain, other))
    judge.has_twin(twin)
    judge.accepts(spelled)
    with judge.known_text(twin) as text:
        judge.differs(text, f'{{"message": "Something else", {GREEDY}}}'.encode())
        exchange = judge.succeeds(spelled)
        judge.require(exchange.reply == text, f"the reply {text!r}", exchange.describe(), exchange)


@judges("NE-BODY-005")
@pytest.mark.parametrize("field", ["top_k", "max_new_len", "seed", "gettokens"])
def test_an_integer_may_have_a_zero_fraction(judge: Judge, field: str) -> None:
    twin = SHORT | ({} if field == "max_new_len" else {field: 40})
    judge.has_twin(twin)
    key = {"key": judge.new_key()} if field == "gettokens" else {}
    written = json.dumps(twin | key).replace(f'"{field}": {twin[field]}', f'"{field}": {twin[field]}.00')
    judge.accepts(written.encode(), keys=tuple(key.values()))


@judges("NE-BODY-006")
@pytest.mark.parametrize("field", ["temperature", "top_p", "min_p", "repetition_penalty"])
def test_a_number_may_be_written_as_an_integer(judge: Judge, field: str) -> None:
    judge.has_twin(with_member(f'"{field}": 1.0'))
    judge.accepts(with_member(f'"{field}": 1'))


@judges("NE-BODY-007")
@pytest.mark.parametrize("fault", FAULTY)
def test_a_faulty_body_is_answered(judge: Judge, fault: str) -> None:
    judge.has_twin(SHORT)
    judge.answers(FAULTY[fault])


@judges("NE-BODY-008")
@pytest.mark.parametrize("fault", FAULTY)
def test_the_hub_serves_on_after_a_faulty_body(judge: Judge, fault: str) -> None:
    judge.has_twin(SHORT)
    faulty = judge.post(FAULTY[fault])
    try:
        judge.accepts(SHORT)
    except Violation as breach:
        raise Violation(breach.expected, breach.actual, (faulty, *breach.exchanges), is_final=True) from None


@judges("NE-BODY-009")
@pytest.mark.parametrize("member", ["temperature", "seed", "x"])
@pytest.mark.parametrize("number", ["1e400", "9" * 40], ids=["1e400", "40-digits"])
def test_an_oversized_number_is_answered(judge: Judge, member: str, number: str) -> None:
    judge.has_twin(with_member(f'"{member}": 1'))
    judge.answers(with_member(f'"{member}": {number}'))


@pytest.mark.parametrize(
    ("bodies", "twin"),
    [
        case("NE-BODY-010", [b"[]", b'"message"', b"1", b"true", b"null", f"[{TEXT}]".encode()], TEXT.encode()),
        case(
            "NE-BODY-011",
            [with_member(f'"{m}": {n}') for m in ("temperature", "x") for n in ("NaN", "Infinity", "-Infinity")],
            with_member('"temperature": 1, "x": 1'),
        ),
        case(
            "NE-BODY-012", [with_member('"x": 1, "x": 1'), with_member('"x": {"y": [{"z": 1, "z": 1}]}')], TEXT.encode()
        ),
        case("NE-BODY-013", [b"\xef\xbb\xbf" + TEXT.encode()], TEXT.encode()),
        case(
            "NE-BODY-014", [TEXT.encode().replace(b"walk", b"w" + bad + b"lk") for bad in INVALID_UTF8], TEXT.encode()
        ),
        case(
            "NE-BODY-015",
            [
                with_member(member)
                for member in (r'"x": "\ud800"', r'"x": "\udc00"', r'"x": "\udc00\ud800"', r'"\ud800": 1')
            ],
            with_member(r'"x": "\ud83d\ude00", "\ud83d\ude00": 1'),
        ),
        case("NE-BODY-016", [nested(101), nested(300)], nested(48)),
        case("NE-CODE-002", [FAULTY[name] for name in ("cut", "empty", "single-quotes", "text-behind")], TEXT.encode()),
    ],
)
def test_a_body_that_is_no_object_is_refused_with_2(judge: Judge, bodies: list[bytes], twin: bytes) -> None:
    for body in bodies:
        judge.refuses(body, twin, codes={2})


@judges("NE-BODY-017")
def test_modest_nesting_is_accepted(judge: Judge) -> None:
    judge.accepts(nested(48))


@judges("NE-BODY-018")
@pytest.mark.parametrize(
    ("member", "twin"),
    [('"temperature": 1e400', '"temperature": 1'), (f'"seed": {"9" * 40}', '"seed": 9'), ('"x": 1e400', '"x": 1')],
)
def test_an_oversized_number_is_refused(judge: Judge, member: str, twin: Any) -> None:
    judge.refuses(with_member(member), with_member(twin))
