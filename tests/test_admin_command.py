"""`neuroengine mock --admin`: a program starts a hub, reads one line, and does the rest over HTTP."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from click.testing import CliRunner
from patience import DEADLINE_S

from neuroengine._generated.registry import DEFAULT_SERVICE
from neuroengine.cli import main

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def mock(*options: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The command in a process of its own and the first line that it prints, ended in order with the block."""
    command = [sys.executable, "-m", "neuroengine", "mock", "--no-tls", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline(), process
            process.send_signal(signal.SIGTERM)
            _, errors = process.communicate(timeout=DEADLINE_S)
            assert (process.returncode, errors) == (0, "")
        finally:
            process.kill()


@pytest.mark.parametrize("in_file", [False, True], ids=["flag", "file"])
def test_the_json_line_says_where_it_is_and_rules_added_there_answer(tmp_path: Path, *, in_file: bool) -> None:
    config = tmp_path / "mock.toml"
    config.write_text("admin = true\n", encoding="utf-8")
    with mock("--json", *(["--config", str(config)] if in_file else ["--admin"])) as (line, _):
        addresses = json.loads(line)
        with httpx.Client(timeout=DEADLINE_S) as client:
            added = client.post(f"{addresses['admin']}/rules", json={"then": "Hi"})
            assert added.status_code == 201
            answer: Any = client.post(f"{addresses['url']}/{DEFAULT_SERVICE}", json={"message": "Hello"}).json()
            assert answer["reply"] == "Hi"
            assert client.get(f"{addresses['admin']}/").json()["url"] == addresses["url"]


def test_without_the_flag_there_is_none() -> None:
    with mock("--json") as (line, _):
        assert "admin" not in json.loads(line)


def test_a_person_is_shown_it_too() -> None:
    with mock("--admin") as (line, process):
        assert process.stdout is not None
        lines = [line, *(process.stdout.readline() for _ in range(3))]
        (shown,) = (one.split()[1] for one in lines if one.startswith("admin"))
        assert httpx.get(f"{shown}/clock", timeout=DEADLINE_S).status_code == 200


def test_a_port_for_what_is_off_is_refused() -> None:
    result = CliRunner().invoke(main, ["mock", "--check", "--admin-port", "9443"])
    assert result.exit_code == 2
    assert "there is an admin_port, 9443, but no admin API" in result.stderr
