"""`neuroengine serve` with each backend, between a mock hub and its clients.

The command runs in a process of its own; a test waits for the lines in which it says what it does.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from openai_server import MODEL, Asked, OpenAIServer, Plain, chunk, error, event, streamed
from patience import DEADLINE_S

from mockserver import MockHub
from mockserver.model import Sampling, SimulatedModel
from neuroengine import Client, Retry
from neuroengine.backends import FORMS
from neuroengine.cli import main
from neuroengine.errors import ProviderError, ProviderOfflineError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SERVICE = "MYGPT"
KEY = "service-canary-5678"
COMMAND = (sys.executable, "-m", "neuroengine")


@pytest.fixture
def hub() -> Iterator[MockHub]:
    with MockHub(services={SERVICE: KEY}, limits={"queue_s": 0.5}) as running:
        yield running


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with OpenAIServer() as running:
        yield running


@pytest.fixture
def client(hub: MockHub) -> Iterator[Client]:
    with Client(SERVICE, url=hub.url, ca_file=hub.ca_file, retry=Retry(tries=1)) as opened:
        yield opened


class Serving:
    """The command at work."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().rstrip("\n")

    def until(self, state: str) -> dict[str, Any]:
        """Reads on to the line of a state; only with `--json`."""
        while True:
            line = self.line()
            assert line, f"it ended before it was {state}: {self.process.communicate(timeout=DEADLINE_S)}"
            told: dict[str, Any] = json.loads(line)
            if told["state"] == state:
                return told

    def end(self, number: int | None = signal.SIGTERM) -> tuple[int, str, str]:
        """Ends it: the exit code, and what it still had to say on both streams."""
        if number is not None:
            self.process.send_signal(number)
        output, errors = self.process.communicate(timeout=DEADLINE_S)
        return self.process.returncode, output, errors


