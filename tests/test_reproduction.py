"""What a report prints to repeat a breach runs as it stands, and shows the same; secrets are not in it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from conformance import Settings, run
from conformance.exchange import Request, excerpt
from conformance.redaction import secret_spans, shown, without_secrets
from conformance.reports.forms import FORMS
from conformance.reports.terminal import Terminal
from conformance.reproduce.script import needs_script, script
from conformance.reproduce.shell import shell_lines
from conformance.selftest.another.hub import SERVICE, another_hub
from conformance.selftest.null_hubs import NULL_HUBS, null_hub, said
from conformance.timeline import Step
from neuroengine.cli.conformance.embedded import KEY, embedded_hub

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

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
        output = printed_by(breach["reproduce"], NE_SERVICE_KEY=KEY)
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


TOLD = Settings("http://127.0.0.1:1", "First", provider="127.0.0.1:1", service_key="SESAME", access_key="KEY")


def test_a_key_that_stands_in_a_body_is_named_in_the_lines_and_arrives_as_it_was() -> None:
    bodies = [b'{"message": "SESAME", "key": "KEY", "to": "0123"}', '{"message": "SESAME\u00e9 100% KEY"}'.encode()]
    requests = [Request("/First/", body, keys=("0123",)) for body in bodies]
    lines = shell_lines(requests, TOLD)
    assert "SESAME" not in lines.replace("$NE_SERVICE_KEY", "")
    shown_by = 'curl() { for last; do :; done; if [ "$last" = @- ]; then cat; else printf %s "$last"; fi; echo; }'
    printed = printed_by(f"{shown_by}\n{lines}\nKEY0=$KEY", NE_SERVICE_KEY="SESAME", NE_KEY="KEY").splitlines()
    for came, body in zip(printed, bodies, strict=True):
        assert re.sub(r'"to": "[0-9a-f]{4}"', '"to": "0123"', came) == body.decode()


def test_a_key_that_stands_in_a_body_is_named_in_a_script() -> None:
    body = b'{"message": "SESAME", "key": "KEY", "to": "0123"}'
    posted = Request("/First/", body, keys=("0123",))
    printed = script([Step(0, "client", 1, "post", body, posted), Step(1, "provider", 1, "connect")], TOLD)
    sent = """b'{"message": "' + SERVICE_KEY + b'", "key": "' + ACCESS_KEY + b'", "to": "' + KEY1 + b'"}'"""
    assert sent in printed
    assert "SESAME" not in printed


def test_a_key_that_a_hub_tells_back_is_in_no_form_of_the_report(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(NULL_HUBS, "tells", said({"reply": 'SESAME-OPEN and "A7"', "errorcode": 0}))
    with null_hub("tells") as hub:
        keys: dict[str, Any] = {"service_key": "SESAME-OPEN", "access_key": "A7"}
        report = run(Settings(hub.url, "First", profile="extended", select=("NE-CODE-003",), timeout=10.0, **keys))
    assert report["counts"]["fail"] > 0, report
    Terminal().finish(report)
    assert "$NE_SERVICE_KEY and" in (printed := capsys.readouterr().out)
    assert "SESAME" not in printed
    for form, write in FORMS.items():
        written_form = write(report).decode()
        assert "SESAME" not in written_form, form
        assert not re.search(r"\bA7\b", written_form), form


def test_pytest_tells_no_key_that_an_error_holds(tmp_path: Path) -> None:
    tmp_path.joinpath("conftest.py").write_text(
        "import pytest\nfrom conformance.judge import Judge\n"
        "def fails(judge, *_, **__):\n"
        "    password = judge.settings.service_key\n"
        "    print(password)\n"
        "    raise RuntimeError(f'{password} is of no use')\n"
        "Judge.accepts = fails\n",
        encoding="utf-8",
    )
    with another_hub() as url:
        own = ["-p", "no:schemathesis", "-p", "conftest", "-l", "-c", os.devnull, f"--rootdir={tmp_path}"]
        words = ["--pyargs", "conformance", f"--ne-target={url}", f"--ne-service={SERVICE}", "--ne-select=NE-HTTP-001"]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *own, *words],
            cwd=tmp_path,
            env=os.environ | {"NE_SERVICE_KEY": "SESAME-OPEN", "PYTHONPATH": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
    assert done.returncode == 1, done.stdout
    assert "$NE_SERVICE_KEY is of no use" in done.stdout
    assert "SESAME" not in done.stdout + done.stderr


@pytest.mark.parametrize("before", range(140, 156))
def test_a_key_at_which_an_excerpt_was_cut_is_not_told_in_part(before: int) -> None:
    for text in ("x" * before + "SESAME-OPEN" + "y" * 400, "x" * 400 + "SESAME-OPEN" + "y" * before):
        kept = without_secrets(excerpt(text), {"SESAME-OPEN": "NE_SERVICE_KEY"})
        assert not any("SESAME-OPEN"[at : at + 6] in kept for at in range(6)), kept


def test_a_short_key_that_is_part_of_a_word_leaves_the_word_alone() -> None:
    assert without_secrets("KEYS, a KEY and KEY1", {"KEY": "NE_KEY"}) == "KEYS, a $NE_KEY and KEY1"


@pytest.mark.parametrize("secret", ["PLAIN-SESAME", 'SESAME"OPEN', "SESAME\\OPEN", "SESAME'\"OPEN", "SESAME-É"])
def test_a_secret_is_taken_out_of_what_python_quotes(secret: str) -> None:
    for told in (secret, json.dumps({"reply": f"The key {secret} is wrong."})):
        for quoted in (repr(told), repr(f"{told} '")):
            kept = without_secrets(quoted, {secret: "NE_SERVICE_KEY"})
            assert "SESAME" not in kept
            assert "$NE_SERVICE_KEY" in kept
