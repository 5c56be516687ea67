"""The same app, tested through each door of the mock hub."""

import pytest
from my_app import advise

from mockserver import MockHub

pytestmark = pytest.mark.neuroengine("Sun and water.")


def test_in_place_of_the_published_hub(neuroengine_api: MockHub) -> None:
    assert advise("tomatoes") == "Sun and water."
    assert len(neuroengine_api.journal) == 1


def test_beside_other_hosts_that_respx_mocks(neuroengine_hub: MockHub) -> None:
    pytest.importorskip("respx")
    with neuroengine_hub.respx():
        assert advise("tomatoes") == "Sun and water."


def test_by_a_transport_without_a_socket(neuroengine_hub: MockHub) -> None:
    assert advise("tomatoes", neuroengine_hub.transport()) == "Sun and water."


def test_by_a_running_server_that_the_environment_names(
    neuroengine_environment: MockHub,
) -> None:
    assert advise("tomatoes") == "Sun and water."
    assert len(neuroengine_environment.journal) == 1


def test_by_a_server_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    with MockHub(tls=False) as hub:
        hub.on().reply("Sun and water.")
        monkeypatch.setenv("NEUROENGINE_URL", hub.url)
        assert advise("tomatoes") == "Sun and water."
