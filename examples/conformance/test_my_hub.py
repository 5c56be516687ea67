"""Judges one's own hub among one's other tests, here the mock hub in its place."""

from collections.abc import Iterator

import pytest

from conformance import Settings, run
from mockserver import MockHub


@pytest.fixture
def my_hub() -> Iterator[str]:
    """The address of the hub under test; start yours here."""
    with MockHub(tls=False) as hub:
        yield hub.url


def test_my_hub_conforms(my_hub: str) -> None:
    report = run(Settings(my_hub, "Neuroengine-Large", profile="smoke", seed=1))
    rows = [row for row in report["requirements"] if row["verdict"] == "fail"]
    assert not rows, [f"{row['id']}: {row['sentence']}" for row in rows]
