"""What a judgement shows while it runs: a line that moves on a terminal, nothing of it in a pipe."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from terminal import Terminal

from conformance import Settings
from conformance.judge import Judge
from conformance.reports.terminal import Terminal as Printed
from conformance.run import run
from conformance.selftest.another.hub import SERVICE, Ways, another_hub
from conformance.selftest.null_hubs import null_hub
from mockserver import MockHub, ServiceSettings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FORMS = ("json", "html", "junit", "markdown", "har", "ctrf", "badge")
WORDS = ("--service", "First", "--select", "NE-HTTP-*")
IN_BACKGROUND = ("sh", "-c", """trap '' INT; exec "$0" "$@" """)
"""Starts a command as a shell does that goes on meanwhile: Ctrl-C is not for it."""


@pytest.fixture(scope="module")
def hub() -> Iterator[MockHub]:
    with MockHub(services={"First": "KEY1"}, tls=False) as hub:
        yield hub


def test_a_terminal_shows_how_far_it_is_and_takes_the_line_away(hub: MockHub) -> None:
    with Terminal("conformance", "run", hub.url, *WORDS) as terminal:
        terminal.expect("profile core, seed")
        assert terminal.end() == 0
    shown = re.sub(r"\x1b\[[0-9;]*m", "", terminal.shown)
    assert re.search(r"\d of \d checks, \d+ requests, 0:0\d:\d\d", shown)
    assert terminal.shown.rindex("checks,") < terminal.shown.index("CONFORMING")
    assert terminal.shown.count("\x1b[?25l") == terminal.shown.count("\x1b[?25h") > 0  # the cursor is there again


def test_a_pipe_gets_no_line_that_moves(hub: MockHub) -> None:
    done = judged(hub.url, *WORDS)
    assert done.returncode == 0
    assert "\x1b" not in done.stdout
    assert "checks," not in done.stdout
    assert "\n  HTTP     " in done.stdout


def test_what_an_encoding_has_not_is_written_as_an_escape() -> None:
    with MockHub(services={"First": "KEY"}, tls=False) as wrong:
        wrong.on().fail("internal_error", reply="東京")
        done = judged(wrong.url, "--service", "First", PYTHONIOENCODING="ascii")
    assert done.returncode == 3, done.stderr
    assert r"\u6771\u4eac" in done.stdout


def judged(url: str, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "neuroengine", "conformance", "run", url, *words],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


@pytest.mark.parametrize(
    ("started", "ending"),
    [((), signal.SIGINT), ((), signal.SIGTERM), (IN_BACKGROUND, signal.SIGTERM)],
    ids=["Ctrl-C", "SIGTERM", "SIGTERM-in-background"],
)
def test_whoever_ends_a_run_still_gets_the_report_in_every_form(
    tmp_path: Path, started: tuple[str, ...], ending: signal.Signals
) -> None:
    files = [word for form in FORMS for word in (f"--{form}", str(tmp_path / form))]
    with null_hub("hang") as hub:
        words = ["conformance", "run", hub.url, "--service", "A", "--timeout", "60", *files]
        with subprocess.Popen(
            [*started, sys.executable, "-m", "neuroengine", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                assert hub.asked.wait(60)
                process.send_signal(ending)
                output, errors = process.communicate(timeout=60)
            finally:
                process.kill()
    assert process.returncode == 3
    assert "Traceback" not in errors
    assert "NOT JUDGED: the run was interrupted" in output
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted(FORMS)
    assert json.loads((tmp_path / "json").read_text(encoding="utf-8"))["stopped"] == "the run was interrupted"


def announced(capsys: pytest.CaptureFixture[str], **settings: Any) -> str:
    Printed().announce(Settings("https://hub.example", "First", **settings), "https://hub.example, service First")
    return capsys.readouterr().out


def test_before_it_starts_a_run_says_what_it_sends_where_and_whom_it_replaces(
    capsys: pytest.CaptureFixture[str],
) -> None:
    plain = announced(capsys, rate=2.0, max_requests=200)
    assert "https://hub.example, service First" in plain
    assert "at most 200 requests, 2 a second" in plain
    assert "logs in" not in plain
    provided = announced(capsys, provider="hub.example:4444", service_key="SESAME", second_service="Second")
    assert "asks the services Second too" in provided
    assert "logs in at hub.example:4444 as the provider of First" in provided
    assert "whoever serves that service is replaced" in provided
    assert "SESAME" not in provided


def test_a_run_that_loses_its_hub_says_what_was_judged_then(monkeypatch: pytest.MonkeyPatch) -> None:
    with MockHub(services={"First": "KEY"}, tls=False) as hub:

        def kills(judge: Judge, *_: Any, **__: Any) -> None:
            hub.stop()
            while True:
                judge.subject.ask_plainly()

        monkeypatch.setattr(Judge, "accepts", kills)
        report = run(Settings(hub.url, "First", select=("NE-HTTP-001",), timeout=5.0))
    assert report["exit_code"] == 3
    assert report["stopped"].startswith("the hub did not answer 5 times in a row, the last time because")
    assert report["stopped"].endswith(
        "; NE-HTTP-001 was being judged by test_http::test_the_path_with_a_slash_is_answered"
    )


def test_a_hub_that_answers_nothing_plain_at_the_end_is_not_called_conforming() -> None:
    with another_hub(Ways(faints=True)) as url:
        report = run(Settings(url, SERVICE, select=("NE-BODY-007", "NE-REQ-001", "NE-REQ-006")))
    assert report["exit_code"] == 3
    assert "answers no plain request any more" in report["stopped"]
    assert not report["conforms"]


def test_where_nothing_could_be_judged_the_verdict_says_why(hub: MockHub) -> None:
    done = judged(hub.url, "--service", "First", "--select", "NE-FWD-001")
    assert done.returncode == 3
    assert "NOT JUDGED: needs provider access: --provider HOST:PORT" in done.stdout


def test_a_service_that_needs_an_access_key_is_told_with_the_way_out() -> None:
    with MockHub(services=(ServiceSettings("First", "KEY", access_keys=("KEY",)),), tls=False) as members:
        done = judged(members.url, "--service", "First", "--profile", "smoke")
    assert done.returncode == 3
    assert "give it as --access-service, and as --service one that needs none" in done.stdout
