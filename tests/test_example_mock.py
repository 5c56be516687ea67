"""The mock hub's example files do what the guide says of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from example_runs import EXAMPLES, agrees

from mockserver import Clock, MockHub
from neuroengine import Client

if TYPE_CHECKING:
    from collections.abc import Iterator

FILES = EXAMPLES / "mock"
COMMAND = (sys.executable, "-m", "neuroengine", "mock")


@pytest.fixture
def client() -> Iterator[Client]:
    clock = Clock.leaping()
    hub = MockHub(rules=FILES / "rules.toml", clock=clock)
    with Client(transport=hub.transport(), clock=clock.time, sleep=clock.sleep) as asking:
        yield asking
    hub.stop()


def test_each_rule_of_the_file_answers(client: Client) -> None:
    assert client.generate("Hello", temperature=0).text == "Hi!"
    assert client.generate("How is the weather?").text == "Rain."
    assert list(client.stream("Count")) == ["one", " two", " three"]
    rest = client.generate("Hello", seed=1, max_new_len=4).text
    assert rest == client.generate("Hello", seed=2, max_new_len=4).text  # greedy, whatever the client wants


def test_the_settings_of_the_file_are_right_and_the_hub_has_them() -> None:
    environment = os.environ | {"MYGPT_KEY": "SECRET"}
    command = [*COMMAND, "--config", str(FILES / "hub.toml"), "--json"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            told = json.loads(process.stdout.readline())
        finally:
            process.kill()
    assert told["url"].startswith("http://")
    assert "admin" in told
    assert [service["name"] for service in told["services"]] == ["MYGPT", "Members-Only"]


def test_the_command_says_where_the_hub_is_as_the_guides_show() -> None:
    expected = (EXAMPLES / "start" / "mock.txt").read_text(encoding="utf-8")
    with subprocess.Popen([*COMMAND, "--no-tls"], stdout=subprocess.PIPE, text=True, encoding="utf-8") as process:
        try:
            assert process.stdout is not None
            shown = "".join(process.stdout.readline() for _ in range(expected.count("\n")))
        finally:
            process.kill()
    assert agrees(expected, shown), shown