@contextmanager
def started(hub: MockHub, backend: str, *options: str, **environment: str) -> Iterator[Serving]:
    """The command in a process of its own, ended at the latest when the block is left."""
    kept = {name: value for name, value in os.environ.items() if name not in {"OPENAI_API_KEY", "SSL_CERT_FILE"}}
    variables = {"NEUROENGINE_PROVIDER": hub.provider, "SSL_CERT_FILE": hub.ca_file, "NEUROENGINE_SERVICE_KEY": KEY}
    with subprocess.Popen(
        [*COMMAND, "serve", SERVICE, "--backend", backend, *options],
        env=kept | variables | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield Serving(process)
        finally:
            process.kill()


@contextmanager
def serving(hub: MockHub, backend: str, *options: str, **environment: str) -> Iterator[Serving]:
    """The command, logged in."""
    with started(hub, backend, "--json", *options, **environment) as command:
        command.until("ready")
        yield command


def asked_in_a_shell(hub: MockHub, *arguments: str) -> str:
    variables = os.environ | {"NEUROENGINE_URL": hub.url, "SSL_CERT_FILE": hub.ca_file}
    command = [*COMMAND, "ask", "--service", SERVICE, *arguments]
    return subprocess.run(command, env=variables, capture_output=True, text=True, timeout=60, check=True).stdout


def invoked(*options: str, **environment: str | None) -> tuple[int, str]:
    """The command in this process, for what it refuses before it connects: the exit code, and the sentence."""
    variables = {"NEUROENGINE_SERVICE_KEY": None, "NEUROENGINE_PROVIDER": "127.0.0.1:1", **environment}
    result = CliRunner(env=variables).invoke(main, ["serve", SERVICE, *options])
    assert result.stdout == ""
    return result.exit_code, result.stderr


# -- in front of an OpenAI-compatible server


@pytest.mark.parametrize("mode", ["--streaming", "--no-streaming"])
def test_an_openai_server_is_reached_through_the_hub_whole_and_streamed(
    hub: MockHub, server: OpenAIServer, client: Client, mode: str
) -> None:
    given: dict[str, Any] = {"temperature": 0.5, "top_p": 0.8, "top_k": 7, "min_p": 0.1, "max_new_len": 30, "seed": 77}
    with serving(hub, f"openai:{server.url}", mode) as command:
        whole = client.generate("Tell me é😀", repetition_penalty=1.5, **given).text
        sampling = json.loads(whole.removeprefix("You said: Tell me é😀 "))
        assert sampling.items() >= (given | {"repetition_penalty": 1.5, "max_tokens": 30}).items() - {
            ("max_new_len", 30)
        }
        with client.stream("Tell me é😀", repetition_penalty=1.5, gettokens=1, **given) as pieces:
            got = list(pieces)
        assert "".join(got) == whole
        assert len(got) > 10
        raw = client.generate("Tell me", raw=True).text
        assert raw.startswith("You said: Tell me")
        assert server.asked[-1].path == "/v1/completions"
        assert client.generate("Tell me", max_new_len=0).text == ""
        assert asked_in_a_shell(hub, "From a shell").startswith("You said: From a shell")
        assert asked_in_a_shell(hub, "From a shell", "--stream").startswith("You said: From a shell")
        assert [body["model"] for body in server.bodies] == [MODEL] * 5
        code, output, errors = command.end()
    assert (code, errors) == (0, "")
    assert json.loads(output.splitlines()[-1])["requests"] == 5  # the hub itself answers what wants no token


def test_the_first_piece_is_at_the_client_before_the_server_has_made_the_rest(
    hub: MockHub, server: OpenAIServer, client: Client
) -> None:
    go_on = threading.Event()

    def slowly(asked: Asked) -> Iterator[bytes]:
        yield event(chunk(asked.path, "first"))
        assert go_on.wait(DEADLINE_S)
        yield from streamed(asked.path, " rest")

    server.answer = slowly
    with serving(hub, f"openai:{server.url}"), client.stream("Tell me") as pieces:
        assert next(pieces) == "first"
        assert not go_on.is_set()
        go_on.set()
        assert "".join(pieces) == " rest"


def test_the_server_s_work_ends_with_the_provider(hub: MockHub, server: OpenAIServer, client: Client) -> None:
    left = threading.Event()

    def endless(asked: Asked) -> Iterator[bytes]:
        yield event(chunk(asked.path, "first"))
        if asked.has_left():
            left.set()

    server.answer = endless
    with serving(hub, f"openai:{server.url}") as command, client.stream("Tell me") as pieces:
        assert next(pieces) == "first"
        command.end(signal.SIGKILL)
        assert left.wait(DEADLINE_S)
        with pytest.raises((ProviderError, ProviderOfflineError)):
            list(pieces)


@pytest.mark.parametrize(
    ("answered", "told"),
    [
        (Plain(401, error("Incorrect API key")), "check the key"),
        (Plain(429, error("slow down"), {"Retry-After": "7"}), "try again in 7 s"),
        (Plain(500, b"Traceback"), "The model failed."),
        ([event(chunk("/v1/chat/completions", "half"))], "broke off"),
    ],
)
def test_a_server_s_failure_is_one_error_and_the_next_request_is_served(
    hub: MockHub, server: OpenAIServer, client: Client, answered: Plain | Iterable[bytes], told: str
) -> None:
    server.answer = lambda asked: answered if "bad" in asked.prompt else streamed(asked.path, "fine")
    with serving(hub, f"openai:{server.url}") as command:
        with pytest.raises(ProviderError, match=told):
            client.generate("bad")
        with pytest.raises(ProviderError, match=told):
            list(client.stream("bad stream"))
        assert client.generate("good").text == "fine"
        code, _, errors = command.end()
    assert code == 0
    assert server.url in errors  # the operator learns the reason
    assert "Traceback (most recent" not in errors


def test_the_api_key_comes_from_a_file_or_the_environment_and_is_never_shown(hub: MockHub, tmp_path: Path) -> None:
    secret = "sk-canary-9876"
    (tmp_path / "api-key").write_text(f"{secret}\n")
    with OpenAIServer(key=secret) as server:
        for options, variables in (
            (["--backend-key-file", str(tmp_path / "api-key")], {}),
            ([], {"OPENAI_API_KEY": secret}),
        ):
            with serving(hub, f"openai:{server.url}", *options, **variables) as command:
                assert secret not in Path(f"/proc/{command.process.pid}/cmdline").read_text()
                assert secret not in "".join(command.end()[1:])
        with started(hub, f"openai:{server.url}", OPENAI_API_KEY=f"{secret}-wrong") as command:
            code, _, errors = command.end(None)
        assert code == 2
        assert "refuses the API key" in errors
        assert secret not in errors


# -- every other backend


def test_echo_serves_the_prompt(hub: MockHub, client: Client) -> None:
    with serving(hub, "echo"):
        assert client.generate("one two three", max_new_len=2).text == "one two"
        assert list(client.stream("one two three", gettokens=1)) == ["one", " two", " three"]


def test_sim_serves_the_simulated_model(hub: MockHub, client: Client) -> None:
    expected = list(SimulatedModel().tokens("Tell me", Sampling(seed=5, max_new_len=20)))
    with serving(hub, "sim"):
        assert client.generate("Tell me", seed=5, max_new_len=20).text == "".join(expected)
        with client.stream("Tell me", seed=5, max_new_len=20, gettokens=1) as pieces:
            assert list(pieces) == expected


def test_exec_serves_a_program(hub: MockHub, client: Client, tmp_path: Path) -> None:
    path = tmp_path / "reply.py"
    path.write_text("import os, sys; print(sys.stdin.read().upper(), os.environ['NEUROENGINE_SEED'])")
    with serving(hub, f"exec:'{sys.executable}' '{path}'"):
        assert client.generate("tell me é", seed=7).text == "TELL ME É 7"
        pieces = list(client.stream("tell me", seed=7, gettokens=1))
        assert "".join(pieces) == "TELL ME 7"
        assert pieces[:2] == ["TELL", " ME"]


@pytest.mark.parametrize(
    "source",
    [
        "def answer(request): return request.message.upper()",
        "async def answer(request): return {'reply': request.message.upper(), 'model': 'mine'}",
        "def answer(request):\n    for word in request.message.upper().split(): yield word + ' '",
        "async def answer(request):\n    for word in request.message.upper().split(): yield word + ' '",
    ],
    ids=["plain", "coroutine", "generator", "asynchronous generator"],
)
def test_python_serves_a_function_of_the_current_folder(
    hub: MockHub, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    (tmp_path / "mybot.py").write_text(source)
    monkeypatch.chdir(tmp_path)
    with serving(hub, "python:mybot:answer"):
        assert client.generate("tell me").text.strip() == "TELL ME"
        assert "".join(client.stream("tell me")).strip() == "TELL ME"


def test_a_function_that_raises_costs_one_error_and_its_traceback_is_shown_to_the_operator(
    hub: MockHub, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mybot.py").write_text("def answer(request): return request.message[9]")
    monkeypatch.chdir(tmp_path)
    with serving(hub, "python:mybot:answer") as command:
        with pytest.raises(ProviderError):
            client.generate("short")
        assert client.generate("0123456789").text == "9"
        _, _, errors = command.end()
    assert errors.startswith("Error: the callback raised\n")
    assert "IndexError" in errors


# -- what it says, and how it ends


def test_a_person_reads_one_line_for_each_step(hub: MockHub, client: Client) -> None:
    with started(hub, "echo") as command:
        assert command.line() == "backend: echo"
        assert command.line() == f"connecting to {hub.provider}"
        assert command.line() == f"logged in as {SERVICE}; Ctrl-C stops"
        assert client.generate("Hi").text == "Hi"
        hub.stop()
        lost = command.line()
        assert lost.startswith(f"lost: {hub.provider} ")
        assert lost.endswith(" s")
        code, output, errors = command.end(signal.SIGINT)
    assert (code, errors) == (0, "")
    assert output.splitlines()[-1] == "stopped after 1 request"


def test_a_hub_that_is_not_there_is_tried_again_until_it_is_told_to_stop(hub: MockHub) -> None:
    address = hub.provider
    hub.stop()
    with started(hub, "echo", "--insecure", NEUROENGINE_PROVIDER=address, SSL_CERT_FILE="") as command:
        assert [command.line() for _ in range(2)] == ["backend: echo", f"connecting to {address}"]
        waiting = command.line()
        assert waiting.startswith(f"not connected: {address} cannot be reached")
        assert " next try in " in waiting
        code, output, errors = command.end()
    assert (code, errors) == (0, "")
    assert output.splitlines()[-1] == "stopped after 0 requests"


def test_a_program_reads_one_object_for_each_step(hub: MockHub) -> None:
    common = {"service": SERVICE, "address": hub.provider}
    with started(hub, "echo", "--json") as command:
        told = [json.loads(command.line()) for _ in range(3)]
        assert told == [
            common | {"state": "checked", "backend": "echo"},
            common | {"state": "connecting"},
            common | {"state": "ready"},
        ]
        hub.stop()
        waiting = json.loads(command.line())
        assert waiting.keys() == common.keys() | {"state", "reason", "wait_s"}
        assert waiting["wait_s"] > 0
        code, output, errors = command.end()
    assert (code, errors) == (0, "")
    assert [json.loads(line) for line in output.splitlines()] == [
        common | {"state": "leaving"},
        common | {"state": "left", "requests": 0},
    ]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_the_running_answer_is_finished_before_it_stops(
    hub: MockHub, server: OpenAIServer, client: Client, number: signal.Signals
) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slowly(asked: Asked) -> Iterator[bytes]:
        begun.set()
        assert go_on.wait(DEADLINE_S)
        yield from streamed(asked.path, "finished")

    server.answer = slowly
    with serving(hub, f"openai:{server.url}") as command, ThreadPoolExecutor(1) as pool:
        reply = pool.submit(client.generate, "Tell me")
        assert begun.wait(DEADLINE_S)
        command.process.send_signal(number)
        command.until("leaving")
        go_on.set()
        assert reply.result(DEADLINE_S).text == "finished"
        code, output, errors = command.end(None)
    assert (code, errors) == (0, "")
    assert json.loads(output)["requests"] == 1


def test_a_running_stream_is_finished_before_it_stops(hub: MockHub, client: Client) -> None:
    with serving(hub, "echo") as command, client.stream("one two three", gettokens=1) as pieces:
        assert next(pieces) == "one"
        command.process.send_signal(signal.SIGTERM)
        command.until("leaving")
        assert list(pieces) == [" two", " three"]
        assert command.end(None)[0] == 0


def test_a_second_ctrl_c_stops_at_once(hub: MockHub, server: OpenAIServer, client: Client) -> None:
    begun, left = threading.Event(), threading.Event()

    def endless(asked: Asked) -> Iterator[bytes]:
        begun.set()
        if asked.has_left():
            left.set()
        return iter(())

    server.answer = endless
    with serving(hub, f"openai:{server.url}") as command, client.stream("Tell me") as pieces:
        with ThreadPoolExecutor(1) as pool:
            reply = pool.submit(list, pieces)
            assert begun.wait(DEADLINE_S)
            command.process.send_signal(signal.SIGINT)
            command.until("leaving")
            code, output, errors = command.end(signal.SIGINT)
            assert isinstance(reply.exception(DEADLINE_S), ProviderError | ProviderOfflineError)
        assert left.wait(DEADLINE_S)
    assert (code, errors) == (130, "")
    assert json.loads(output).items() >= {"state": "left", "requests": 1}.items()


def test_a_blocking_function_cannot_keep_it_from_stopping_at_once(
    hub: MockHub, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mybot.py").write_text(
        "import sys, threading\n"
        "def answer(request):\n"
        "    print('begun', file=sys.stderr, flush=True)\n"
        "    threading.Event().wait()\n"
    )
    monkeypatch.chdir(tmp_path)
    with serving(hub, "python:mybot:answer") as command, ThreadPoolExecutor(1) as pool:
        reply = pool.submit(lambda: next(client.stream("Tell me")))
        assert command.process.stderr is not None
        assert command.process.stderr.readline() == "begun\n"
        command.process.send_signal(signal.SIGTERM)
        command.until("leaving")
        code, output, _ = command.end(signal.SIGTERM)
        assert isinstance(reply.exception(DEADLINE_S), ProviderError | ProviderOfflineError)
    assert code == 130
    assert json.loads(output)["requests"] == 1


def test_a_wrong_key_ends_it_with_one_sentence(hub: MockHub) -> None:
    with started(hub, "echo", NEUROENGINE_SERVICE_KEY="wrong-canary") as command:
        code, output, errors = command.end(None)
    assert code == 1
    assert errors.count("\n") == 1
    assert errors.startswith(f"Error: the hub refused the login to the service '{SERVICE}'")
    assert "wrong-canary" not in output + errors


def test_a_hub_that_cannot_be_trusted_ends_it(hub: MockHub) -> None:
    with MockHub(services={SERVICE: KEY}) as stranger, started(hub, "echo", "--ca-file", stranger.ca_file) as command:
        code, _, errors = command.end(None)
    assert code == 3
    assert errors.startswith("Error: no trusted TLS connection")
    with started(hub, "echo", "--json", "--insecure") as command:
        command.until("ready")
        assert command.end()[0] == 0


# -- the service key


def test_the_service_key_is_in_no_list_of_processes_when_it_comes_from_a_file_or_the_environment(
    hub: MockHub, tmp_path: Path
) -> None:
    (tmp_path / "key").write_text(f"{KEY}\n")
    for options, variables in (
        (["--key-file", str(tmp_path / "key")], {"NEUROENGINE_SERVICE_KEY": "wrong"}),
        ([], {"NEUROENGINE_SERVICE_KEY": KEY}),
    ):
        with serving(hub, "echo", *options, **variables) as command:
            assert KEY not in Path(f"/proc/{command.process.pid}/cmdline").read_text()
            assert "Warning" not in command.end()[2]
    with serving(hub, "echo", "--key", KEY, NEUROENGINE_SERVICE_KEY="wrong") as command:
        assert KEY in Path(f"/proc/{command.process.pid}/cmdline").read_text()
        code, _, errors = command.end()
    assert code == 0
    assert errors.startswith("Warning: every user of this machine can read --key")
    assert KEY not in errors


def test_the_service_key_may_come_from_standard_input(hub: MockHub) -> None:
    variables = os.environ | {"NEUROENGINE_PROVIDER": hub.provider, "SSL_CERT_FILE": hub.ca_file}
    command = [*COMMAND, "serve", SERVICE, "--backend", "echo", "--key-file", "-"]
    done = subprocess.run(
        command, env=variables, input="wrong\n", capture_output=True, text=True, timeout=DEADLINE_S, check=False
    )
    assert done.returncode == 1
    assert "refused" in done.stderr


@pytest.mark.parametrize(
    ("content", "told"),
    [(None, "cannot be read"), (b"", "one line"), (b" \n", "one line"), (b"a\nb\n", "one line"), (b"\xff", "UTF-8")],
)
@pytest.mark.parametrize("option", ["--key-file", "--backend-key-file"])
def test_a_key_file_that_holds_no_key_is_named(tmp_path: Path, option: str, content: bytes | None, told: str) -> None:
    path = tmp_path / "key"
    if content is not None:
        path.write_bytes(content)
    options = ["--key-file", str(path)] if option == "--key-file" else [option, str(path)]
    given = {} if option == "--key-file" else {"NEUROENGINE_SERVICE_KEY": KEY}
    code, sentence = invoked("--backend", "echo", *options, **given)
    assert code == 2
    assert told in sentence
    assert option in sentence


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ([], "there is no service key"),
        (["--key", ""], "there is no service key"),
        (["--key", KEY, "--key-file", "x"], "exclude each other"),
        (["--key", KEY, "--backend", "nonsense"], "'nonsense' is no backend"),
        (["--key", KEY, "--backend", "exec:no-such-program-here"], "no program 'no-such-program-here'"),
        (["--key", KEY, "--backend", "python:no_such_module:f"], "no module 'no_such_module'"),
        (["--key", KEY, "--backend", "openai:http://127.0.0.1:1"], "no model server answers at http://127.0.0.1:1/v1"),
        (["--key", KEY, "--address", "nowhere"], "'nowhere' is no provider address"),
        (["--key", KEY, "--insecure", "--ca-file", "x"], "exclude each other"),
        (["--key", KEY, "--ca-file", "/no/such/file"], "/no/such/file"),
        (["--key", KEY, "--backend-timeout", "0"], "--backend-timeout"),
        (["--key", KEY, "--backend-timeout", "inf"], "--backend-timeout"),
        (["--key", KEY, "--parallel", "0"], "--parallel"),
    ],
)
def test_what_cannot_work_is_said_in_one_sentence_before_a_login(options: list[str], told: str) -> None:
    backend = [] if "--backend" in options else ["--backend", "echo"]
    result = CliRunner(env={"NEUROENGINE_SERVICE_KEY": None, "NEUROENGINE_PROVIDER": "127.0.0.1:1"}).invoke(
        main, ["serve", SERVICE, *backend, *options]
    )
    assert result.exit_code == 2
    assert told in result.stderr
    assert KEY not in result.stderr
    assert "connecting" not in result.stdout


def test_a_name_that_no_service_can_have_is_refused() -> None:
    result = CliRunner().invoke(main, ["serve", "no name", "--backend", "echo", "--key", KEY])
    assert result.exit_code == 2
    assert "service must be 1 to 64" in result.stderr


def test_the_help_shows_every_form_of_a_backend() -> None:
    shown = CliRunner().invoke(main, ["serve", "--help"]).stdout
    for form, meaning in FORMS.items():
        assert form in shown
        assert meaning in shown
    assert "NEUROENGINE_SERVICE_KEY" in shown
    assert all(len(line) <= 80 for line in shown.splitlines())
