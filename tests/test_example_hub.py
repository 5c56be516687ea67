"""The hub that the tutorial builds step by step: each step does what its text says, and the last one conforms."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

import pytest
from example_runs import EXAMPLES, ROOT, run

from neuroengine import Client, ConnectionFailed, Provider, Reply, Request, Retry
from neuroengine.errors import ProviderError, ProviderOfflineError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SERVICE = "Islander"
STEP_1, STEP_2, HUB, WITH_PROVIDERS = (
    EXAMPLES / "hub" / f"{name}.py" for name in ("step_1_answer", "step_2_refuse", "hub", "hub_with_providers")
)
KEY = "DEMOKEY"
TUTORIAL = ROOT / "docs" / "guides" / "write-a-hub.md"
SUITE = (sys.executable, "-m", "neuroengine", "conformance", "run")
EXPECTED = EXAMPLES / "conformance" / "expected-failures.toml"
DEADLINE_S = 280


@contextmanager
def hub(program: Path) -> Iterator[str]:
    """The address of a running hub."""
    with running(program, "0") as told:
        yield told.readline().split()[-1]


@contextmanager
def running(program: Path, *arguments: str, **environment: str) -> Iterator[IO[str]]:
    """What a running hub tells, line by line."""
    command = [sys.executable, "-W", "error", str(program), *arguments]
    with subprocess.Popen(
        command, env=os.environ | environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield process.stdout
        finally:
            process.kill()


@pytest.fixture
def hub_with_providers(tmp_path: Path) -> Iterator[tuple[str, str, str]]:
    """The hub of the fourth step: where clients ask, where providers log in, and the certificate to trust."""
    run(EXAMPLES / "hub" / "certificate.sh", {}, tmp_path)
    with running(WITH_PROVIDERS, "0", "0", str(tmp_path / "hub.pem"), SERVICE_KEY=KEY) as told:
        providers, clients = (told.readline().split()[-1] for _ in range(2))
        yield clients, providers, str(tmp_path / "hub.crt")


def verdicts(url: str, folder: Path, *options: str) -> tuple[int, dict[str, Any]]:
    """The exit code of the suite, and its report."""
    report = folder / "report.json"
    done = subprocess.run(
        [*SUITE, url, "--service", SERVICE, "--json", str(report), "--seed", "1", *options],
        capture_output=True,
        cwd=folder,
        env=os.environ | {"NE_SERVICE_KEY": KEY},
        timeout=DEADLINE_S,
        check=False,
    )
    return done.returncode, json.loads(report.read_text(encoding="utf-8"))


def broken(report: dict[str, Any]) -> list[str]:
    """The requirements that the hub breaks, recommendations too."""
    return sorted(row["id"] for row in report["requirements"] if row["verdict"] in {"fail", "warn"})


def test_the_first_step_answers_a_prompt_and_passes_the_smoke_profile(tmp_path: Path) -> None:
    with hub(STEP_1) as url:
        with Client(SERVICE, url=url) as client:
            assert len(client.generate("Hello!", max_new_len=12).text.split()) == 12
        code, report = verdicts(url, tmp_path, "--profile", "smoke")
    assert (code, broken(report)) == (0, [])


def test_the_first_step_falls_over_what_it_does_not_expect() -> None:
    with (
        hub(STEP_1) as url,
        Client(SERVICE, url=url, retry=Retry(tries=1)) as client,
        pytest.raises(ConnectionFailed),
    ):
        client.models()


def test_the_second_step_lacks_streams_alone_as_the_tutorial_and_the_expected_failures_say(tmp_path: Path) -> None:
    with hub(STEP_2) as url:
        with Client(SERVICE, url=url) as client:
            assert [model.name for model in client.models()] == [SERVICE]
        code, report = verdicts(url, tmp_path, "--level", "must", "--expected-failures", str(EXPECTED))
    shown = re.findall(r"^FAIL (\S+) MUST", TUTORIAL.read_text(encoding="utf-8"), re.MULTILINE)
    assert shown
    assert (code, broken(report)) == (0, sorted(shown))


def test_the_last_step_conforms_to_core_without_a_warning(tmp_path: Path) -> None:
    with hub(HUB) as url:
        code, report = verdicts(url, tmp_path, "--profile", "core")
    assert (code, broken(report)) == (0, [])
    judged = {row["id"] for row in report["requirements"] if row["verdict"] == "pass"}
    assert {"NE-STREAM-001", "NE-STREAM-002", "NE-MODELS-003", "NE-ERR-001"} <= judged


def test_the_hub_streams_what_it_would_have_replied() -> None:
    with hub(HUB) as url, Client(SERVICE, url=url) as client:
        for prompt in ("Hello!", ""):
            pieces = list(client.stream(prompt, gettokens=3, max_new_len=12))
            assert len(pieces) == 4
            assert "".join(pieces) == client.generate(prompt, max_new_len=12).text


@pytest.mark.parametrize(
    ("right", "wrong", "requirement"),
    [
        (
            "piece, stream.tokens = stream.tokens[:size]",
            "piece, stream.tokens = stream.tokens[: size + 1]",
            "NE-STREAM-001",
        ),
        ('"comment": "A model that knows twelve words", ', "", "NE-MODELS-007"),
        ("json.loads(body)", 'json.loads(body.decode("ascii"))', "NE-BODY-002"),
    ],
)
def test_what_the_tutorial_breaks_is_found(tmp_path: Path, right: str, wrong: str, requirement: str) -> None:
    text = HUB.read_text(encoding="utf-8")
    assert text.count(right) == 1
    program = tmp_path / "wrong_hub.py"
    program.write_text(text.replace(right, wrong), encoding="utf-8")
    with hub(program) as url:
        code, report = verdicts(url, tmp_path, "--level", "must", "--select", requirement)
    assert (code, broken(report)) == (1, [requirement])


def test_the_fourth_step_conforms_while_the_suite_holds_both_ends(
    hub_with_providers: tuple[str, str, str], tmp_path: Path
) -> None:
    url, providers, certificate = hub_with_providers
    options = ("--level", "must", "--max-wait", "1", "--provider", providers, "--ca-file", certificate)
    code, report = verdicts(url, tmp_path, *options)
    assert (code, broken(report)) == (0, [])
    assert {"NE-FWD-001", "NE-STREAM-001"} <= {row["id"] for row in report["requirements"] if row["verdict"] == "pass"}


def test_a_provider_answers_at_the_hub_of_the_fourth_step(hub_with_providers: tuple[str, str, str]) -> None:
    url, providers, certificate = hub_with_providers
    seen: list[Request] = []

    def answer(request: Request) -> Reply:
        seen.append(request)
        return (
            Reply("", {"errorcode": "nonsense"}) if request.message == "Fail" else Reply(f"You said {request.message}!")
        )

    with Client(SERVICE, url=url, retry=Retry(tries=1)) as client:
        with pytest.raises(ProviderOfflineError):
            client.generate("Hello")
        provider = Provider(SERVICE, KEY, answer, address=providers, ca_file=certificate)
        provider.connect()
        serving = threading.Thread(target=provider.serve_forever)
        serving.start()
        try:
            assert client.generate("hé", raw=True).text == "You said hé!"
            assert list(client.stream("me and you", gettokens=2)) == ["You said", " me and", " you!"]
            with pytest.raises(ProviderError):
                client.generate("Fail")
            assert client.models()[0].connected
        finally:
            provider.close()
            serving.join(DEADLINE_S)
    assert (seen[0]["raw"], "key" in seen[1], "gettokens" in seen[1]) == ("True", False, False)


def test_the_hub_has_about_a_hundred_lines() -> None:
    lines = HUB.read_text(encoding="utf-8").splitlines()
    code = [line for line in lines if line.strip() and "--8<--" not in line and '"""' not in line]
    assert 80 <= len(code) <= 115


def test_each_step_goes_on_from_the_one_before() -> None:
    """What a step does not mention is as it was, so that a reader may follow with an editor."""
    for earlier, later in ((STEP_1, STEP_2), (STEP_2, HUB)):
        kept = set(later.read_text(encoding="utf-8").splitlines())
        lines = [line for line in earlier.read_text(encoding="utf-8").splitlines() if "--8<--" not in line]
        assert sum(line in kept for line in lines) > 0.8 * len(lines)
