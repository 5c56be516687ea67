"""The backends that need no server: what they answer, and what they say when they cannot."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from patience import DEADLINE_S

from mockserver import MockHub
from mockserver.model import Sampling as ModelSampling
from mockserver.model import SimulatedModel
from neuroengine import Client, ConfigurationError, Provider, ProviderFailure, Request, spec
from neuroengine._generated.registry import PROVIDER_PAYLOAD_BYTES
from neuroengine.backends import FORMS, Checked, backend
from neuroengine.backends import exec as exec_module

if TYPE_CHECKING:
    from pathlib import Path

PYTHON = sys.executable
GIVEN: dict[str, Any] = {"temperature": 0.5, "top_p": 0.8, "top_k": 7, "min_p": 0.1, "repetition_penalty": 1.5}


def pieces(answer: Any, message: str = "Hi", **fields: Any) -> list[str]:
    """All texts of a reply, in the order in which they came."""

    async def read() -> list[str]:
        result = answer(Request({"message": message, **fields}))
        if isinstance(result, AsyncIterator):
            return [text async for text in result]
        return list(result) if isinstance(result, Iterator) else [result]

    return asyncio.run(asyncio.wait_for(read(), DEADLINE_S))


def reply(answer: Any, message: str = "Hi", **fields: Any) -> str:
    return "".join(pieces(answer, message, **fields))


def program(tmp_path: Path, source: str) -> str:
    """The spec of a backend that runs a Python program."""
    path = tmp_path / "program with a blank.py"
    path.write_text(source, encoding="utf-8")
    return f"exec:'{PYTHON}' '{path}'"


@pytest.mark.parametrize(
    "nonsense", ["", "nonsense", "echo:", "echo:x", "sim:x", "exec", "exec:", "exec: ", "python:", "openai", "Echo"]
)
def test_what_is_no_backend_is_answered_with_the_forms(nonsense: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        backend(nonsense)
    assert repr(nonsense) in str(caught.value)
    for form in FORMS:
        assert form in str(caught.value)


# -- echo


@pytest.mark.parametrize(
    ("message", "most", "echoed"),
    [
        ("one two three", 128, "one two three"),
        ("one two three", 2, "one two"),
        (" one\n\ttwo  three ", 2, " one\n\ttwo"),
        (" one\n\ttwo  three ", 3, " one\n\ttwo  three "),
        ("one", 0, ""),
        ("  ", 1, "  "),
        ("", 5, ""),
        ("é😀 ü", 1, "é😀"),
    ],
)
def test_echo_gives_the_first_words_of_the_prompt_back(message: str, most: int, echoed: str) -> None:
    assert reply(backend("echo"), message, max_new_len=most) == echoed


def test_echo_gives_one_word_at_a_time() -> None:
    assert pieces(backend("echo"), "one two  three ") == ["one", " two", "  three "]


def test_echo_takes_a_long_blank_in_its_stride() -> None:
    message = "a" + " " * 40_000 + "b"
    assert reply(backend("echo"), message) == message


# -- sim


def test_sim_gives_the_simulated_model_s_tokens_with_every_field_in_force() -> None:
    answer = backend("sim")
    given = GIVEN | {"max_new_len": 30, "seed": 7, "raw": "True"}
    expected = list(SimulatedModel().tokens("Tell me", ModelSampling(**{**given, "raw": True})))
    assert pieces(answer, "Tell me", **given) == expected
    assert len(expected) == 30
    for name, other in {"temperature": 2.0, "seed": 8, "raw": "False", "repetition_penalty": 1.0}.items():
        assert pieces(answer, "Tell me", **given | {name: other}) != expected
    assert reply(answer, "Tell me", max_new_len=0) == ""


def test_sim_without_the_mock_hub_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mockserver.model", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'neuroengine\[mock\]'"):
        backend("sim")


# -- python


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty current folder, whose modules are forgotten afterwards."""
    before = set(sys.modules)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield tmp_path
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]


