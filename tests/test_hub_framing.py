"""The bytes of the provider link at the hub: frames out, answers in, and when a login is whole."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mockserver.state.framing import AnswerReader, FrameTooLarge, FramingBroken, object_is_closed, request_frame

LIMIT = 49_151


@given(st.text(max_size=30), st.integers(-2, 2), st.integers(1, 12))
def test_no_frame_is_a_multiple_of_4096_bytes_long_and_each_means_the_same(text: str, off: int, blocks: int) -> None:
    bare = len(json.dumps({"message": text}))
    text += "x" * (4096 * blocks + off - bare)
    size = len(json.dumps({"message": text}))
    if size > LIMIT:
        with pytest.raises(FrameTooLarge):
            request_frame({"message": text}, LIMIT)
        return
    frame = request_frame({"message": text}, LIMIT)
    assert frame.isascii()
    assert len(frame) % 4096
    assert len(frame) <= LIMIT
    assert len(frame) - size == (size % 4096 == 0)
    assert json.loads(frame) == {"message": text}


@pytest.mark.parametrize(
    ("limit", "size", "fits"), [(100, 100, True), (100, 101, False), (4096, 4095, True), (4096, 4096, False)]
)
def test_the_limit_counts_escapes_and_padding(limit: int, size: int, fits: bool) -> None:
    members = {"message": "é" + "x" * (size - len(json.dumps({"message": "é"})))}
    assert len(json.dumps(members)) == size
    if fits:
        assert len(request_frame(members, limit)) == size
    else:
        with pytest.raises(FrameTooLarge):
            request_frame(members, limit)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(alphabet='{}[]"\\/ \na€', max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(alphabet='{}"\\a', max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(
    st.dictionaries(st.text(alphabet='{}"\\a', max_size=4), JSON, max_size=4), st.booleans(), st.sampled_from([None, 1])
)
@example(value={"a": '}\\"{'}, ascii_only=False, indent=None)
def test_an_object_is_closed_at_its_last_byte_and_not_before(
    value: dict[str, object], ascii_only: bool, indent: int | None
) -> None:
    data = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode()
    assert object_is_closed(data)
    assert object_is_closed(data + b"\r\n")
    for place in range(len(data)):
        assert not object_is_closed(data[:place]), data[:place]


@given(
    st.lists(st.binary(max_size=20), min_size=1, max_size=4), st.lists(st.integers(0, 120), max_size=8), st.booleans()
)
def test_payloads_are_read_however_their_bytes_are_cut(payloads: list[bytes], places: list[int], upper: bool) -> None:
    whole = b"".join((b"%08X" if upper else b"%08x") % len(each) + each for each in payloads)
    places = sorted({0, len(whole), *(place for place in places if place < len(whole))})
    reader, read = AnswerReader(20), []
    for start, end in pairwise(places):
        chunk = whole[start:end]
        while (payload := reader.feed(chunk)) is not None:
            read.append(payload)
            chunk = b""
    assert read == payloads
    assert not reader.holds_more


@pytest.mark.parametrize(
    "digits", [b"0000001G", b"        ", b"0x000001", b"+0000001", b"-0000001", b"0000_001", b"\xef\xbc\x90" * 3]
)
def test_anything_but_8_hex_digits_breaks_the_framing_as_soon_as_there_are_8_bytes(digits: bytes) -> None:
    reader = AnswerReader(100)
    assert reader.feed(digits[:7]) is None
    with pytest.raises(FramingBroken, match="hex"):
        reader.feed(digits[7:8])


def test_a_length_at_the_limit_is_read_and_one_over_it_is_refused_before_a_byte_of_it_came() -> None:
    assert AnswerReader(20).feed(b"00000014" + b"x" * 20) == b"x" * 20
    for digits in (b"00000015", b"FFFFFFFF"):
        with pytest.raises(FramingBroken, match="limit"):
            AnswerReader(20).feed(digits)


def test_what_follows_a_payload_is_kept_and_told() -> None:
    reader = AnswerReader(20)
    assert reader.feed(b"00000001x0") == b"x"
    assert reader.holds_more
    assert reader.feed(b"0000000") == b""
    assert not reader.holds_more
