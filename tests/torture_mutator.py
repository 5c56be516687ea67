"""Makes new input out of good input, fast and the same for the same seed: bodies, and what providers send."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from torture_cases import BAD_UTF8, BAD_VALUES, CASES, VALUES

if TYPE_CHECKING:
    from random import Random

LONGEST_BYTES: Final = 70_000

_SEEDS: Final = [case.body for case in CASES.values() if len(case.body) < 2000]
_PIECES: Final = [
    *VALUES.values(),
    *BAD_VALUES.values(),
    *BAD_UTF8.values(),
    *(f'"{name}": '.encode() for name in ("message", "key", "seq", "gettokens", "command", "raw", "ping", "top_k")),
    *(
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b'"',
        b"\\",
        b" ",
        b"\0",
        b"\n",
        b"0",
        b"-",
        b"e9",
        b"\\u",
        b"\\ud8",
        b"true",
    ),
    b"[" * 100,
    b'{"a":' * 70,
]
_SHORT_PIECES: Final = [piece for piece in _PIECES if len(piece) < 40]


def mutated(data: bytes, random: Random, pieces: list[bytes] = _SHORT_PIECES) -> bytes:
    """The data after one to four small accidents."""
    for _ in range(random.choice((1, 1, 1, 2, 3, 4))):
        place = random.randrange(len(data) + 1)
        other = random.randrange(len(data) + 1)
        match random.randrange(8):
            case 0:
                data = data[:place] + random.choice(pieces) + data[place:]
            case 1:
                data = data[:place] + random.choice(pieces) + data[max(place, other) :]
            case 2:
                data = data[:place] + data[max(place, other) :]
            case 3 if data:
                place %= len(data)
                data = data[:place] + bytes([data[place] ^ 1 << random.randrange(8)]) + data[place + 1 :]
            case 4:
                data = data[:place] + random.randbytes(random.choice((1, 2, 8, 40))) + data[place:]
            case 5:
                data = data[:place]
            case 6:
                data = data + data[min(place, other) : max(place, other)]
            case _:
                data = data[min(place, other) :] + data[: min(place, other)]
    return data[:LONGEST_BYTES]


def body(random: Random) -> bytes:
    """A body: mostly a good one that something befell, sometimes noise."""
    if random.random() < 0.02:
        return random.randbytes(random.randrange(200))
    return mutated(random.choice(_SEEDS), random, _PIECES if random.random() < 0.05 else _SHORT_PIECES)


_LOGINS: Final = [
    b'{"user": "MYGPT", "key": "DEMOKEY"}',
    b'{"user": "MYGPT", "key": "DEMOKEY", "streaming": true}',
    b'{"user": "MYGPT", "key": "DEMOKEY", "x": [{"a": "}{"}]}\r\n',
]
_ANSWERS: Final = [
    {"reply": "This is the LLM"},
    {"reply": "", "errorcode": 0},
    {"reply": "é世\U0001f600", "errorcode": 0, "more": [None, {"a": 1.5}]},
    {"reply": "no", "errorcode": 4711},
    {"reply": "wait", "errorcode": 17},
    {"reply": "a b c d e f g h i j k", "error": "x", "seq": 3, "done": True},
]
_LENGTHS: Final = [
    b"00000000",
    b"FFFFFFFF",
    b"0000001g",
    b"-0000001",
    b"+0000001",
    b"        ",
    b"0x000010",
    b"00400001",
]


def login(random: Random) -> bytes:
    """A login that something befell, more often than not."""
    good = random.choice(_LOGINS)
    return mutated(good, random) if random.random() < 0.6 else good


def answer(random: Random) -> bytes:
    """A provider's answer that something befell, its length or its payload; or several, or noise."""
    content = random.choice(_ANSWERS)
    payload = json.dumps(content, ensure_ascii=random.random() < 0.5).encode()
    if random.random() < 0.5:
        payload = mutated(payload, random)
    length = b"%08X" % len(payload)
    chance = random.random()
    if chance < 0.15:
        length = random.choice(_LENGTHS)
    elif chance < 0.3:
        length = b"%08x" % max(0, len(payload) + random.choice((-8, -1, 1, 2, 100)))
    elif chance < 0.35:
        length = mutated(length, random)
    whole = length + payload
    return whole if random.random() < 0.8 else mutated(whole * random.choice((1, 2)), random)


def cut(data: bytes, random: Random) -> list[bytes]:
    """The data as TCP may cut it."""
    if random.random() < 0.4 or len(data) < 2:
        return [data] if data else []
    places = sorted({random.randrange(1, len(data)) for _ in range(random.choice((1, 2, 5)))})
    return [data[start:end] for start, end in zip([0, *places], [*places, len(data)], strict=True)]
