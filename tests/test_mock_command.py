"""`neuroengine mock`: what it prints, how it ends, and what it says to wrong options."""

from __future__ import annotations

import errno
import http.client
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from click.testing import CliRunner, Result
from patience import DEADLINE_S

from mockserver import MockHub
from mockserver.faults import FAULTS
from mockserver.wrong import WRONG_HUBS
from neuroengine import spec
from neuroengine.cli import main
from neuroengine.cli.mock import command

if TYPE_CHECKING:
    from collections.abc import Iterator

REQUEST = json.dumps({"message": "Hello LLM", "max_new_len": 4})


@contextmanager
def mock(*options: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """The command in a process of its own, ended at the latest when the block is left."""
    command = [sys.executable, "-m", "neuroengine", "mock", *options]
    everything = {**os.environ, **environment}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=everything
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def end(process: subprocess.Popen[str], number: signal.Signals) -> tuple[int, str, str]:
    """Ends the command by a signal: its exit code, and what it still had to say on both streams."""
    process.send_signal(number)
    output, errors = process.communicate(timeout=DEADLINE_S)
    return process.returncode, output, errors


def invoke(*options: str) -> Result:
    """The command in this process, for options that it refuses before it starts a hub."""
    return CliRunner().invoke(main, ["mock", *options])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "Ctrl-C"])
def test_it_prints_one_line_answers_at_once_and_ends_in_order(number: signal.Signals) -> None:
    with mock("--json", "--service", "MYGPT=DEMOKEY", "--service", "Other=KEY") as process:
        addresses = json.loads(first_line(process))
        assert set(addresses) == {"url", "provider", "ca_file", "services"}
        assert addresses["services"] == [{"name": "MYGPT", "key": "DEMOKEY"}, {"name": "Other", "key": "KEY"}]
        trust = ssl.create_default_context(cafile=addresses["ca_file"])
        connection = http.client.HTTPSConnection(
            addresses["url"].removeprefix("https://"), timeout=DEADLINE_S, context=trust
        )
        connection.request("POST", "/MYGPT", REQUEST)
        assert json.loads(connection.getresponse().read())["errorcode"] == 0
        host, _, port = addresses["provider"].partition(":")
        with trust.wrap_socket(
            socket.create_connection((host, int(port)), DEADLINE_S), server_hostname=host
        ) as provider:
            provider.sendall(b'{"user": "Other", "key": "KEY"}')
            assert provider.recv(100).strip() == b"OK"
            assert end(process, number) == (0, "", "")
        connection.close()
        assert not Path(addresses["ca_file"]).exists()


def test_it_speaks_plain_http_when_it_is_told_to() -> None:
    with mock("--json", "--no-tls", "--limit", "http_body_bytes=100", "--matching-statuses") as process:
        url = json.loads(first_line(process))["url"]
        connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=DEADLINE_S)
        connection.request("POST", "/Neuroengine-Large", " " * 101)
        assert connection.getresponse().status == 413
        connection.close()
        assert end(process, signal.SIGTERM)[0] == 0


def test_a_person_is_shown_the_addresses_and_a_line_that_works() -> None:
    with mock() as process:
        assert process.stdout is not None
        lines: list[str] = []
        while not lines or "Ctrl-C" not in lines[-1]:
            lines.append(process.stdout.readline())
        (line,) = (line.strip() for line in lines if line.strip().startswith("curl"))
        done = subprocess.run(["sh", "-c", line], check=True, capture_output=True, timeout=DEADLINE_S)  # noqa: S607
        assert json.loads(done.stdout)["errorcode"] == 0
        assert end(process, signal.SIGINT)[0] == 0


