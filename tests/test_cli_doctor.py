"""`neuroengine doctor`: how it tells what it found, to people and to programs, and what it never tells."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from checkup import HUB_STEPS, PROVIDER_STEPS, SERVICE, clear_environment, examine, run
from wrong_hosts import closed_port, web_server

from mockserver import MockHub
from neuroengine import doctor as examination

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


KEY = "s3cr3t-access-key"


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    clear_environment(monkeypatch)


@pytest.fixture(scope="module")
def hub() -> Iterator[MockHub]:
    with MockHub({SERVICE: "KEY", "Other": "KEY"}) as running:
        yield running


def test_the_settings_may_come_from_the_environment(hub: MockHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEUROENGINE_URL", hub.url)
    monkeypatch.setenv("NEUROENGINE_PROVIDER", hub.provider)
    monkeypatch.setenv("NEUROENGINE_SERVICE", "Other")
    monkeypatch.setenv("NEUROENGINE_KEY", KEY)
    monkeypatch.setenv("SSL_CERT_FILE", hub.ca_file)
    found = examine()
    assert found.code == 0
    assert found.hub("settings")[1] == f"{hub.url}, service Other, with an access key"
    assert found.environment == {
        "NEUROENGINE_KEY": "(set, not shown)",
        "NEUROENGINE_PROVIDER": hub.provider,
        "NEUROENGINE_SERVICE": "Other",
        "NEUROENGINE_URL": hub.url,
        "SSL_CERT_FILE": hub.ca_file,
    }


def test_no_key_and_no_password_is_ever_shown(hub: MockHub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    key_file = tmp_path / "key"
    key_file.write_text(f"{KEY}\n")
    monkeypatch.setenv("NEUROENGINE_KEY", KEY)
    monkeypatch.setenv("NEUROENGINE_SERVICE_KEY", KEY)
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:{KEY}@127.0.0.1:{closed_port()}")
    monkeypatch.setenv("http_proxy", f"user:{KEY}@127.0.0.1:1")
    for options in ((), ("--json",)):
        result = run("--url", hub.url, "--access-key-file", str(key_file), "--provider", hub.provider, *options)
        assert KEY not in result.output
        assert result.output.count("not shown") == 4
    monkeypatch.setenv("NEUROENGINE_URL", f"https://user:{KEY}@hub.test")
    assert KEY not in run().output


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--timeout", "0"), "'--timeout': 0 is no number of seconds above 0"),
        (("--insecure", "--ca-file", "x"), "exclude each other"),
        (("--access-key-file", "/nonexistent"), "names '/nonexistent', which cannot be read"),
        (("--nonsense",), "--nonsense"),
        (("argument",), "argument"),
    ],
)
def test_wrong_usage(options: tuple[str, ...], words: str) -> None:
    result = run(*options)
    assert (result.exit_code, result.stdout) == (2, "")
    assert words in result.stderr


def test_what_is_piped_is_one_line_a_step(hub: MockHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEUROENGINE_SERVICE", "Other")
    result = run("--url", hub.url, "--provider", hub.provider)
    rows = [line.split("\t") for line in result.stdout.splitlines()]
    assert rows[0] == ["environment", "NEUROENGINE_SERVICE", "set", "Other", ""]
    assert [row[:2] for row in rows[1:]] == [["hub", name] for name in HUB_STEPS] + [
        ["provider", name] for name in PROVIDER_STEPS
    ]
    assert {len(row) for row in rows} == {5}
    assert (result.exit_code, result.stderr) == (1, "")


def test_a_terminal_gets_a_table_with_the_fixes_and_a_verdict(hub: MockHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _: True, raising=False)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "200")
    shown = re.sub(r"\x1b\[[0-9;]*m", "", run("--url", hub.url, "--provider", hub.provider).stdout)
    assert "The hub, as clients reach it\nok         settings     https://localhost:" in shown
    assert "failed     certificate  the certificate's authority" in shown
    assert "                        Fix: if the hub has an authority of its own" in shown
    assert "not tried  http         because certificate failed" in shown
    assert "The hub's provider port" in shown
    assert shown.rstrip().endswith("Failed: 2.")
    well = run("--url", hub.url, "--ca-file", hub.ca_file, "--provider", hub.provider).stdout
    assert "All that was tried is well." in well


def test_a_step_that_took_long_is_shown_with_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = examination.Step("hub", "http", examination.Status.OK, "an answer came", seconds=2.34)
    monkeypatch.setattr(examination, "examine", lambda _: iter([slow]))
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _: True, raising=False)
    assert "an answer came (2.3 s)" in run().stdout


def test_what_a_host_says_steers_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    with web_server(b'{"reply": "a\\u001b[31mred\\tb\\nc", "errorcode": 4711}') as url:
        plain = run("--url", url).stdout
        monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _: True, raising=False)
        table = run("--url", url).stdout
    assert "ared b c" in plain
    assert "\x1b[31m" not in plain + table


def test_the_steps_come_one_by_one(hub: MockHub) -> None:
    steps = examination.examine(examination.Checkup(url=hub.url, ca_file=hub.ca_file, with_provider=False))
    assert next(steps).name == "settings"
    with contextlib.closing(steps):
        assert next(steps).name == "proxy"


def test_it_works_in_a_shell(hub: MockHub) -> None:
    own = {"NEUROENGINE_URL": hub.url, "NEUROENGINE_PROVIDER": hub.provider, "SSL_CERT_FILE": hub.ca_file}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "neuroengine", "doctor", "--generate"],
        env=os.environ | own,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "provider\tcertificate\tok\tfor localhost" in done.stdout
