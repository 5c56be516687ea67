"""`neuroengine ask` and `neuroengine models`: text for people, JSON for programs, a sentence and a code for errors."""

from __future__ import annotations

import io
import json
import os
import re
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
from patience import DEADLINE_S

from mockserver import MockHub
from neuroengine import __main__ as module
from neuroengine import spec
from neuroengine.cli import console, main
from neuroengine.transport import http

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

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


@pytest.mark.parametrize(
    ("answer", "advice"),
    [
        (answered("Not here.", 6), 'Not here. "neuroengine models" lists the names.\n'),
        (answered("Off", 7), 'Off; "neuroengine models" shows who is connected\n'),
        (
            answered("A key, please.", 10),
            "A key, please. Give the key with --access-key-file, or in NEUROENGINE_KEY.\n",
        ),
        (answered("Too long.", 11), "Too long. Shorten it; in a chat a smaller --budget does.\n"),
        (answered("Mine.", 4711), "Mine.\n"),
        ({}, '; "neuroengine doctor" finds out whether this is a hub\n'),
        (httpx.ConnectTimeout("late"), '; "neuroengine doctor" finds out where it breaks\n'),
    ],
)
def test_an_error_says_what_can_be_done_about_it(fake: Callable[..., FakeHub], answer: Any, advice: str) -> None:
    fake(answer)
    sentence = run("ask", "Hi").stderr
    assert sentence.endswith(advice)
    assert sentence.count("\n") == 1


def test_on_a_terminal_an_error_is_broken_between_words(
    fake: Callable[..., FakeHub], monkeypatch: pytest.MonkeyPatch
) -> None:
    fake(answered("Not here, nor anywhere else, and not now either.", 6))
    piped = run("ask", "Hi").stderr
    on_a_terminal(monkeypatch, 40)
    typed = run("ask", "Hi").stderr
    assert piped.count("\n") == 1
    assert typed.count("\n") > 2
    assert all(len(line) <= 40 for line in typed.splitlines())
    assert typed.split() == piped.split()


@pytest.mark.parametrize("options", [[], ["--stream"], ["--json"]], ids=repr)
def test_a_misspelt_service_is_told_the_names_that_are_near(fake: Callable[..., FakeHub], options: list[str]) -> None:
    listed = [MODEL | {"name": name} for name in ("Neuroengine-Large", "Neuroengine-Small", f"Elsewhere{HOSTILE}")]
    fake(answered("Not here.", 6), listed)
    result = run("ask", "Hi", "--service", "neuroengine-larg", *options)
    assert result.exit_code == 1
    assert "Not here. Perhaps you meant Neuroengine-Large or Neuroengine-Small; " in result.stderr


@pytest.mark.parametrize("listing", [answered("No list.", 5), [], {}, httpx.ConnectError("gone")], ids=repr)
def test_a_hub_that_gives_no_names_is_not_the_error_that_is_shown(fake: Callable[..., FakeHub], listing: Any) -> None:
    fake(answered("Not here.", 6), listing)
    result = run("ask", "Hi", "--service", "nowhere")
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert 'Not here. "neuroengine models" lists the names.' in result.stderr