@pytest.mark.parametrize(
    ("options", "named"),
    [
        pytest.param(["--limit", "nosuch=1"], "'nosuch'", id="unknown limit"),
        pytest.param(["--limit", "json_depth_levels=10"], "'json_depth_levels'", id="limit of the wire"),
        pytest.param(["--limit", "ping_s=soon"], "'soon'", id="limit no number"),
        pytest.param(["--limit", "ping_s=inf"], "finite", id="limit infinite"),
        pytest.param(["--limit", "ping_s=nan"], "finite", id="limit not a number"),
        pytest.param(["--limit", "ping_s=0"], "above 0", id="limit zero"),
        pytest.param(["--limit", "ping_s=-1"], "above 0", id="limit negative"),
        pytest.param(["--limit", "ping_s"], "NAME=VALUE", id="limit without value"),
        pytest.param(["--limit", "ping_s="], "NAME=VALUE", id="limit with empty value"),
        pytest.param(["--limit", "ping_s=1", "--limit", "ping_s=2"], "twice", id="limit twice"),
        pytest.param(["--service", "MYGPT"], "NAME=KEY", id="service without key"),
        pytest.param(["--service", "=KEY"], "NAME=KEY", id="service without name"),
        pytest.param(["--service", "A=1", "--service", "A=2"], "twice", id="service twice"),
        pytest.param(["--service", "no name=KEY"], "'no name'", id="service name"),
        pytest.param(["--wrong", "nosuch"], "'nosuch'", id="unknown wrong hub"),
        pytest.param(["--http-port", "65536"], "65536", id="port too large"),
        pytest.param(["--provider-port", "x"], "'x'", id="port no number"),
        pytest.param(["--nosuch"], "--nosuch", id="unknown option"),
        pytest.param(["extra"], "extra", id="extra argument"),
    ],
)
def test_a_wrong_option_is_named_in_one_sentence(options: list[str], named: str) -> None:
    result = invoke(*options)
    assert isinstance(result.exception, SystemExit)
    assert result.exit_code == 2
    assert result.stdout == ""
    usage, sentence = result.stderr.strip().rsplit("\n", 1)
    assert usage.startswith("Usage: ")
    assert sentence.startswith("Error: ")
    assert named in sentence


