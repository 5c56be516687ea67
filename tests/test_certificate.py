"""A certificate in words, and why one is not trusted."""

from __future__ import annotations

import ssl

import pytest

from neuroengine.transport.certificate import Certificate, distrust


def test_a_certificate_that_is_refused_for_another_reason_is_told_in_openssls_words() -> None:
    error = ssl.SSLCertVerificationError("no")
    error.verify_code, error.verify_message = 26, "unsupported certificate purpose"
    assert distrust(error, None, "hub.test", 0.0).reason == (
        "the certificate is not trusted: unsupported certificate purpose"
    )


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (10, "the certificate expired"),
        (9, "the certificate is not valid yet"),
        (62, "the certificate is not for 'hub.test'"),
        (20, "the certificate's authority is not trusted here"),
    ],
)
def test_a_certificate_that_cannot_be_read_is_told_without_its_details(code: int, reason: str) -> None:
    error = ssl.SSLCertVerificationError("no")
    error.verify_code, error.verify_message = code, "words"
    assert distrust(error, None, "hub.test", 0.0).reason == reason


def test_a_certificate_with_many_names_is_told_in_short() -> None:
    many = Certificate("subject", "issuer", tuple(f"{number}.test" for number in range(9)), 0.0, 86400.0 * 10)
    assert many.describe(86400.0 * 3) == (
        "for 0.test, 1.test, 2.test, 3.test, 4.test and 4 more; issued by issuer; valid until 1970-01-11 (7 days)"
    )
    assert many._replace(names=(), issuer="").describe(86400.0 * 20) == (
        "for subject; issued by nobody named; valid until 1970-01-11"
    )
