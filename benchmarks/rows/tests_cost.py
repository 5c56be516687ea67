"""What a test costs, its fixture, one request and its end, each way: pytest runs many such tests with a stopwatch."""

from __future__ import annotations

import os
import subprocess
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.measure import at_most, ratios, row, take_turns
from benchmarks.peers import ANSWER, PATH
from benchmarks.process import PYTHON
from benchmarks.stopwatch import told_ms

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.measure import Effort, Row

BASELINE: Final = "httpx.MockTransport"
EMPTY: Final = "nothing"
URL: Final = f"https://api.neuroengine.ai{PATH}"

_BEGIN: Final = f"""\
import httpx
import pytest
import respx

URL, PATH, ANSWER = {URL!r}, {PATH!r}, {ANSWER!r}

def ask(client, url=URL):
    assert client.post(url, json={{"message": "hi"}}).json()["reply"] == ANSWER["reply"]

numbers = pytest.mark.parametrize("number", range(int(__import__("os").environ["NE_TESTS"])))
"""

_TESTS: Final = {
    EMPTY: """\
@numbers
def test(number):
    pass
""",
    BASELINE: """\
@numbers
def test(number):
    with httpx.Client(transport=httpx.MockTransport(lambda request: httpx.Response(200, json=ANSWER))) as client:
        ask(client)
""",
    "respx": """\
@numbers
def test(number, respx_mock):
    respx_mock.post(URL).mock(httpx.Response(200, json=ANSWER))
    with httpx.Client(verify=False) as client:
        ask(client)
""",
    "pytest-httpx": """\
@numbers
def test(number, httpx_mock):
    httpx_mock.add_response(json=ANSWER)
    with httpx.Client(verify=False) as client:
        ask(client)
""",
    "pytest-httpserver": """\
@numbers
def test(number, httpserver):
    httpserver.expect_request(PATH).respond_with_json(ANSWER)
    with httpx.Client(verify=False) as client:
        ask(client, httpserver.url_for(PATH))
""",
    "neuroengine_hub": """\
@numbers
@pytest.mark.neuroengine(ANSWER["reply"], services={"MYGPT": "DEMOKEY"})
def test(number, neuroengine_hub):
    with httpx.Client(transport=neuroengine_hub.transport()) as client:
        ask(client)
""",
    "neuroengine_server": """\
@pytest.fixture(scope="session")
def neuroengine_settings():
    return {"services": {"MYGPT": "DEMOKEY"}, "tls": False}

@numbers
@pytest.mark.neuroengine(ANSWER["reply"])
def test(number, neuroengine_server):
    with httpx.Client(verify=False) as client:
        ask(client, neuroengine_server.url + PATH)
""",
}
"""A file of tests each way; the last two are the mock hub in process, and as a server with fresh state."""

_PLUGINS: Final = {
    "respx": "respx.plugin",
    "pytest-httpx": "pytest_httpx",
    "pytest-httpserver": "pytest_httpserver.pytest_plugin",
    "neuroengine_hub": "neuroengine.pytest_plugin",
    "neuroengine_server": "neuroengine.pytest_plugin",
}
"""The plugin that each needs; no other one is loaded."""

_GOALS: Final = {"neuroengine_hub": (1.1, BASELINE), "neuroengine_server": (1.0, "pytest-httpserver")}


def tests_cost(effort: Effort) -> Iterator[Row]:
    """The processor time of a test each way, with all that pytest does for it."""
    with tempfile.TemporaryDirectory() as folder:
        names = [EMPTY, BASELINE, "pytest-httpserver", *_GOALS] if effort.quick else list(_TESTS)
        turns = {name: partial(_cost_ms, Path(folder), name, effort.of(400, 60)) for name in names}
        costs = take_turns(turns, effort.of(3, 1))
    for name in (EMPTY, BASELINE):
        yield row(f"a test with {name}", costs[name], "ms of processor time")
    for name, found in costs.items():
        if name in {EMPTY, BASELINE}:
            continue
        limit, against = _GOALS.get(name, (None, BASELINE))
        goal = None if limit is None else at_most(limit)
        yield row(f"a test with {name}", ratios(found, costs[against]), "x", against=f"one with {against}", goal=goal)


def _cost_ms(folder: Path, name: str, count: int) -> float:
    file = folder / f"test_{name.replace('.', '_').replace('-', '_')}.py"
    file.write_text(_BEGIN + _TESTS[name], encoding="utf-8")
    plugins = ["-p", "benchmarks.stopwatch", *(["-p", _PLUGINS[name]] if name in _PLUGINS else [])]
    done = subprocess.run(
        [PYTHON, "-m", "pytest", "-q", *plugins, "-p", "no:cacheprovider", "--rootdir", str(folder), str(file)],
        check=True,
        capture_output=True,
        text=True,
        cwd=folder,
        env=os.environ | {"NE_TESTS": str(count), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
    )
    return told_ms(done.stdout)
