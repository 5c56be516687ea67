"""Accounts of breaches: which tell of the same fault, and which do not."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.exchange import Exchange, Request
from conformance.likeness import are_alike, begins_like, likeness, steady_beginning

SAME = [
    (
        'no end in 814 polls, the last one: errorcode 0, reply "wind"',
        'no end in 79 polls, the last one: errorcode 0, reply "a"',
    ),
    ("after 0.62 s, at the quickest", "after 1.1 s, at the quickest"),
    ("b'OK\\n'", "b'ERROR 17: \\'no\\''"),
    ("the names ['First', 'Sec]ond']", "the names ['Third']"),
    ("[]", "['a piece', \"it's\"]"),
    (
        "the connection ended without an answer ([Errno 104] Connection reset by peer)",
        "the connection ended without an answer (Remote end closed connection without response)",
    ),
    (
        "'one ', at the end of these steps:\n1. poll A for 3",
        "'two', at the end of these steps:\n1. poll B for 1\n2. pause",
    ),
    (
        "none before the provider's answer: errorcode 0, reply \"it's\"",
        'none before the provider\'s answer: errorcode 0, reply "x"',
    ),
]
OTHER = [
    ('errorcode 4, reply "No."', 'errorcode 5, reply "No."'),
    ('errorcode 1, reply "No."', 'errorcode 17, reply "No."'),
    ('errorcode -1, reply "No."', 'errorcode 1, reply "No."'),
    ("status 200, no JSON: '<html>'", "status 502, no JSON: '<html>'"),
    ("status 200, no JSON: '{'", "reply is missing; errorcode is missing: status 200, '{}'"),
    ('"connected": null', '"connected": false'),
    ("a close without a word", "nothing"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_accounts_that_differ_by_chance_alone_are_alike(one: str, other: str) -> None:
    assert are_alike(one, other)
    assert likeness(one) != one.partition("\n")[0], "nothing of it was taken for chance"


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_accounts_of_two_faults_are_not_alike(one: str, other: str) -> None:
    assert not are_alike(one, other)


def test_a_beginning_may_be_copied_from_another_run() -> None:
    account = 'no end in 814 polls, the last one: errorcode 0, reply "wind"'
    for beginning in ("", "no end in 79 polls", 'no end in 814 polls, the last one: errorcode 0, reply "wi', account):
        assert begins_like(account, beginning)
    for beginning in ("no end in 79 days", 'no end in 814 polls, the last one: errorcode 1, reply "wind"'):
        assert not begins_like(account, beginning)


@pytest.mark.parametrize(
    ("account", "beginning"),
    [
        ('errorcode 4, reply "No."', "errorcode 4, reply "),
        ("no end in 814 polls", "no end in "),
        ("status 502, no JSON: '<html>'", "status 502, no JSON: "),
        ("['a', 'b']", ""),
        ("nothing", "nothing"),
    ],
)
def test_a_steady_beginning_ends_before_what_is_chance(account: str, beginning: str) -> None:
    assert steady_beginning(account) == beginning
    assert begins_like(account, beginning)


@given(st.text(max_size=80), st.text(max_size=80))
def test_what_a_hub_says_never_changes_the_likeness(one: str, other: str) -> None:
    def told(body: bytes, status: int = 200) -> str:
        return likeness(Exchange(Request("/First/", b"{}"), status, body=body).describe())

    def errors(text: str) -> str:
        return told(json.dumps({"reply": text, "errorcode": 7}).encode())

    assert errors(one) == errors(other) == "errorcode 7, reply …"
    html = [told(f"<{text}".encode("utf-8", "replace"), 502) for text in (one, other)]
    assert html == ["status 502, no JSON: …"] * 2