@pytest.mark.parametrize("door", ["--http-port", "--provider-port"])
def test_a_port_that_is_taken_is_named_and_the_other_one_is_free_again(door: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_server(("127.0.0.1", 0)) as other_listener:
        taken, other = listener.getsockname()[1], other_listener.getsockname()[1]
        other_listener.close()
        other_door = "--provider-port" if door == "--http-port" else "--http-port"
        result = invoke(door, str(taken), other_door, str(other))
        assert (result.exit_code, result.stdout) == (3, "")
        assert result.stderr == f"Error: port {taken} on 127.0.0.1 cannot be used: {os.strerror(errno.EADDRINUSE)}\n"
        socket.create_server(("127.0.0.1", other)).close()


def test_both_doors_on_one_port_are_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
    with mock("--http-port", port, "--provider-port", port) as process:
        assert first_line(process) == ""
        _, errors = process.communicate(timeout=DEADLINE_S)
    assert process.returncode in {2, 3}
    assert errors.splitlines()[-1].startswith("Error: ")
    assert port in errors


def test_it_lists_the_wrong_hubs_in_columns_with_the_requirement_that_each_breaks() -> None:
    lines = invoke("--list-wrong").stdout.splitlines()
    assert len(lines) == len(WRONG_HUBS)
    places = {line.index(" NE-") for line in lines}
    assert len(places) == 1
    about = {row["id"]: row for row in spec.requirements()}
    for line, hub in zip(lines, WRONG_HUBS.values(), strict=True):
        row = about[hub.breaks]
        assert line.split()[:4] == [hub.name, hub.breaks, row["level"], row["profile"]]
        assert line.endswith(f"  {row['title']}: {hub.summary}")


def test_it_lists_the_wrong_hubs_as_json_too() -> None:
    (line,) = invoke("--list-wrong", "--json").stdout.splitlines()
    listed = json.loads(line)["wrong"]
    assert [one["name"] for one in listed] == list(WRONG_HUBS)
    about = {row["id"]: row for row in spec.requirements()}
    for one in listed:
        row = about[one["requirement"]]
        assert (one["level"], one["profile"], one["title"]) == (row["level"], row["profile"], row["title"])
        assert one["summary"] == WRONG_HUBS[one["name"]].summary


def test_it_lists_the_faults_that_can_befall_its_exchanges_in_columns() -> None:
    lines = invoke("--list-faults").stdout.splitlines()
    assert [line.split()[0] for line in lines] == list(FAULTS)
    for line, fault in zip(lines, FAULTS.values(), strict=True):
        assert f"  {' '.join(fault.legs)} " in line
        assert line.endswith(f"  {fault.summary}")
    midway = next(line for line in lines if line.startswith("drop_midway "))
    assert " after_bytes,fraction=0.5 " in midway


def test_it_lists_the_faults_as_json_in_the_form_of_the_admin_api() -> None:
    (line,) = invoke("--list-faults", "--json").stdout.splitlines()
    with MockHub(admin=True) as hub:
        assert json.loads(line) == httpx.get(f"{hub.admin_url}/faults/known", timeout=DEADLINE_S).json()


def test_a_wrong_hub_that_is_nearly_named_is_told() -> None:
    result = invoke("--wrong", "code-as-text")
    assert result.exit_code == 2
    assert "'code-as-text'; nearest are code_as_text" in result.stderr
    assert "--list-wrong" in result.stderr
    assert len(result.stderr) < 400


def test_the_help_fits_a_terminal_and_shows_every_option_once() -> None:
    result = CliRunner().invoke(main, ["mock", "--help"], terminal_width=80, max_content_width=80)
    assert max(map(len, result.stdout.splitlines())) <= 80
    names = [name for option in command.params for name in option.opts if name.startswith("--")]
    assert len(names) > 30
    for name in names:
        assert len(re.findall(rf"^  .*{name}\b(?!-)", result.stdout, re.MULTILINE)) >= 1, name
    assert "Others:" in result.stdout


def test_flags_say_what_the_hub_is(tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text('[[rules]]\nwhen = { message = "Hello" }\nthen = "Hi"\n')
    archive = tmp_path / "journal.har"
    options = ["--service", "A=KEY", "--access-key", "A=ONE", "--access-key", "A=TWO", "--quota", "A=1/3600"]
    options += [
        "--comment",
        "A=x=y",
        "--operator",
        "A=@me",
        "--preprompt",
        "A=U:",
        "--endprompt",
        "A=A:",
        "--service",
        "B=K",
        "--offline",
        "B",
    ]
    options += [
        "--rules",
        str(rules),
        "--strict",
        "--cors",
        "--fault",
        "error:code=queue_full,after=3,times=1",
        "--no-tls",
    ]
    options += ["--first-token", "0.01", "--tokens-per-second", "1000", "--clock-scale", "2"]
    with mock("--json", "--journal-file", str(archive), *options) as process:
        url = json.loads(first_line(process))["url"]

        def post(path: str, body: object, **headers: str) -> tuple[Any, Any]:
            connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=DEADLINE_S)
            connection.request("POST", path, json.dumps(body), headers)
            response = connection.getresponse()
            content = json.loads(response.read())
            connection.close()
            return content, response.headers

        hello = {"message": "Hello"}
        content, headers = post("/A", hello, Authorization="Bearer TWO", Origin="http://localhost:9")
        assert content["reply"] == "Hi"
        assert headers["access-control-allow-origin"] == "http://localhost:9"
        assert post("/A", hello)[0]["errorcode"] == 10
        assert post("/A", hello, Authorization="Bearer ONE")[0]["errorcode"] == 9
        assert post("/A", {"message": "other"}, Authorization="Bearer ONE")[0]["errorcode"] == 8
        models = post("/", {"command": "getmodels"})[0]
        assert [
            (row["name"], row["connected"], row["comment"], row["operator"], row["preprompt"], row["endprompt"])
            for row in models
        ] == [
            ("A", True, "x=y", "@me", "U:", "A:"),
            ("B", False, "The simulated model as B", "@mockhub", "", ""),
        ]
        assert end(process, signal.SIGTERM) == (0, "", "")
    entries = json.loads(archive.read_text())["log"]["entries"]
    assert len(entries) == 5
    assert entries[0]["request"]["url"] == f"{url}/A"
    assert "ONE" not in archive.read_text()
    assert "TWO" not in archive.read_text()


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--quota", "A=many"], "whole number"),
        (["--quota", "A=1/0"], "above 0"),
        (["--fault", "latency:seconds"], "NAME[:MEMBER=VALUE,...]"),
        (["--fault", ":seconds=1"], "NAME[:MEMBER=VALUE,...]"),
        (["--fault", "nosuch"], "'nosuch'"),
        (["--fault", "latency:secs=1"], "'secs'"),
        (["--comment", "Nobody=x"], "'Nobody'"),
        (["--clock-scale", "0"], "let admin be on too"),
        (["--clock-scale", "-1"], "-1"),
        (["--first-token", "-1"], "-1"),
        (["--tokens-per-second", "0"], "0"),
        (["--rules", "nowhere.toml"], "nowhere.toml"),
        (["--config", "nowhere.toml"], "nowhere.toml"),
        (["--record", "hub"], "'hub'"),
        (["--record-to", "x.json"], "no live hub to record"),
        (["--journal-file", "nowhere/x.har"], "nowhere"),
    ],
)
def test_a_wrong_flag_is_named_in_one_sentence(options: list[str], named: str) -> None:
    result = invoke(*options)
    assert (result.exit_code, result.stdout) == (2, "")
    sentence = result.stderr.strip().rsplit("\n", 1)[-1]
    assert sentence.startswith("Error: ")
    assert named in sentence


