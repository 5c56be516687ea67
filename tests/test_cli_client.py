"""`neuroengine ask` and `neuroengine models`: text for people, JSON for programs, a sentence and a code for errors."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from click.testing import CliRunner, Result
from fake_hub import FakeHub, answered

from mockserver import MockHub
from neuroengine import __main__ as module
from neuroengine import spec
from neuroengine.cli import console, main
from neuroengine.transport import http

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HOSTILE = "a\x1b[31mred\x1b[0m\x1b]0;title\x07\x9b2J\x00\x08b\r\nc\td\x1b"
MODEL = {
    "name": "A",
    "connected": True,
    "numreq": 3,
    "queuelen": 0,
    "comment": f"[bold]x[/bold]\n{HOSTILE}",
    "operator": "@o",
}


@pytest.fixture(scope="module")
def hub() -> Iterator[MockHub]:
    with MockHub(services={"Neuroengine-Large": "KEY", "Other": "KEY"}) as running:
        yield running


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NEUROENGINE_URL", "NEUROENGINE_SERVICE", "NEUROENGINE_KEY", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Callable[..., FakeHub]:
    """Puts a hub with these answers behind the commands."""
    made = http.Hub

    def serve(*answers: Any) -> FakeHub:
        hub = FakeHub(*answers)

        def open_fake(url: str, **settings: Any) -> http.Hub:
            return made(url, **settings | {"transport": hub.transport, "sleep": hub.waits.append})

        monkeypatch.setattr(http, "Hub", open_fake)
        return hub

    return serve


def run(*arguments: str, stdin: str | bytes | None = None) -> Result:
    return CliRunner().invoke(main, arguments, input=stdin)


def test_ask_prints_the_reply_and_a_line_end(fake: Callable[..., FakeHub]) -> None:
    hub = fake(answered("Hello!"))
    result = run("ask", "Hi", "--service", "S", "--url", "http://hub.test")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "Hello!\n", "")
    assert (hub.bodies[0]["message"], str(hub.requests[0].url)) == ("Hi", "http://hub.test/S")


@pytest.mark.parametrize("text", ["", "Ends itself.\n"])
def test_ask_adds_no_second_line_end(fake: Callable[..., FakeHub], text: str) -> None:
    fake(answered(text))
    assert run("ask", "Hi").stdout == text


def test_every_field_of_the_schema_is_an_option_with_its_words(fake: Callable[..., FakeHub]) -> None:
    shown = "".join(run("ask", "--help").stdout.split())
    properties = spec.schema("client")["$defs"]["GenerateRequest"]["properties"]
    for name in properties.keys() - {"message", "key", "seq"}:
        definition = spec.schema("client")["$defs"][properties[name]["$ref"].rpartition("/")[2]]
        assert f"--{name.replace('_', '-')}" in shown
        words = definition["description"].split(". ")[0].replace("`", "").rstrip(".")
        assert "".join(words.removeprefix("True ").split()).lower() in shown.lower()
        assert name == "raw" or f"[default:{properties[name]['default']}]" in shown
    hub = fake(answered(""))
    given = {"temperature": 0.5, "top_p": 0.25, "top_k": 7, "min_p": 0.125, "repetition_penalty": 1.5, "max_new_len": 9}
    options = [part for name, value in given.items() for part in (f"--{name.replace('_', '-')}", str(value))]
    assert run("ask", "Hi", "--seed", "-3", "--raw", "--stream", "--gettokens", "4", *options).exit_code == 0
    assert hub.bodies[0].items() >= {**given, "seed": -3, "raw": "True", "gettokens": 4}.items()


@pytest.mark.parametrize(
    ("stdin", "prompt"), [("Hi\n", "Hi"), ("Hi", "Hi"), ("a\nb\r\n", "a\nb"), ("ä\n\n", "ä\n"), ("", "")]
)
@pytest.mark.parametrize("arguments", [["ask"], ["ask", "-"]], ids=["absent", "dash"])
def test_the_prompt_may_come_from_standard_input(
    fake: Callable[..., FakeHub], arguments: list[str], stdin: str, prompt: str
) -> None:
    hub = fake(answered("x"))
    assert run(*arguments, stdin=stdin.encode()).exit_code == 0
    assert hub.bodies[0]["message"] == prompt


def test_standard_input_that_is_no_text_is_refused(fake: Callable[..., FakeHub]) -> None:
    hub = fake(answered("x"))
    result = run("ask", stdin=b"\xff\xfe")
    assert (result.exit_code, hub.requests) == (2, [])
    assert "not UTF-8" in result.stderr


def test_without_a_prompt_a_terminal_is_told_how(fake: Callable[..., FakeHub], monkeypatch: pytest.MonkeyPatch) -> None:
    hub = fake(answered("x"))
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _: True, raising=False)
    result = run("ask")
    assert (result.exit_code, hub.requests) == (2, [])
    assert "PROMPT" in result.stderr


def test_a_stream_is_printed_as_it_comes(fake: Callable[..., FakeHub]) -> None:
    hub = fake(answered("Once"), answered(" upon"), answered(""))
    result = run("ask", "Hi", "--stream")
    assert (result.exit_code, result.stdout) == (0, "Once upon\n")
    assert len({body["key"] for body in hub.bodies}) == 1


def test_what_came_of_a_broken_stream_is_shown_before_the_error(fake: Callable[..., FakeHub]) -> None:
    fake(answered("Once"), httpx.ReadError("reset"))
    result = run("ask", "Hi", "--stream")
    assert (result.exit_code, result.stdout) == (3, "Once\n")
    assert "text may be missing" in result.stderr


def test_json_is_the_answer_of_the_hub(fake: Callable[..., FakeHub]) -> None:
    answer = {"reply": HOSTILE, "errorcode": 0, "model": {"size": 7}}
    fake(answer)
    result = run("ask", "Hi", "--json")
    assert json.loads(result.stdout) == answer
    assert result.stdout.strip().isprintable()


def test_json_of_a_stream_is_one_line_a_piece_and_the_end(fake: Callable[..., FakeHub]) -> None:
    fake(answered("Once"), answered("…"), answered(""))
    lines = [json.loads(line) for line in run("ask", "Hi", "--stream", "--json").stdout.splitlines()]
    assert lines == [answered("Once"), answered("…"), answered("")]


def test_json_of_an_error_is_the_answer_too(fake: Callable[..., FakeHub]) -> None:
    fake(answered("No such service.", 6))
    result = run("ask", "Hi", "--json")
    assert (result.exit_code, json.loads(result.stdout)) == (1, answered("No such service.", 6))
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("stream", [[], ["--stream"]], ids=["whole", "stream"])
def test_nothing_that_steers_a_terminal_gets_through(fake: Callable[..., FakeHub], stream: list[str]) -> None:
    fake(answered(HOSTILE), answered(""))
    shown = run("ask", "Hi", *stream).stdout
    assert shown == "aredb\nc\td\n"
    fake(answered(HOSTILE, 4711))
    sentence = run("ask", "Hi", *stream).stderr
    assert sentence == "Error: the hub answered error 4711: aredb c d\n"


def test_a_sequence_that_is_cut_between_two_pieces_is_harmless(fake: Callable[..., FakeHub]) -> None:
    fake(answered("a\x1b"), answered("[31mb"), answered(""))
    assert "\x1b" not in run("ask", "Hi", "--stream").stdout


@pytest.mark.parametrize(
    ("arguments", "answer", "code", "words"),
    [
        (["ask", "Hi"], answered("Not here.", 6), 1, "error 6 (unknown_service): Not here."),
        (["ask", "Hi"], {}, 3, "errorcode"),
        (["ask", "Hi"], httpx.ConnectError("refused"), 3, "NEUROENGINE_URL"),
        (["ask", "Hi", "--temperature", "-1"], answered("x"), 2, "temperature must be a finite number, 0 or more"),
        (["ask", "Hi", "--top-k", "many"], answered("x"), 2, "not a valid integer"),
        (["ask", "Hi", "--service", "a/b"], answered("x"), 2, "service must be"),
        (["ask", "Hi", "--url", "ftp://x"], answered("x"), 2, "https://host"),
        (["ask", "Hi", "--timeout", "0"], answered("x"), 2, "'--timeout': 0 is no number of seconds above 0"),
        (["models", "--timeout", "nan"], [], 2, "'--timeout': nan is no number"),
        (["ask", "Hi", "--insecure", "--ca-file", "x"], answered("x"), 2, "exclude each other"),
        (["ask", "Hi", "--nonsense"], answered("x"), 2, "--nonsense"),
        (["ask", "Hi", "there"], answered("x"), 2, "there"),
        (["models"], answered("Stopping.", 2), 1, "Stopping."),
        (["models"], [{"name": 5}], 3, "0.name"),
        (["models", "--nonsense"], [], 2, "--nonsense"),
    ],
)
def test_an_error_is_one_sentence_and_its_code(
    fake: Callable[..., FakeHub], arguments: list[str], answer: Any, code: int, words: str
) -> None:
    fake(answer)
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (code, "")
    assert words in result.stderr
    assert "Traceback" not in result.stderr
    assert isinstance(result.exception, SystemExit)


def test_ctrl_c_ends_cleanly(fake: Callable[..., FakeHub]) -> None:
    fake(KeyboardInterrupt())
    for arguments in (["ask", "Hi"], ["ask", "Hi", "--stream"], ["models"]):
        result = run(*arguments)
        assert (result.exit_code, result.output.strip()) == (130, "")


def test_the_model_list_is_plain_where_it_is_piped(fake: Callable[..., FakeHub]) -> None:
    fake([MODEL, MODEL | {"name": "B", "connected": False}])
    assert run("models").stdout.splitlines() == [
        "name\tconnected\tqueuelen\tnumreq\toperator\tcomment",
        "A\tyes\t0\t3\t@o\t[bold]x[/bold] aredb c d",
        "B\tno\t0\t3\t@o\t[bold]x[/bold] aredb c d",
    ]


def test_the_model_list_is_a_table_on_a_terminal(fake: Callable[..., FakeHub], monkeypatch: pytest.MonkeyPatch) -> None:
    fake([MODEL])
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _: True, raising=False)
    shown = run("models").stdout
    assert "connected" in shown
    assert "[bold]x[/bold] aredb c d" in shown
    assert "\x1b[31m" not in shown
    assert "│" in shown


def test_the_model_list_as_json_is_what_the_hub_sent(fake: Callable[..., FakeHub]) -> None:
    fake([MODEL | {"new": [1]}])
    assert json.loads(run("models", "--json").stdout) == [MODEL | {"new": [1]}]


def test_text_that_the_output_cannot_show_is_written_as_escapes(monkeypatch: pytest.MonkeyPatch) -> None:
    output = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", output)
    console.write("ä🙂b\n")
    output.flush()
    assert output.buffer.getvalue() == b"\\xe4\\U0001f642b\n"


@pytest.mark.parametrize(
    ("arguments", "sent"),
    [
        (["Hello!"], "Hello!"),
        (["two words"], "two words"),
    ],
)
def test_the_module_with_one_prompt_asks_the_published_service(
    fake: Callable[..., FakeHub],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    sent: str,
) -> None:
    monkeypatch.setenv("NEUROENGINE_SERVICE", "Other")
    hub = fake(answered("Hi!"))
    with pytest.raises(SystemExit) as ended:
        module.run(arguments)
    assert ended.value.code == 0
    assert capsys.readouterr().out == "Hi!\n"
    assert (hub.bodies[0]["message"], str(hub.requests[0].url)) == (
        sent,
        "https://api.neuroengine.ai/Neuroengine-Large",
    )


@pytest.mark.parametrize("arguments", [["--version"], ["models", "--help"], ["ask", "--help"], ["--help"]])
def test_the_module_with_anything_else_is_the_command_line(
    fake: Callable[..., FakeHub], capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    hub = fake(answered("Hi!"))
    with pytest.raises(SystemExit) as ended:
        module.run(arguments)
    assert (ended.value.code, hub.requests) == (0, [])
    assert "neuroengine" in capsys.readouterr().out


def environment(hub: MockHub) -> dict[str, str]:
    return os.environ | {"NEUROENGINE_URL": hub.url, "SSL_CERT_FILE": hub.ca_file}


def test_the_commands_work_in_a_shell(hub: MockHub) -> None:
    def output(*arguments: str) -> str:
        command = [sys.executable, "-m", "neuroengine", *arguments]
        return subprocess.run(
            command, env=environment(hub), capture_output=True, text=True, timeout=60, check=True
        ).stdout

    whole = output("ask", "Tell me", "--service", "Other", "--seed", "5")
    assert output("ask", "Tell me", "--service", "Other", "--seed", "5", "--stream", "--gettokens", "3") == whole
    assert [model["name"] for model in json.loads(output("models", "--json"))] == ["Neuroengine-Large", "Other"]


def test_ctrl_c_in_a_shell_ends_cleanly() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        arrived = threading.Event()
        connections: list[socket.socket] = []

        def accept() -> None:
            connection, _ = listener.accept()
            connections.append(connection)
            connection.recv(65536)
            arrived.set()

        thread = threading.Thread(target=accept)
        thread.start()
        command = [
            sys.executable,
            "-m",
            "neuroengine",
            "ask",
            "Hi",
            "--url",
            f"http://127.0.0.1:{listener.getsockname()[1]}",
        ]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as asking:
            try:
                assert arrived.wait(60)
                asking.send_signal(signal.SIGINT)
                out, err = asking.communicate(timeout=60)
            finally:
                asking.kill()
        thread.join(10)
        for connection in connections:
            connection.close()
    assert (asking.returncode, out, err) == (130, "", "\n")
