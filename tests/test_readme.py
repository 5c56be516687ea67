"""The README's programs run as they stand there, pointed at the mock hub by the environment alone."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from patience import DEADLINE_S

from mockserver import MockHub
from neuroengine import Neuroengine

if TYPE_CHECKING:
    from collections.abc import Iterator

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
PROGRAMS = re.findall(r"^```python\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def hub() -> Iterator[MockHub]:
    with MockHub({"Neuroengine-Large": "KEY", "MYGPT": "SERVICE-KEY"}) as running:
        yield running


@pytest.fixture
def environment(hub: MockHub) -> dict[str, str]:
    own = {"NEUROENGINE_URL": hub.url, "NEUROENGINE_PROVIDER": hub.provider, "SSL_CERT_FILE": hub.ca_file}
    return os.environ | own | {"PYTHONIOENCODING": "utf-8"}


def program(word: str) -> str:
    """The one program of the README that uses this name."""
    (found,) = (text for text in PROGRAMS if word in text)
    return str(found)


def output(text: str, environment: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", text],
        env=environment,
        capture_output=True,
        encoding="utf-8",
        timeout=DEADLINE_S,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_every_program_of_the_readme_is_run_here() -> None:
    assert sorted(PROGRAMS) == sorted(program(word) for word in ("MockHub", "client.stream", "Provider"))


def test_the_mock_hub_answers_as_it_was_told(environment: dict[str, str]) -> None:
    assert output(program("MockHub"), environment) == "Hi! Not any more.\n"


def test_the_client_prints_a_whole_reply_and_a_streamed_one(environment: dict[str, str]) -> None:
    whole, streamed = output(program("client.stream"), environment).split("\n", 1)
    assert len(whole.split()) > 10
    assert len(streamed.split()) > 10


def test_the_provider_answers_a_client(
    hub: MockHub, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    marked = program("Provider").replace(
        "Provider()", "Provider(on_state=lambda step: print(step.state.value, flush=True))"
    )
    monkeypatch.setenv("SSL_CERT_FILE", hub.ca_file)
    monkeypatch.setenv("NEUROENGINE_URL", hub.url)
    with subprocess.Popen(
        [sys.executable, "-c", marked], env=environment, stdout=subprocess.PIPE, text=True
    ) as provider:
        try:
            assert provider.stdout is not None
            assert [provider.stdout.readline() for _ in range(2)] == ["connecting\n", "ready\n"]
            assert Neuroengine("MYGPT").request("Hello!") == "You said: Hello!"
        finally:
            provider.terminate()
