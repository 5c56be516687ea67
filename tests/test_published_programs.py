"""Programs written for the published surface run against the mock hub, pointed there by the environment alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mockserver import MockHub

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAMS = Path(__file__).parent.parent / "examples" / "published"
DEADLINE_S = 60


@pytest.fixture(scope="module")
def hub() -> Iterator[MockHub]:
    with MockHub({"Neuroengine-Large": "KEY", "MYGPT": "DEMOKEY"}) as running:
        yield running


def environment(hub: MockHub) -> dict[str, str]:
    return os.environ | {
        "NEUROENGINE_URL": hub.url,
        "NEUROENGINE_PROVIDER": hub.provider,
        "SSL_CERT_FILE": hub.ca_file,
        "PYTHONIOENCODING": "utf-8",
    }


def run(hub: MockHub, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        env=environment(hub),
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=DEADLINE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return done.stdout


def test_the_client_program_prints_a_reply(hub: MockHub) -> None:
    assert len(run(hub, str(PROGRAMS / "client.py")).split()) > 10


def test_the_module_as_a_script_prints_the_reply_of_the_published_service(hub: MockHub) -> None:
    assert run(hub, "-m", "neuroengine", "Hello!") == run(hub, str(PROGRAMS / "client.py"))


def test_the_sampling_program_gets_no_more_than_it_asked_for(hub: MockHub) -> None:
    assert 1 < len(run(hub, str(PROGRAMS / "sampling.py")).split()) <= 24


def test_the_stream_program_prints_the_whole_reply(hub: MockHub) -> None:
    assert run(hub, str(PROGRAMS / "stream.py")) == run(hub, str(PROGRAMS / "client.py"))


def test_the_models_program_prints_both_services(hub: MockHub) -> None:
    models = [json.loads(line) for line in run(hub, str(PROGRAMS / "models.py")).splitlines()]
    assert [model["name"] for model in models] == ["Neuroengine-Large", "MYGPT"]
    assert all({"numreq", "connected", "comment", "operator", "queuelen"} <= set(model) for model in models)


def test_the_provider_program_answers_a_client(hub: MockHub) -> None:
    command = [sys.executable, str(PROGRAMS / "provider.py")]
    with subprocess.Popen(command, env=environment(hub), stdout=subprocess.PIPE, text=True) as provider:
        try:
            assert provider.stdout is not None
            assert provider.stdout.readline() == "Logged in.\n"
            ask = "from neuroengine import Neuroengine; print(Neuroengine('MYGPT').request('Hé'))"
            assert run(hub, "-c", ask) == "You said: Hé\n"
        finally:
            provider.terminate()