def test_python_imports_a_function_from_the_current_folder(folder: Path) -> None:
    (folder / "my_bot.py").write_text(
        "import my_helper\n"
        "def answer(request): return my_helper.shout(request['message'])\n"
        "class Bots:\n"
        "    @staticmethod\n"
        "    def second(request): return 'second'\n"
    )
    (folder / "my_helper.py").write_text("def shout(text): return text.upper()\n")
    assert reply(backend("python:my_bot:answer"), "hi") == "HI"
    assert reply(backend("python:my_bot:Bots.second")) == "second"
    assert reply(backend("python:neuroengine.backends.echo:echo"), "hi") == "hi"


@pytest.mark.parametrize(
    ("source", "name", "told"),
    [
        (None, "my_absent_bot:answer", "no module 'my_absent_bot'"),
        (None, "my_absent.bot:answer", "no module 'my_absent.bot'"),
        ("import my_absent_helper", "my_bot:answer", "fails when it is imported (ModuleNotFoundError"),
        ("1 / 0", "my_bot:answer", "(ZeroDivisionError: division by zero)"),
        ("def", "my_bot:answer", "(SyntaxError"),
        ("x = 1", "my_bot:answer", "has no 'answer'"),
        ("answer = 'x'", "my_bot:answer", "is str and no function"),
        ("", "my_bot", "python:MODULE:FUNCTION"),
        ("", ":answer", "python:MODULE:FUNCTION"),
    ],
)
def test_python_says_what_is_wrong_before_any_request(folder: Path, source: str | None, name: str, told: str) -> None:
    if source is not None:
        (folder / "my_bot.py").write_text(source)
    with pytest.raises(ConfigurationError) as caught:
        backend(f"python:{name}")
    assert told in str(caught.value)


# -- exec


def test_exec_answers_with_what_the_program_makes_of_the_prompt(tmp_path: Path) -> None:
    upper = program(tmp_path, "import sys; sys.stdout.write(sys.stdin.read().upper())")
    assert reply(backend(upper), "tell me; $(id) `id` 'x' é") == "TELL ME; $(ID) `ID` 'X' É"
    assert reply(backend(upper), "") == ""


def test_exec_needs_no_program_that_reads(tmp_path: Path) -> None:
    idle = program(tmp_path, "print('fixed')")
    assert reply(backend(idle), "x" * 1_000_000) == "fixed"


@pytest.mark.parametrize(
    ("written", "text"),
    [("a\\n", "a"), ("a\\r\\n", "a"), ("a\\n\\n", "a\n"), ("\\n", ""), ("a\\nb", "a\nb"), ("", "")],
)
def test_exec_leaves_out_one_line_end_at_the_end(tmp_path: Path, written: str, text: str) -> None:
    writing = program(tmp_path, f"import sys; sys.stdout.buffer.write(b'{written}')")
    assert reply(backend(writing)) == text


def test_exec_hands_every_sampling_field_over_in_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEUROENGINE_SERVICE_KEY", "secret")
    monkeypatch.setenv("OF_THE_OPERATOR", "kept")
    shown = program(tmp_path, "import json, os; print(json.dumps(dict(os.environ)))")
    given = GIVEN | {"max_new_len": 30, "seed": -7, "raw": "true"}
    environment = json.loads(reply(backend(shown), **given))
    for name, value in given.items():
        assert environment[f"NEUROENGINE_{name.upper()}"] == ("True" if name == "raw" else str(value))
    assert "NEUROENGINE_SERVICE_KEY" not in environment
    assert environment["OF_THE_OPERATOR"] == "kept"
    defaults = json.loads(reply(backend(shown)))
    for name, schema in spec.schema("client")["$defs"]["GenerateRequest"]["properties"].items():
        if name in given:
            assert defaults[f"NEUROENGINE_{name.upper()}"] == str(schema["default"])


