"""The newcomer's example: an app of one's own, tested offline in ten lines, and through every door."""

from __future__ import annotations

import shutil
from pathlib import Path

from strangers import project, run_pytest

EXAMPLE = Path(__file__).parents[1] / "examples" / "offline"
NO_NETWORK = """
    import socket

    def refuse(*args):
        raise OSError("a newcomer's test must need no network")

    socket.socket.connect = socket.socket.bind = socket.getaddrinfo = refuse
"""


def test_a_newcomers_test_passes_without_any_network(tmp_path: Path) -> None:
    for name in ("my_app.py", "test_my_app.py"):
        shutil.copy(EXAMPLE / name, tmp_path)
    outcome = run_pytest(project(tmp_path, {"conftest.py": NO_NETWORK}))
    assert outcome.counts == {"passed": 2}, outcome.output


def test_the_newcomers_test_has_ten_lines() -> None:
    lines = (EXAMPLE / "test_my_app.py").read_text(encoding="utf-8").splitlines()
    assert len([line for line in lines if line.strip()]) == 10


def test_the_same_app_is_tested_through_every_door(tmp_path: Path) -> None:
    for name in ("my_app.py", "test_my_app.py", "test_every_door.py"):
        shutil.copy(EXAMPLE / name, tmp_path)
    outcome = run_pytest(tmp_path)
    assert outcome.counts == {"passed": 7}, outcome.output
