"""A server's certificate in words: whom it is for, who issued it, how long it holds, and why it is not trusted."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_EXPIRED, _NOT_YET_VALID, _OTHER_NAME, _OTHER_IP = 10, 9, 62, 64
_UNKNOWN_AUTHORITY: Final = frozenset({2, 18, 19, 20, 21, 27})
"""OpenSSL's codes for a chain that ends at nobody who is trusted."""
_NO_CHECK_TIME: Final = 0x200000
"""OpenSSL's flag to leave the dates unchecked; Python has no name for it."""
_NAMES_SHOWN: Final = 5
_DAY_S: Final = 86400


class Certificate(NamedTuple):
    """What a certificate says.

    Attributes:
        subject: whom it was issued to.
        issuer: the authority that issued it.
        names: the host names and addresses that it is for.
        begins: when it begins to hold, in seconds since 1970.
        ends: when it ceases to.
    """

    subject: str
    issuer: str
    names: tuple[str, ...]
    begins: float
    ends: float

    @classmethod
    def of(cls, peer: Mapping[str, Any]) -> Self:
        """Reads what `getpeercert` gives."""
        return cls(
            subject=_called(peer.get("subject", ())),
            issuer=_called(peer.get("issuer", ())),
            names=tuple(str(value) for _, value in peer.get("subjectAltName", ())),
            begins=ssl.cert_time_to_seconds(peer["notBefore"]),
            ends=ssl.cert_time_to_seconds(peer["notAfter"]),
        )

    def describe(self, now: float) -> str:
        """One line for a person; `now` is the time in seconds since 1970."""
        days = int((self.ends - now) // _DAY_S)
        until = f"until {_day(self.ends)} ({days} days)" if days >= 0 else f"until {_day(self.ends)}"
        return f"for {self.listed_names()}; issued by {self.issuer or 'nobody named'}; valid {until}"

    def listed_names(self) -> str:
        """The names, or whom it was issued to where there are none."""
        shown = ", ".join(self.names[:_NAMES_SHOWN]) or self.subject or "nobody"
        return f"{shown} and {len(self.names) - _NAMES_SHOWN} more" if len(self.names) > _NAMES_SHOWN else shown


class Distrust(NamedTuple):
    """Why a certificate is not trusted, and what can be done about it."""

    reason: str
    fix: str


def distrust(error: ssl.SSLCertVerificationError, certificate: Certificate | None, host: str, now: float) -> Distrust:
    """What a failed verification means; `certificate` is what the server showed, where it could be read."""
    code = error.verify_code
    clock = f"this machine's clock says {_day(now)}: set it if that is wrong"
    if code == _EXPIRED:
        when = f" on {_day(certificate.ends)}" if certificate and certificate.ends < now else ""
        return Distrust(f"the certificate expired{when}", f"the hub's operator must renew it; {clock}")
    if code == _NOT_YET_VALID:
        when = f" before {_day(certificate.begins)}" if certificate and certificate.begins > now else " yet"
        return Distrust(f"the certificate is not valid{when}", clock)
    if code in {_OTHER_NAME, _OTHER_IP}:
        holds = f" but for {certificate.listed_names()}" if certificate else ""
        fix = "write the address with a name that the certificate holds; else another server answers here"
        return Distrust(f"the certificate is not for {host!r}{holds}", fix)
    if code in _UNKNOWN_AUTHORITY:
        issuer = f" ({certificate.issuer})" if certificate and certificate.issuer else ""
        fix = "if the hub has an authority of its own, name its PEM file with --ca-file or SSL_CERT_FILE"
        return Distrust(f"the certificate's authority{issuer} is not trusted here", fix)
    words = error.verify_message or str(error)
    return Distrust(f"the certificate is not trusted: {words}", "the hub's operator must replace it")


def trusting_only(shown: bytes) -> ssl.SSLContext:
    """A context that trusts this one certificate, in DER form, whatever its name, dates and authority.

    It serves to read the certificate: Python tells what is in one only after it was verified.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | ssl.VerifyFlags(_NO_CHECK_TIME)
    context.load_verify_locations(cadata=shown)
    return context


def _called(name: Iterable[Iterable[tuple[str, str]]]) -> str:
    """The most telling part of a distinguished name."""
    parts = {key: value for group in name for key, value in group}
    return next(
        (parts[key] for key in ("commonName", "organizationName", "organizationalUnitName") if key in parts), ""
    )


def _day(moment: float) -> str:
    """A date, in UTC."""
    return datetime.fromtimestamp(moment, UTC).date().isoformat()
