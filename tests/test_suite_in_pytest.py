"""The suite in a stranger's pytest: `pytest --pyargs conformance --ne-target URL`."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from mockserver import MockHub

if TYPE_CHECKING:
    from pathlib import Path

SERVICES = {"First": "KEY1", "Second": "KEY2"}


@pytest.fixture
def stranger(tmp_path: Path) -> Path:
    """A folder with a test and settings of its own."""
    tmp_path.joinpath("pytest.ini").write_text("[pytest]\nfilterwarnings = error\n", encoding="utf-8")
    tmp_path.joinpath("test_own.py").write_text("def test_own(): pass\n", encoding="utf-8")
    return tmp_path


def judged_in(folder: Path, url: str, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-p", "no:schemathesis", "--pyargs", "conformance"]
    target = [f"--ne-target={url}", "--ne-service=First", "--ne-timeout=10"]
    return subprocess.run(
        [*command, *target, *words], cwd=folder, capture_output=True, text=True, timeout=100, check=False
    )


@pytest.mark.parametrize("processes", [[], ["-n", "2"]], ids=["alone", "xdist"])
def test_a_right_hub_passes(stranger: Path, processes: list[str]) -> None:
    with MockHub(services=SERVICES, tls=False) as hub:
        done = judged_in(stranger, hub.url, "--ne-select=NE-REQ-00?", *processes)
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout


def test_a_broken_must_fails_with_the_rule_and_what_repeats_it(stranger: Path) -> None:
    with MockHub(services=SERVICES, tls=False, wrong="unknown_service_is_empty") as hub:
        done = judged_in(stranger, hub.url, "--ne-select=NE-ERR-001")
    assert done.returncode == 1
    assert "NE-ERR-001 MUST: The hub MUST" in done.stdout
    assert "curl -sS" in done.stdout
    assert "Traceback" not in done.stdout


def test_a_broken_should_fails_nothing_and_is_told(stranger: Path) -> None:
    with MockHub(services=SERVICES, tls=False, wrong="names_folded") as hub:
        done = judged_in(stranger, hub.url, "--ne-select=NE-HTTP-005", "-rx")
    assert done.returncode == 0, done.stdout
    assert "1 xfailed" in done.stdout
    assert "NE-HTTP-005 SHOULD" in done.stdout


def test_processes_share_the_bound_of_requests(stranger: Path) -> None:
    words = ("--ne-select=NE-REQ-0*", "--ne-max-requests=40", "-n", "2", "-rs")
    with MockHub(services=SERVICES, tls=False) as hub:
        done = judged_in(stranger, hub.url, *words)
        asked = list(hub.journal)
    assert done.returncode == 0, done.stdout
    assert "the run's budget of 20 requests is used up" in done.stdout
    assert 20 < len(asked) <= 40


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("-n", "2", "--ne-provider=localhost:4444"), "can log in as a provider only once"),
        (("--ne-limits=queue=3",), "there is no limit 'queue'"),
    ],
)
def test_what_cannot_work_is_said_before_anything_is_sent(
    stranger: Path, words: tuple[str, ...], sentence: str
) -> None:
    done = judged_in(stranger, "http://127.0.0.1:1", *words)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert sentence in done.stderr


def test_a_pytest_that_judges_nothing_does_not_meet_the_suite(stranger: Path) -> None:
    program = "import pytest, sys; pytest.main(['-q']); sys.exit('conformance' in sys.modules)"
    done: subprocess.CompletedProcess[Any] = subprocess.run(
        [sys.executable, "-c", program], cwd=stranger, capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout
