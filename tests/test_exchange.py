"""What came back in a few words: what is wrong with the form of an answer comes first."""

from __future__ import annotations

import pytest

from conformance.exchange import VALUE_SHOWN, Exchange, Request
from conformance.likeness import are_alike, begins_like, steady_beginning


def told(body: str, status: int = 200, *headers: tuple[str, str]) -> str:
    return Exchange(Request("/First/", b"{}"), status, headers, body.encode()).describe()


@pytest.mark.parametrize(
    ("body", "account"),
    [
        ('{"reply": "Hi.", "errorcode": 7}', 'errorcode 7, reply "Hi."'),
        ('{"reply": "", "errorcode": "0"}', 'errorcode is the string "0", not an integer: status 200, '),
        ('{"reply": "", "errorcode": 0.5}', "errorcode is the number 0.5, not an integer: status 200, "),
        ('{"reply": "", "errorcode": true}', "errorcode is true, not an integer: status 200, "),
        ('{"reply": ""}', "errorcode is missing: status 200, "),
        ('{"reply": null, "errorcode": 0}', "reply is null, not a string: status 200, "),
        ('{"reply": ["Hi."], "errorcode": 0}', "reply is an array, not a string: status 200, "),
        ('{"reply": {}, "errorcode": null}', "reply is an object, not a string; errorcode is null, not an integer: "),
        ("[]", "the answer is an array, not an object: status 200, '[]'"),
        ('"Hi."', 'the answer is the string "Hi.", not an object: '),
        ("<p>", "status 200, no JSON: '<p>'"),
        ("", "status 200, no JSON: an empty body"),
    ],
)
def test_an_account_begins_with_what_is_wrong_and_shows_the_answer(body: str, account: str) -> None:
    assert told(body).startswith(account)
    assert body in told(body) or not account.endswith("status 200, ")


def test_a_redirect_is_named_with_where_it_leads() -> None:
    assert told("<p>see</p>", 308, ("location", "/First/")) == "status 308, a redirect to '/First/'"
    assert told("<p>see</p>", 302) == "status 302, a redirect without Location"


def test_a_long_member_of_a_wrong_type_is_cut() -> None:
    account = told(f'{{"reply": "", "errorcode": "{"0" * 500}"}}')
    assert f'the string "{"0" * VALUE_SHOWN}", not an integer' in account
    assert len(account) < 600


def test_faults_are_told_apart_by_what_a_baseline_keeps_of_them() -> None:
    faults = [
        told('{"reply": "", "errorcode": "0"}'),
        told('{"reply": null, "errorcode": 0}'),
        told('{"reply": "Hi."}'),
        told('{"errorcode": 0}'),
        told("[]"),
    ]
    for one in faults:
        for other in faults:
            assert begins_like(other, steady_beginning(one)) == (one == other)
    assert are_alike(faults[0], told('{"reply": "a text", "errorcode": "17"}'))