def test_the_access_key_comes_from_a_file_and_is_never_shown(
    fake: Callable[..., FakeHub], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "key"
    file.write_text("from-file\n")
    monkeypatch.setenv("NEUROENGINE_KEY", "from-environment")
    hub = fake(answered("You said from-file.", 10))
    for command in (["ask", "Hi"], ["models"]):
        result = run(*command, "--access-key-file", str(file))
        assert hub.requests[-1].headers["authorization"] == "Bearer from-file"
        assert "from-file" not in result.output
    run("ask", "Hi")
    assert hub.requests[-1].headers["authorization"] == "Bearer from-environment"


@pytest.mark.parametrize(
    ("content", "words"), [(None, "cannot be read"), (b"\n", "must hold the key"), (b"\xff", "is no text")]
)
def test_a_key_file_that_holds_no_key_is_refused(
    fake: Callable[..., FakeHub], tmp_path: Path, content: bytes | None, words: str
) -> None:
    file = tmp_path / "key"
    if content is not None:
        file.write_bytes(content)
    hub = fake(answered("x"))
    result = run("ask", "Hi", "--access-key-file", str(file))
    assert (result.exit_code, hub.requests) == (2, [])
    assert words in result.stderr
    assert "--access-key-file names" in result.stderr


@pytest.mark.parametrize("proxy", ["ftp://127.0.0.1:1", "socks5://127.0.0.1:1"])
def test_a_proxy_that_cannot_be_used_is_an_error_in_words(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    result = run("ask", "Hi", "--url", "http://hub.test")
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: a proxy that the environment names")


@pytest.mark.parametrize("name", ["ask", "chat", "models", "doctor"])
def test_help_has_examples_and_exit_codes_and_fits_a_terminal(name: str) -> None:
    shown = run(name, "--help").stdout
    assert f"  neuroengine {name}" in shown.partition("Examples:")[2]
    assert "Exit code: 0" in shown
    assert all(len(line) <= 80 for line in shown.splitlines())


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


def on_a_terminal(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _: True, raising=False)
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("NO_COLOR", "1")


def without_styles(shown: str) -> list[str]:
    return [line.rstrip() for line in re.sub(r"\x1b\[[0-9;]*m", "", shown).splitlines()]


def test_the_model_list_is_a_table_on_a_terminal(fake: Callable[..., FakeHub], monkeypatch: pytest.MonkeyPatch) -> None:
    fake([MODEL, MODEL | {"name": "Long-Name", "connected": False, "numreq": 12345}])
    on_a_terminal(monkeypatch, 80)
    shown = run("models").stdout
    assert without_styles(shown) == [
        "name       connected  waiting  requests  operator  comment",
        "A          yes              0         3  @o        [bold]x[/bold] aredb c d",
        "Long-Name  no               0     12345  @o        [bold]x[/bold] aredb c d",
    ]
    assert "\x1b[31m" not in shown


def test_where_a_table_has_no_room_the_services_stand_one_below_the_other(
    fake: Callable[..., FakeHub], monkeypatch: pytest.MonkeyPatch
) -> None:
    fake([MODEL, MODEL | {"name": "B" * 40, "comment": ""}])
    on_a_terminal(monkeypatch, 42)
    assert without_styles(run("models").stdout) == [
        "A",
        "  connected: yes",
        "  waiting: 0",
        "  requests: 3",
        "  operator: @o",
        "  comment: [bold]x[/bold] aredb c d",
        "B" * 40,
        "  connected: yes",
        "  waiting: 0",
        "  requests: 3",
        "  operator: @o",
    ]


def test_a_hub_without_services_is_told_in_words_on_a_terminal(
    fake: Callable[..., FakeHub], monkeypatch: pytest.MonkeyPatch
) -> None:
    fake([])
    assert run("models").stdout == "name\tconnected\tqueuelen\tnumreq\toperator\tcomment\n"
    on_a_terminal(monkeypatch, 80)
    assert run("models").stdout == "The hub offers no service.\n"


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


@pytest.mark.parametrize(
    "arguments",
    [["models"], ["models", "--json"], ["ask", "Hi", "--stream", "--gettokens", "1"], ["doctor"]],
    ids=" ".join,
)
def test_a_reader_that_has_gone_is_no_error_to_speak_of(hub: MockHub, arguments: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as gone:
        done = subprocess.run(
            [sys.executable, "-m", "neuroengine", *arguments],
            env=environment(hub),
            stdout=gone,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    assert (done.returncode, done.stderr) == (1, "")


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
        thread.join(DEADLINE_S)
        for connection in connections:
            connection.close()
    assert (asking.returncode, out, err) == (130, "", "\n")