def test_exec_runs_nothing_for_a_reply_without_tokens(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    writing = program(tmp_path, f"open({str(trace)!r}, 'w')")
    assert pieces(backend(writing), max_new_len=0) == []
    assert not trace.exists()


def test_exec_hands_the_reply_on_while_it_is_made_and_never_cuts_a_character(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The program waits for the test before each byte, and each byte is read alone."""
    monkeypatch.setattr(exec_module, "_READ_BYTES", 1)
    os.mkfifo(tmp_path / "go")
    gate = str(tmp_path / "go")
    writing = program(
        tmp_path,
        "import sys\n"
        f"gate = open({gate!r})\n"
        "for byte in 'é😀!'.encode():\n"
        "    gate.read(1)\n"
        "    sys.stdout.buffer.write(bytes([byte])); sys.stdout.buffer.flush()\n"
        "gate.read(1)\n",
    )

    async def read() -> list[str]:
        result: Any = backend(writing)(Request({"message": ""}))
        coming = asyncio.ensure_future(anext(result))
        got = []
        with await asyncio.to_thread(open, gate, "wb", 0) as opened:
            for size in (2, 4, 1):  # as many bytes as the next character has
                opened.write(b"x" * size)
                got.append(await coming)
                coming = asyncio.ensure_future(anext(result))
            opened.write(b"x")
            with pytest.raises(StopAsyncIteration):
                await coming
        return got

    assert asyncio.run(asyncio.wait_for(read(), DEADLINE_S)) == ["é", "😀", "!"]


@pytest.mark.parametrize(
    ("source", "logged"),
    [
        ("import sys; sys.exit('the model is out of memory')", "exit code 1"),
        ("import os; print('half', flush=True); os.kill(os.getpid(), 9)", "exit code -9"),
    ],
)
def test_exec_turns_a_failed_program_into_one_error_whose_reason_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, source: str, logged: str
) -> None:
    with pytest.raises(ProviderFailure) as caught:
        reply(backend(program(tmp_path, source)))
    assert caught.value.sentence == "The program that answers here failed."
    assert logged in caplog.text
    if "memory" in source:
        assert "the model is out of memory" in caplog.text


def test_exec_logs_the_end_of_many_complaints_and_answers_all_the_same(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "neuroengine")
    noisy = program(tmp_path, "import sys; sys.stderr.write('x' * 1_000_000 + 'last words'); print('fine')")
    assert reply(backend(noisy)) == "fine"
    (record,) = caplog.records
    assert "last words" in record.getMessage()
    assert record.levelno == logging.INFO
    assert len(record.getMessage()) < 10_000


def test_exec_gives_a_silent_program_up(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    silent = program(tmp_path, "import threading; threading.Event().wait(60)")
    with pytest.raises(ProviderFailure, match="took too long"):
        reply(backend(silent, timeout=0.5))
    assert "wrote nothing for 0.5 s" in caplog.text


def test_exec_gives_a_program_up_that_closed_its_output_and_does_not_end(tmp_path: Path) -> None:
    silent = program(tmp_path, "import os, threading; os.close(1); threading.Event().wait(60)")
    with pytest.raises(ProviderFailure, match="took too long"):
        reply(backend(silent, timeout=0.5))


def test_exec_gives_an_endless_reply_up(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    endless = program(tmp_path, "import sys\nwhile True: sys.stdout.write('y' * 65536)")
    with pytest.raises(ProviderFailure, match="too long"):
        reply(backend(endless))
    assert str(PROVIDER_PAYLOAD_BYTES) in caplog.text


def test_exec_kills_what_a_program_left_behind_to_write_its_reply(tmp_path: Path) -> None:
    held = tmp_path / "held"
    os.mkfifo(held)
    child = f"import threading; held = open({str(held)!r}, 'w'); print(1, flush=True); threading.Event().wait(60)"
    leaving = program(tmp_path, f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {child!r}])")
    reading = os.open(held, os.O_RDONLY | os.O_NONBLOCK)
    try:
        with pytest.raises(ProviderFailure, match="took too long"):
            reply(backend(leaving, timeout=5))
        os.set_blocking(reading, True)
        assert os.read(reading, 1) == b""  # the child, which held the writing end, is dead
    finally:
        os.close(reading)


@pytest.mark.parametrize("how", ["cancelled", "closed"])
def test_exec_kills_the_program_and_its_children_when_the_answer_is_given_up(tmp_path: Path, how: str) -> None:
    """A child of the program holds the writing end of a pipe: the reading end meets its end when both are dead."""
    held = tmp_path / "held"
    os.mkfifo(held)
    child = tmp_path / "child.py"
    child.write_text(
        f"import threading; held = open({str(held)!r}, 'w'); print(1, flush=True); threading.Event().wait(60)"
    )
    waiting = program(tmp_path, f"import subprocess, sys; subprocess.run([sys.executable, {str(child)!r}])")

    async def give_up() -> bytes:
        result: Any = backend(waiting)(Request({"message": ""}))
        reading = os.open(held, os.O_RDONLY | os.O_NONBLOCK)
        assert await anext(result) == "1"
        if how == "closed":
            await result.aclose()
        else:
            task = asyncio.create_task(anext(result))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        ended = asyncio.Event()
        asyncio.get_running_loop().add_reader(reading, ended.set)
        try:
            await ended.wait()
            return os.read(reading, 1)
        finally:
            asyncio.get_running_loop().remove_reader(reading)
            os.close(reading)

    assert asyncio.run(asyncio.wait_for(give_up(), DEADLINE_S)) == b""


@pytest.mark.parametrize(
    ("command", "told"),
    [("'unbalanced", "cannot be split"), ("no-such-program-here --x", "no program 'no-such-program-here'"), ("''", "")],
)
def test_exec_says_what_is_wrong_before_any_request(command: str, told: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        backend(f"exec:{command}")
    assert told in str(caught.value)


def test_exec_turns_a_program_that_vanished_into_an_error(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    script = tmp_path / "reply.sh"
    script.write_text("#!/bin/sh\necho fine\n")
    script.chmod(0o755)
    answer = backend(f"exec:{script}")
    assert reply(answer) == "fine"
    script.unlink()
    with pytest.raises(ProviderFailure, match="could not be run"):
        reply(answer)
    assert "No such file" in caplog.text


def test_only_a_backend_that_needs_a_server_has_a_check_of_its_own(tmp_path: Path) -> None:
    assert not isinstance(backend("echo"), Checked)
    assert not isinstance(backend(program(tmp_path, "")), Checked)
    assert isinstance(backend("openai:http://127.0.0.1:1"), Checked)


def test_a_backend_serves_a_provider_that_waits(tmp_path: Path) -> None:
    upper = program(tmp_path, "import sys; sys.stdout.write(sys.stdin.read().upper())")
    with (
        MockHub(services={"MYGPT": "KEY"}) as hub,
        Provider("MYGPT", "KEY", backend(upper), address=hub.provider, ca_file=hub.ca_file, streaming=True) as provider,
        Client("MYGPT", url=hub.url, ca_file=hub.ca_file) as client,
    ):
        serving = threading.Thread(target=provider.serve_forever)
        serving.start()
        assert client.generate("tell me").text == "TELL ME"
        assert "".join(client.stream("tell me")) == "TELL ME"
        provider.close()
        serving.join(DEADLINE_S)
        assert not serving.is_alive()


def test_exec_leaves_no_thread_and_no_log_behind(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "neuroengine")
    threads = threading.active_count()
    assert reply(backend(program(tmp_path, "print('fine')"))) == "fine"
    assert caplog.text == ""
    assert exec_module.SECRETS == ("NEUROENGINE_SERVICE_KEY", "NEUROENGINE_KEY")
    assert threading.active_count() <= threads + 1  # Python 3.11 watches a child from a thread, which ends by itself
