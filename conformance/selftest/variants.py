"""Hubs that differ from others in what the protocol leaves open: no requirement may be reported as broken by them."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from conformance.selftest.another.counter import LIMITS, Manners
from conformance.selftest.another.hub import SERVICE, Ways, another_hub
from conformance.selftest.another.line import KEY
from conformance.selftest.another.provided import another_hub_with_providers
from conformance.selftest.hubs import KnownHub

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.selftest.another.hub import Certificate


class Variant(NamedTuple):
    """How a hub differs, and the rules that its difference can touch: patterns of requirement ids, none for all.

    With `manners` it has a provider port, and answers with what its provider says.
    """

    ways: Ways = Ways()
    manners: Manners | None = None
    touches: tuple[str, ...] = ()
    is_over_tls: bool = False


ANSWERS: Final = ("NE-HTTP-*", "NE-ANS-*", "NE-MODELS-*")
FIELDS: Final = ("NE-REQ-*", "NE-BODY-*")
STREAMS: Final = ("NE-STREAM-*",)
LINK: Final = ("NE-LOGIN-*", "NE-FRAME-*")
ANSWERED: Final = ("NE-FWD-*", "NE-PANS-*", "NE-LOSS-*")

VARIANTS: Final[dict[str, Variant]] = {
    "from-the-documentation": Variant(),
    "statuses-and-codes-of-its-own": Variant(Ways(statuses=True, code=1077), touches=(*ANSWERS, *FIELDS)),
    "sentences-of-its-own": Variant(
        Ways(sentence="Das geht nicht: \u201e\U0001f645\u201c"), touches=(*ANSWERS, *FIELDS)
    ),
    "pretty-printed-chunked-after-blanks": Variant(Ways(pretty=True), touches=(*ANSWERS, *STREAMS)),
    "in-small-writes": Variant(Ways(small_writes=True), touches=ANSWERS),
    "members-of-its-own": Variant(Ways(extra=True), touches=(*ANSWERS, *STREAMS)),
    "a-connection-each": Variant(Ways(http10=True), touches=("NE-HTTP-*", "NE-STREAM-*")),
    "over-tls": Variant(touches=("NE-HTTP-*",), is_over_tls=True),
    "below-a-path": Variant(Ways(prefix="/llm/hub"), touches=("NE-HTTP-*", "NE-MODELS-*")),
    "a-model-of-chance": Variant(Ways(by_chance=True), touches=("NE-REQ-*", *STREAMS)),
    "a-model-of-many-scripts": Variant(Ways(other_words=True), touches=("NE-ANS-*", *STREAMS)),
    "a-slow-model": Variant(Ways(slow_s=0.02), touches=STREAMS),
    "short-replies": Variant(Ways(most_tokens=12), touches=("NE-REQ-*", *STREAMS)),
    "pieces-of-one-token": Variant(Ways(piece_tokens=1), touches=STREAMS),
    "not-ready-at-first": Variant(Ways(late=True), touches=STREAMS),
    "takes-what-others-refuse": Variant(Ways(coerces=True), touches=FIELDS),
    "short-requests-only": Variant(Ways(body_bytes=16 * 1024), touches=("NE-HTTP-*", "NE-BODY-*", "NE-LIM-*")),
    "one-after-another": Variant(Ways(one_by_one=True), touches=STREAMS),
    "one-of-many-services": Variant(Ways(neighbours=200), touches=("NE-MODELS-*",)),
    "with-providers": Variant(manners=Manners()),
    "says-ok-in-a-line-of-its-own": Variant(
        Ways(http10=True), Manners(greeting=b" OK\r\n", refusal=b""), ("NE-LOGIN-*", "NE-LOSS-*")
    ),
    "hands-a-request-over-once": Variant(
        Ways(extra=True, code=1077), Manners(hands_over=True, complete=True), ANSWERED
    ),
    "cuts-off-who-is-late": Variant(Ways(statuses=True, code=12), Manners(cuts_off=True), ("NE-PANS-*", "NE-LOSS-*")),
    "refuses-at-once-while-nobody-is-there": Variant(
        Ways(pretty=True), Manners(impatient=True, padded=True), ("NE-FRAME-*", "NE-LOSS-*", "NE-MODELS-*")
    ),
    "does-not-see-clients-leave": Variant(Ways(code=-1), Manners(blind=True), ("NE-LOSS-*", "NE-PANS-*")),
    "writes-raw-utf-8": Variant(Ways(piece_tokens=1), Manners(raw=True), ("NE-FRAME-*", "NE-FWD-*", "NE-STREAM-*")),
    "pings-with-the-time": Variant(
        manners=Manners(ping=b'{"ping": "2026-11-26T12:00:00Z", "of": {"hub": "another"}}'), touches=LINK
    ),
}


def variants(certificate: Certificate) -> Iterator[KnownHub]:
    """The variants as hubs to be judged; those that speak TLS show the certificate."""
    for name, variant in VARIANTS.items():
        yield KnownHub(name, "variant", partial(_open, variant, certificate), touches=variant.touches, profile="core")


@contextmanager
def _open(variant: Variant, certificate: Certificate) -> Iterator[dict[str, Any]]:
    ways = variant.ways
    told = {"service": SERVICE, "ca_file": certificate.ca_file}
    if variant.manners is None:
        with another_hub(ways, certificate if variant.is_over_tls else None) as url:
            yield told | {"url": url, "limits": {"http_body_bytes": float(ways.body_bytes)}}
        return
    limits = {name: float(value) for name, value in LIMITS.items()}
    with another_hub_with_providers(certificate, variant.manners, ways) as doors:
        yield told | {"url": doors.url, "provider": doors.provider, "service_key": KEY, "limits": limits}
