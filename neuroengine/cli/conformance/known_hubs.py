"""The hubs whose verdict is known beforehand: the mock hub in all its ways, and those that the suite brings along."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from neuroengine.cli.console import fail

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.selftest.hubs import KnownHub

MOCK_VARIANTS: Final[dict[str, dict[str, Any]]] = {
    "mock-hub-with-http-statuses": {"matching_statuses": True},
    "mock-hub-over-tls": {"tls": True},
    "mock-hub-for-browsers": {"cors": True},
}
"""The switches of the mock hub that change what its clients see, and break nothing of the profile `extended`."""


@contextmanager
def known_hubs() -> Iterator[list[KnownHub]]:
    """The wrong hubs, the right one, the variants and the null hubs; each is started when its turn comes."""
    try:
        from mockserver.certificates import Authority
        from mockserver.wrong import WRONG_HUBS
    except ImportError as error:
        fail(f"the mock hub needs the package {error.name!r}; run: pip install 'neuroengine[mock]'", 2)
    from conformance.selftest.another.hub import Certificate
    from conformance.selftest.hubs import KnownHub
    from conformance.selftest.null_hubs import null_hubs
    from conformance.selftest.variants import variants
    from neuroengine.cli.conformance.embedded import embedded_hub, hurried_hub

    authority = Authority()
    try:
        certificate = Certificate(authority.server_context(), authority.ca_file)
        yield [
            *(KnownHub(hub.name, "wrong", partial(embedded_hub, hub.name), hub.breaks) for hub in WRONG_HUBS.values()),
            KnownHub("mock-hub", "right", hurried_hub),
            KnownHub("mock-hub-in-full", "variant", embedded_hub),
            *(KnownHub(name, "variant", partial(embedded_hub, **ways)) for name, ways in MOCK_VARIANTS.items()),
            *variants(certificate),
            *null_hubs(),
        ]
    finally:
        authority.close()


def hubs_digest() -> str:
    """Names the known hubs as they are."""
    import mockserver
    from conformance.selftest import another, null_hubs, variants
    from conformance.selftest.matrix import digest
    from neuroengine.cli.conformance import embedded

    folders = [Path(package.__file__ or "").parent for package in (another, mockserver)]
    files = [Path(__file__), *(Path(module.__file__ or "") for module in (null_hubs, variants, embedded))]
    return digest([*files, *sorted(file for folder in folders for file in folder.rglob("*.py"))])
