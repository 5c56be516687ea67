"""Programs written for the published surface run against the mock hub, pointed there by the environment alone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from programs import EXAMPLES, output, running

from mockserver import MockHub

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAMS = EXAMPLES / "published"


@pytest.fixture(scope="module")
def hub() -> Iterator[MockHub]:
    with MockHub({"Neuroengine-Large": "KEY", "MYGPT": "DEMOKEY"}) as running_hub:
        yield running_hub


def test_the_client_program_prints_a_reply(hub: MockHub) -> None:
    assert len(output(hub, str(PROGRAMS / "client.py")).split()) > 10


def test_the_module_as_a_script_prints_the_reply_of_the_published_service(hub: MockHub) -> None:
    assert output(hub, "-m", "neuroengine", "Hello!") == output(hub, str(PROGRAMS / "client.py"))


def test_the_sampling_program_gets_no_more_than_it_asked_for(hub: MockHub) -> None:
    assert 1 < len(output(hub, str(PROGRAMS / "sampling.py")).split()) <= 24


def test_the_stream_program_prints_the_whole_reply(hub: MockHub) -> None:
    assert output(hub, str(PROGRAMS / "stream.py")) == output(hub, str(PROGRAMS / "client.py"))


def test_the_models_program_prints_both_services(hub: MockHub) -> None:
    models = [json.loads(line) for line in output(hub, str(PROGRAMS / "models.py")).splitlines()]
    assert [model["name"] for model in models] == ["Neuroengine-Large", "MYGPT"]
    assert all({"numreq", "connected", "comment", "operator", "queuelen"} <= set(model) for model in models)


def test_the_provider_program_answers_a_client(hub: MockHub) -> None:
    with running(hub, str(PROGRAMS / "provider.py")) as provider:
        assert provider.stdout is not None
        assert provider.stdout.readline() == "Logged in.\n"
        ask = "from neuroengine import Neuroengine; print(Neuroengine('MYGPT').request('Hé'))"
        assert output(hub, "-c", ask) == "You said: Hé\n"
