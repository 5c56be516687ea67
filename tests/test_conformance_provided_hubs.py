"""What the suite says of a hub in another style that it may log in to as a provider: right, and with bugs put in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from test_conformance_hubs import with_verdict

from conformance import Settings, run
from conformance.selftest.another import provided
from conformance.selftest.another.counter import Counter
from conformance.selftest.another.hub import Certificate
from conformance.selftest.another.line import Line
from conformance.selftest.variants import variants
from mockserver.certificates import Authority

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(scope="module")
def certificate() -> Iterator[Certificate]:
    authority = Authority()
    yield Certificate(authority.server_context(), authority.ca_file)
    authority.close()


def judged(certificate: Certificate, *select: str) -> dict[str, Any]:
    """The report on a hub from the rules alone, that is told of in full."""
    (variant,) = (hub for hub in variants(certificate) if hub.name == "with-providers")
    with variant.open() as told:
        return run(Settings(seed=3, timeout=10.0, select=select, **told))


def test_a_hub_from_the_rules_alone_has_every_rule_of_its_provider_port_judged(certificate: Certificate) -> None:
    report = judged(certificate, "NE-PANS-*", "NE-LOSS-*")
    assert with_verdict(report, "fail", "warn", "error", "skip") == {}
    assert {"NE-PANS-001", "NE-PANS-015", "NE-LOSS-002", "NE-LOSS-009"} <= with_verdict(report, "pass").keys()


# -- three bugs, and what finds them


def strips_replies(patch: pytest.MonkeyPatch) -> None:
    right = provided.meaning

    def meaning(payload: bytes) -> dict[str, Any]:
        content = right(payload)
        return content | {"reply": content["reply"].strip()}

    patch.setattr(provided, "meaning", meaning)


def takes_what_nobody_asked_for(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Line, "hear_nothing", lambda _: None)


def leaves_a_client_alone(patch: pytest.MonkeyPatch) -> None:
    right = Counter.go
    patch.setattr(Counter, "go", lambda counter, line, _: right(counter, line, None))


BUGS: dict[str, tuple[Callable[[pytest.MonkeyPatch], None], str]] = {
    "strips-replies": (strips_replies, "NE-PANS-001"),
    "takes-what-nobody-asked-for": (takes_what_nobody_asked_for, "NE-PANS-017"),
    "leaves-a-client-alone": (leaves_a_client_alone, "NE-LOSS-004"),
}


@pytest.mark.parametrize(("bug", "row"), BUGS.values(), ids=BUGS)
def test_a_bug_that_is_put_into_it_is_found(
    certificate: Certificate, monkeypatch: pytest.MonkeyPatch, bug: Callable[[pytest.MonkeyPatch], None], row: str
) -> None:
    bug(monkeypatch)
    report = judged(certificate, row)
    assert with_verdict(report, "fail", "warn").keys() == {row}, report["requirements"]
    assert with_verdict(report, "error") == {}
