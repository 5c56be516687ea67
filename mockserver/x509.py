"""X.509 certificates as bytes: one that signs others, and one for a server. See RFC 5280, and X.690 for DER.

A library for certificates knows every kind of them, which takes longer to import than a hub takes to start. These two
kinds are written here; the keys and the signatures are `cryptography`'s. Both are strict: an authority signs servers
and nothing below them, a server's certificate signs nothing and is for TLS servers alone.
"""

from __future__ import annotations

import hashlib
import secrets
from ipaddress import ip_address
from time import gmtime, strftime, time
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

if TYPE_CHECKING:
    from collections.abc import Iterable

ORGANIZATION: Final = "Neuroengine mock hub"
"""Whom both certificates name."""

DAY_S: Final = 86_400
VALID_S: Final = 365 * DAY_S
"""How long a certificate is valid, in seconds from when it is made, and a day before that."""

_VERSION_3: Final = 2
_BITS: Final = 256
_SERIAL_BITS: Final = 126

_CURVE: Final = (1, 2, 840, 10045, 3, 1, 7)  # prime256v1
_EC_KEY: Final = (1, 2, 840, 10045, 2, 1)
_ECDSA_SHA256: Final = (1, 2, 840, 10045, 4, 3, 2)
_NAME_ORGANIZATION: Final = (2, 5, 4, 10)
_NAME_COMMON: Final = (2, 5, 4, 3)
_SUBJECT_KEY: Final = (2, 5, 29, 14)
_KEY_USAGE: Final = (2, 5, 29, 15)
_OTHER_NAMES: Final = (2, 5, 29, 17)
_BASIC_CONSTRAINTS: Final = (2, 5, 29, 19)
_AUTHORITY_KEY: Final = (2, 5, 29, 35)
_EXTENDED_USAGE: Final = (2, 5, 29, 37)
_FOR_SERVERS: Final = (1, 3, 6, 1, 5, 5, 7, 3, 1)


class Key:
    """A new private key, on the curve P-256."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        public = self._key.public_key().public_numbers()
        self._point = b"\x04" + public.x.to_bytes(_BITS // 8, "big") + public.y.to_bytes(_BITS // 8, "big")

    @property
    def der(self) -> bytes:
        """The private key, as RFC 5915 has it."""
        secret = self._key.private_numbers().private_value.to_bytes(_BITS // 8, "big")
        return _sequence(_integer(1), _octets(secret), _tagged(0, _oid(_CURVE)), _tagged(1, _bits(self._point)))

    @property
    def public(self) -> bytes:
        """The public key, as a certificate holds it."""
        return _sequence(_sequence(_oid(_EC_KEY), _oid(_CURVE)), _bits(self._point))

    @property
    def identifier(self) -> bytes:
        """What certificates call the key."""
        return hashlib.sha1(self._point, usedforsecurity=False).digest()

    def sign(self, data: bytes) -> bytes:
        """The signature of some bytes."""
        return self._key.sign(data, ec.ECDSA(SHA256()))


def authority_certificate(key: Key, name: str) -> bytes:
    """The certificate of an authority, signed by itself."""
    return _certificate(
        key,
        name,
        key,
        name,
        _extension(_BASIC_CONSTRAINTS, _sequence(_boolean(), _integer(0)), is_critical=True),
        _extension(_KEY_USAGE, _bits(b"\x06", unused=1), is_critical=True),  # certificates and lists of revoked ones
        _extension(_SUBJECT_KEY, _octets(key.identifier)),
    )


def server_certificate(key: Key, hosts: Iterable[str], issuer: Key, issuer_name: str) -> bytes:
    """The certificate of a server of these host names and addresses."""
    hosts = tuple(hosts)
    return _certificate(
        key,
        hosts[0],
        issuer,
        issuer_name,
        _extension(_BASIC_CONSTRAINTS, _sequence(), is_critical=True),
        _extension(_KEY_USAGE, _bits(b"\x80", unused=7), is_critical=True),  # signatures of a handshake
        _extension(_EXTENDED_USAGE, _sequence(_oid(_FOR_SERVERS))),
        _extension(_OTHER_NAMES, _sequence(*map(_host, hosts))),
        _extension(_SUBJECT_KEY, _octets(key.identifier)),
        _extension(_AUTHORITY_KEY, _sequence(_tlv(0x80, issuer.identifier))),
    )


def _certificate(key: Key, name: str, issuer: Key, issuer_name: str, *extensions: bytes) -> bytes:
    algorithm = _sequence(_oid(_ECDSA_SHA256))
    now = time()
    content = _sequence(
        _tagged(0, _integer(_VERSION_3)),
        _integer(secrets.randbits(_SERIAL_BITS) | 1),
        algorithm,
        _name(issuer_name),
        _sequence(_time(now - DAY_S), _time(now + VALID_S)),
        _name(name),
        key.public,
        _tagged(3, _sequence(*extensions)),
    )
    return _sequence(content, algorithm, _bits(issuer.sign(content)))


def _name(common: str) -> bytes:
    parts = ((_NAME_ORGANIZATION, ORGANIZATION), (_NAME_COMMON, common))
    return _sequence(*(_tlv(0x31, _sequence(_oid(kind), _tlv(0x0C, text.encode()))) for kind, text in parts))


def _host(host: str) -> bytes:
    try:
        return _tlv(0x87, ip_address(host).packed)
    except ValueError:
        return _tlv(0x82, host.encode("ascii"))


def _extension(kind: tuple[int, ...], content: bytes, *, is_critical: bool = False) -> bytes:
    return _sequence(_oid(kind), _boolean() if is_critical else b"", _octets(content))


# -- DER: a tag, a length, and what is in it


def _tlv(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def _sequence(*items: bytes) -> bytes:
    return _tlv(0x30, b"".join(items))


def _tagged(number: int, content: bytes) -> bytes:
    return _tlv(0xA0 | number, content)


def _boolean() -> bytes:
    return _tlv(0x01, b"\xff")  # the other one is left out


def _integer(number: int) -> bytes:
    return _tlv(0x02, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def _bits(content: bytes, *, unused: int = 0) -> bytes:
    return _tlv(0x03, bytes((unused,)) + content)


def _octets(content: bytes) -> bytes:
    return _tlv(0x04, content)


def _oid(parts: tuple[int, ...]) -> bytes:
    first, second, *rest = parts
    content = bytearray()
    for part in (first * 40 + second, *rest):
        septets = [part & 0x7F]
        while part := part >> 7:
            septets.append(part & 0x7F | 0x80)
        content += bytes(reversed(septets))
    return _tlv(0x06, bytes(content))


def _time(seconds: float) -> bytes:
    moment = gmtime(seconds)
    if moment.tm_year < 2050:  # as RFC 5280 wants it
        return _tlv(0x17, strftime("%y%m%d%H%M%SZ", moment).encode())
    return _tlv(0x18, strftime("%Y%m%d%H%M%SZ", moment).encode())