def test_a_configuration_can_be_checked_without_a_hub(tmp_path: Path) -> None:
    file = tmp_path / "mock.toml"
    file.write_text('strict = true\nfaults = ["reset"]\n')
    right = invoke("--check", "--config", str(file))
    assert (right.exit_code, right.stdout) == (0, f"{file}: right (1 service, no rules, 1 fault)\n")
    file.write_text("strict = 1\n")
    wrong = invoke("--check", "--config", str(file))
    assert (wrong.exit_code, wrong.stdout) == (2, "")
    assert wrong.stderr == f"Error: {file}: strict must be true or false; it was 1\n"


@pytest.mark.parametrize("options", [["--json"], []], ids=["json", "text"])
def test_a_key_that_is_a_secret_is_never_printed(options: list[str], tmp_path: Path) -> None:
    file = tmp_path / "mock.toml"
    file.write_text('[[services]]\nname = "A"\nkey_env = "MOCK_KEY"\n[[services]]\nname = "B"\nkey = "IN-FILE"\n')
    with mock("--config", str(file), *options, MOCK_KEY="IN-ENVIRONMENT") as process:
        first = first_line(process)
        if options:
            rows = [{"name": "A", "key": None}, {"name": "B", "key": None}]
            assert json.loads(first)["services"] == rows
        _, output, errors = end(process, signal.SIGTERM)
        for secret in ("IN-FILE", "IN-ENVIRONMENT"):
            assert secret not in first + output + errors


def test_it_records_a_live_hub_and_replays_it(tmp_path: Path) -> None:
    file = tmp_path / "recorded.toml"
    asked = json.dumps({"message": "Hello", "max_new_len": 5})

    def ask(url: str) -> Any:
        connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=DEADLINE_S)
        connection.request("POST", "/Live", asked)
        content = json.loads(connection.getresponse().read())
        connection.close()
        return content

    with MockHub({"Live": "KEY"}) as live:
        recording = ["--record", live.url, "--record-ca-file", live.ca_file, "--record-to", str(file)]
        with mock("--json", "--no-tls", *recording) as process:
            told = ask(json.loads(first_line(process))["url"])
            code, output, errors = end(process, signal.SIGTERM)
    assert (code, errors) == (0, "")
    assert json.loads(output) == {"recorded": {"file": str(file), "rules": 1, "services": 1, "left_out": 0}}
    assert told["errorcode"] == 0
    with mock("--json", "--no-tls", "--strict", "--rules", str(file)) as process:
        assert ask(json.loads(first_line(process))["url"]) == told
