"""What a report prints to repeat a breach runs as it stands, and shows the same; secrets are not in it."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from conformance import Settings, run
from conformance.exchange import Request
from conformance.redaction import secret_spans, shown
from conformance.reproduce.script import needs_script, script
from conformance.timeline import Step
from neuroengine.cli.conformance.embedded import KEY, embedded_hub

if TYPE_CHECKING:
    from collections.abc import Iterator

POST = Request("/First/", b'{"message": "Hello", "key": "0123456789abcdef"}', keys=("0123456789abcdef",))
LOGIN = b'{"user": "First", "key": "TOP-SECRET"}'
ABROAD = Settings("https://hub.example", "First", provider="hub.example:4444", service_key="TOP-SECRET")


def judged(wrong: str, requirement: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    with embedded_hub(wrong) as told:
        report = run(Settings(profile="extended", select=(requirement,), seed=1, timeout=5.0, **told))
        yield told, report["requirements"][0]["breaches"][0]


def printed_by(lines: str, **environment: str) -> str:
    done = subprocess.run(
        ["/bin/bash", "-c", lines],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_a_breach_on_the_provider_link_is_repeated_by_a_script_that_runs_as_printed() -> None:
    for _, breach in judged("message_stripped", "NE-FWD-001"):
        assert breach["reproduce"].startswith("python3 - <<'EOF'")
        output = printed_by(breach["reproduce"], NE_SERVICE_KEY=KEY)
        asked, came = (line for line in output.splitlines() if "message" in line)
        assert r'"message": " "' in asked or r'"message": "\n' in asked or r'"message": "\r' in asked, asked
        assert '"message": ""' in came


def test_a_race_is_repeated_by_a_script_that_races() -> None:
    for _, breach in judged("racers_share", "NE-STREAM-023"):
        output = printed_by(breach["reproduce"])
        answers = [line.partition(": ")[2] for line in output.splitlines() if line.startswith("answer")]
        assert len(answers) > len(set(answers))


def test_requests_one_after_another_are_repeated_by_curl() -> None:
    for _, breach in judged("unknown_service_is_empty", "NE-ERR-001"):
        assert breach["reproduce"].startswith("curl ")
        assert '"errorcode": 0' in printed_by(breach["reproduce"])


@pytest.mark.parametrize(
    ("steps", "by_script"),
    [
        ([Step(0, "client", 1, "post"), Step(1, "client", 1, "answer"), Step(2, "client", 2, "post")], False),
        ([Step(0, "client", 1, "post"), Step(1, "client", 2, "post")], True),
        ([Step(0, "client", 1, "post"), Step(1, "client", 1, "answer"), Step(2, "client", 0, "pause", b"1")], True),
        ([Step(0, "provider", 1, "connect")], True),
        ([], False),
    ],
)
def test_a_script_is_printed_where_curl_lines_would_not_repeat_it(steps: list[Step], by_script: bool) -> None:
    assert needs_script(steps) is by_script


@pytest.mark.parametrize("cut", range(1, len(LOGIN)))
def test_a_key_that_a_cut_login_holds_is_in_no_report(cut: int) -> None:
    steps = [
        Step(0, "provider", 1, "connect"),
        Step(0, "provider", 1, "send", LOGIN[:cut]),
        Step(0, "provider", 1, "send", LOGIN[cut:]),
        Step(0, "provider", 1, "receive", b"OK"),
    ]
    spans = secret_spans(steps, [b"TOP-SECRET"])
    texts = [shown(step, spans.get(id(step), []), {b"TOP-SECRET": "NE_SERVICE_KEY"}) for step in steps]
    printed = script(steps, ABROAD)
    for text in ("".join(texts), printed):
        assert not any(part in text for part in ("TOP-", "-SEC", "CRET"))
        assert "NE_SERVICE_KEY" in text
    compile(printed.split("\n", 1)[1].rpartition("EOF")[0], "printed", "exec")


def test_a_stream_key_is_made_anew_each_time_a_script_runs() -> None:
    printed = script([Step(0, "client", 1, "post", POST.body, POST), Step(1, "client", 1, "answer")], ABROAD)
    assert "0123456789abcdef" not in printed
    assert """b'{"message": "Hello", "key": "' + KEY1 + b'"}'""" in printed
    assert "KEY1 = new_key(16)" in printed


def test_an_access_key_is_read_from_the_environment_and_a_wrong_one_is_written_out() -> None:
    settings = Settings("https://hub.example", "First", access_service="First", access_key="TOP-SECRET")
    steps = [
        Step(0, "client", number, "post", b"{}", Request("/First/", b"{}", access_key=key))
        for number, key in enumerate(("TOP-SECRET", "wrong"), 1)
    ]
    printed = script(steps, settings)
    assert "TOP-SECRET" not in printed
    assert "ACCESS_KEY = secret('NE_KEY')" in printed
    assert "hub.post(1, '/First/', b'{}', 'application/json', ACCESS_KEY.decode())" in printed
    assert "hub.post(2, '/First/', b'{}', 'application/json', 'wrong')" in printed
