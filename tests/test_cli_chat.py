"""`neuroengine chat`: what goes out, what is shown, the commands, and how it ends; piped, typed, and on a terminal."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from click.testing import CliRunner, Result
from fake_hub import FakeHub, answered
from patience import DEADLINE_S
from terminal import Terminal

from neuroengine.cli import chat, main
from neuroengine.cli.chat_commands import CHAT_COMMANDS
from neuroengine.transport import http

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MODEL = {"name": "S", "connected": True, "numreq": 3, "queuelen": 0, "comment": "", "operator": "@o"}
END = answered("")
HOSTILE = "a\x1b[31mred\x1b[0m\x1b]0;title\x07\x9b2J\x00b"


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NEUROENGINE_URL", "NEUROENGINE_SERVICE", "NEUROENGINE_KEY", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)


class ListedHub(FakeHub):
    """Gives this model list whenever it is asked for it, and its answers to the questions."""

    models: Any

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if "command" in json.loads(request.content):
            if isinstance(self.models, Exception):
                raise self.models
            return httpx.Response(200, json=self.models)
        return super().__call__(request)


@pytest.fixture
def piped(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Result, FakeHub]]:
    """Holds a conversation of these lines with a hub that gives these answers."""
    made = http.Hub

    def hold(lines: str | bytes, *answers: Any, models: Any = None, options: tuple[str, ...] = ()) -> Any:
        hub = ListedHub(*answers)
        hub.models = [MODEL] if models is None else models

        def open_fake(url: str, **settings: Any) -> http.Hub:
            return made(url, **settings | {"transport": hub.transport, "sleep": hub.waits.append})

        monkeypatch.setattr(http, "Hub", open_fake)
        result = CliRunner().invoke(main, ["chat", "--service", "S", "--url", "http://hub.test", *options], input=lines)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result, hub

    return hold


@pytest.fixture
def typed(piped: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Result, FakeHub]]:
    """The same, with a person at the keyboard."""
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _: True, raising=False)
    monkeypatch.setenv("COLUMNS", "500")
    return piped


def prompts(hub: FakeHub) -> list[str]:
    """The prompts that went out, one for each question."""
    keys = dict.fromkeys(body["key"] for body in hub.bodies if "key" in body)
    return [next(body["message"] for body in hub.bodies if body.get("key") == key) for key in keys]


def test_each_line_is_a_question_and_the_replies_are_printed(piped: Callable[..., Any]) -> None:
    result, hub = piped("Hi!\n\n  And you?  \n", answered(" Hello"), answered(" there."), END, answered("Fine."), END)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "Hello there.\nFine.\n", "")
    assert prompts(hub) == [
        "User: Hi!\nAssistant:",
        "User: Hi!\nAssistant: Hello there.\n\nUser: And you?\nAssistant:",
    ]


def test_what_is_piped_is_never_a_command(piped: Callable[..., Any], tmp_path: Path) -> None:
    target = tmp_path / "written"
    result, hub = piped(f"/save {target}\n/quit\n", answered("No."), END, answered("No!"), END)
    assert (result.exit_code, result.stdout) == (0, "No.\nNo!\n")
    assert prompts(hub)[0] == f"User: /save {target}\nAssistant:"
    assert not target.exists()


def test_an_error_costs_one_question_and_decides_the_exit_code(piped: Callable[..., Any]) -> None:
    result, hub = piped("one\ntwo\n", answered("Shorten it.", 11), answered("Yes."), END)
    assert (result.exit_code, result.stdout) == (1, "Yes.\n")
    assert result.stderr.count("\n") == 1
    assert "error 11 (request_too_large): Shorten it." in result.stderr
    assert prompts(hub)[1] == "User: two\nAssistant:"


def test_what_came_of_a_broken_reply_is_shown_and_kept(piped: Callable[..., Any]) -> None:
    result, hub = piped("one\ntwo\n", answered("Once"), httpx.ReadError("reset"), answered("Yes."), END)
    assert (result.exit_code, result.stdout) == (3, "Once\nYes.\n")
    assert "text may be missing" in result.stderr
    assert prompts(hub)[1] == "User: one\nAssistant: Once\n\nUser: two\nAssistant:"


def test_lines_that_are_no_text_are_refused(piped: Callable[..., Any]) -> None:
    result, hub = piped(b"one\n\xff\xfe\n", answered("Yes."), END)
    assert (result.exit_code, result.stdout) == (2, "Yes.\n")
    assert "line 2 of standard input is not UTF-8" in result.stderr
    assert len(prompts(hub)) == 1


def test_a_reply_ends_where_the_model_plays_the_user_and_nothing_more_is_asked_for(piped: Callable[..., Any]) -> None:
    result, hub = piped("Hi!\n", answered("Hello.\nUs"), answered("er: And you?"), answered("never asked for"))
    assert (result.exit_code, result.stdout) == (0, "Hello.\n")
    assert len(hub.bodies) == 2


def test_a_frame_of_the_services_own_is_used_and_sent_raw(piped: Callable[..., Any]) -> None:
    framed = MODEL | {"preprompt": "### Q:\n", "endprompt": "\n### A:\n"}
    result, hub = piped("Hi!\nMore?\n", answered("Hello."), END, answered("Yes."), END, models=[framed])
    assert result.stdout == "Hello.\nYes.\n"
    assert prompts(hub) == ["### Q:\nHi!\n### A:\n", "### Q:\nHi!\n### A:\nHello.\n### Q:\nMore?\n### A:\n"]
    assert {body["raw"] for body in hub.bodies} == {"True"}


def test_without_a_frame_the_service_puts_its_own_around_the_whole(piped: Callable[..., Any]) -> None:
    _, hub = piped("Hi!\n", answered("Hello."), END)
    assert {body["raw"] for body in hub.bodies} == {"False"}


@pytest.mark.parametrize("models", [answered("No list.", 5), "nonsense", [{"name": 5}], []], ids=repr)
def test_a_hub_without_a_usable_list_is_talked_to_all_the_same(piped: Callable[..., Any], models: Any) -> None:
    result, hub = piped("Hi!\n", answered("Hello."), END, models=models)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "Hello.\n", "")
    assert prompts(hub) == ["User: Hi!\nAssistant:"]


def test_a_hub_that_is_not_there_ends_what_is_piped_at_once(piped: Callable[..., Any]) -> None:
    result, hub = piped("Hi!\nMore\n", models=httpx.ConnectTimeout("late"))
    assert (result.exit_code, result.stdout, hub.bodies) == (3, "", [])
    assert result.stderr.count("\n") == 1


def test_a_hub_that_loses_the_question_for_its_list_is_talked_to(piped: Callable[..., Any]) -> None:
    result, _ = piped("Hi!\n", answered("Hello."), END, models=httpx.ReadTimeout("late"))
    assert (result.exit_code, result.stdout) == (0, "Hello.\n")


def test_a_person_may_wait_for_a_hub_that_is_not_there(typed: Callable[..., Any]) -> None:
    result, _ = typed("Hi!\n", answered("Hello."), END, models=httpx.ConnectTimeout("late"))
    assert (result.exit_code, "Hello." in result.stdout) == (0, True)
    assert "accepted no connection in time" in result.stderr
    assert "/help lists the commands, Ctrl-D ends." in result.stderr


def test_the_options_go_out_with_every_question(piped: Callable[..., Any]) -> None:
    options = ("--system", "Be brief.", "--temperature", "0.5", "--gettokens", "3", "--seed", "7")
    _, hub = piped("Hi!\n", answered("Hello."), END, options=options)
    assert hub.bodies[0].items() >= {"temperature": 0.5, "gettokens": 3, "seed": 7}.items()
    assert hub.bodies[0]["message"] == "Be brief.\n\nUser: Hi!\nAssistant:"
    assert hub.bodies[0]["max_new_len"] == chat.REPLY_TOKENS


def test_each_question_has_a_seed_of_its_own(piped: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = iter([11, 22])
    monkeypatch.setattr("random.randrange", lambda _: next(drawn))
    _, hub = piped("a\nb\n", answered("x"), END, answered("y"), END)
    assert [body["seed"] for body in hub.bodies] == [11, 11, 22, 22]


def test_a_budget_leaves_out_the_oldest_turns(piped: Callable[..., Any]) -> None:
    answers = [answer for word in ("one", "two", "three") for answer in (answered(word), END)]
    _, hub = piped("a\nb\nc\n", *answers, options=("--budget", "60"))
    assert prompts(hub)[2] == "User: b\nAssistant: two\n\nUser: c\nAssistant:"


def test_nothing_that_steers_a_terminal_gets_through(typed: Callable[..., Any], tmp_path: Path) -> None:
    target = tmp_path / "talk.txt"
    result, _ = typed(f"Hi!\n/save {target}\n", answered(HOSTILE), END, models=[MODEL | {"name": "S"}])
    assert "\x1b" not in result.output.replace("\x1b[?2004h", "")
    assert target.read_text() == "User: Hi!\n\nS: aredb\n"


def test_a_person_is_told_of_the_service_and_asked_for_lines(typed: Callable[..., Any]) -> None:
    result, _ = typed("Hi!\n", answered("Hello."), END)
    assert result.stderr.startswith("S: ready.\n/help lists the commands, Ctrl-D ends.\n")
    assert result.stdout.count("> ") == 2
    assert result.stdout.replace("> ", "") == "Hello.\n"
    assert result.exit_code == 0


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (MODEL | {"connected": False}, "S: no provider is connected right now."),
        (MODEL | {"queuelen": 4}, "S: ready, requests that wait: 4."),
        (MODEL | {"name": "s2"}, "The hub lists no service 'S'; perhaps you meant s2. /models shows what it has."),
        (MODEL | {"name": "Other"}, "The hub lists no service 'S'. /models shows what it has."),
    ],
)
def test_a_person_is_told_what_is_wrong_with_the_service(
    typed: Callable[..., Any], model: dict[str, Any], words: str
) -> None:
    result, _ = typed("", models=[model])
    assert result.stderr.startswith(f"{words}\n")
    assert result.exit_code == 0


def test_a_person_sees_errors_and_goes_on(typed: Callable[..., Any]) -> None:
    result, _ = typed("one\ntwo\n", answered("No such.", 6), answered("Yes."), END, models=[MODEL | {"name": "S1"}])
    assert "error 6 (unknown_service): No such. Perhaps you meant S1;" in result.stderr
    assert "Yes." in result.stdout
    assert result.exit_code == 0


def test_ctrl_c_ends_the_reply_that_comes_and_keeps_what_was_shown(typed: Callable[..., Any]) -> None:
    result, hub = typed("one\ntwo\n", answered("Once upon"), KeyboardInterrupt(), answered("Yes."), END)
    assert result.exit_code == 0
    assert prompts(hub)[1] == "User: one\nAssistant: Once upon\n\nUser: two\nAssistant:"


def test_ctrl_c_before_the_first_piece_drops_the_question(typed: Callable[..., Any]) -> None:
    result, hub = typed("one\ntwo\n", KeyboardInterrupt(), answered("Yes."), END)
    assert "There is no reply; /retry asks again." in result.stderr
    assert prompts(hub)[1] == "User: two\nAssistant:"
    assert result.exit_code == 0


def test_ctrl_c_ends_a_piped_conversation(piped: Callable[..., Any]) -> None:
    result, _ = piped("one\ntwo\n", answered("Once"), KeyboardInterrupt(), answered("Yes."), END)
    assert result.exit_code == 130
    assert "Yes." not in result.stdout


def test_retry_replaces_the_last_reply(typed: Callable[..., Any]) -> None:
    result, hub = typed("a\n/retry\nb\n", answered("bad"), END, answered("good"), END, answered("x"), END)
    assert result.exit_code == 0
    assert prompts(hub) == [
        "User: a\nAssistant:",
        "User: a\nAssistant:",
        "User: a\nAssistant: good\n\nUser: b\nAssistant:",
    ]


def test_a_retry_that_fails_leaves_the_old_reply(typed: Callable[..., Any]) -> None:
    _, hub = typed("a\n/retry\nb\n", answered("old"), END, answered("No.", 11), answered("x"), END)
    assert prompts(hub)[2] == "User: a\nAssistant: old\n\nUser: b\nAssistant:"


def test_a_question_that_failed_can_be_retried(typed: Callable[..., Any]) -> None:
    _, hub = typed("a\nb\n/retry\n", answered("x"), END, answered("No.", 11), answered("y"), END)
    assert prompts(hub)[2] == prompts(hub)[1] == "User: a\nAssistant: x\n\nUser: b\nAssistant:"


def test_there_is_nothing_to_retry_at_the_beginning_and_after_a_reset(typed: Callable[..., Any]) -> None:
    result, hub = typed("/retry\na\n/reset\n/retry\nb\n", answered("x"), END, answered("y"), END)
    assert result.stderr.count("There is no question yet.") == 2
    assert prompts(hub) == ["User: a\nAssistant:", "User: b\nAssistant:"]


def test_the_system_text_can_be_changed_and_outlives_a_reset(typed: Callable[..., Any]) -> None:
    lines = "/system  Be kind. \na\n/reset\nb\n/system\n/reset\nc\n"
    _, hub = typed(lines, *(answer for _ in range(3) for answer in (answered("x"), END)))
    assert prompts(hub) == [
        "Be kind.\n\nUser: a\nAssistant:",
        "Be kind.\n\nUser: b\nAssistant:",
        "User: c\nAssistant:",
    ]


def test_a_conversation_is_saved_once_and_never_over_a_file(typed: Callable[..., Any], tmp_path: Path) -> None:
    target = tmp_path / "talk.txt"
    result, _ = typed(f"/system Be kind.\na\n/save {target}\n/save {target}\n/save\n", answered("x\ny"), END)
    assert target.read_text() == "System: Be kind.\n\nUser: a\n\nS: x\ny\n"
    assert f"The conversation is in '{target}'." in result.stderr
    assert f"'{target}' cannot be written: File exists" in result.stderr
    assert "Say where: /save FILE" in result.stderr


def test_models_are_listed(typed: Callable[..., Any]) -> None:
    result, _ = typed("/models\n", models=[MODEL, MODEL | {"name": f"B{HOSTILE}", "connected": False}])
    rows = [line.split(maxsplit=1) for line in result.stderr.splitlines() if line.startswith("  ")]
    assert rows == [["S", "ready"], ["Baredb", "no provider is connected right now"]]


def test_an_empty_list_and_a_failing_one_are_told(typed: Callable[..., Any]) -> None:
    assert "The hub offers no service." in typed("/models\n", models=[])[0].stderr
    assert typed("/models\n", models=answered("No list.", 5))[0].stderr.count("No list.") == 2


def test_help_lists_every_command(typed: Callable[..., Any]) -> None:
    shown = typed("/help\n")[0].stderr
    for name, command in CHAT_COMMANDS.items():
        assert f"  {name} {command.argument}".rstrip() in shown


def test_quit_ends_and_what_is_no_command_is_told(typed: Callable[..., Any]) -> None:
    result, hub = typed("/nonsense x\n /etc is what?\n/quit\nnever\n", answered("x"), END)
    assert 'There is no command "/nonsense"; /help lists them.' in result.stderr
    assert prompts(hub) == ["User: /etc is what?\nAssistant:"]
    assert result.exit_code == 0


def test_a_backslash_joins_lines(typed: Callable[..., Any]) -> None:
    _, hub = typed("one\\\ntwo\\\n\nthree\n", answered("x"), END, answered("y"), END)
    assert prompts(hub)[0] == "User: one\ntwo\nAssistant:"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--budget", "0"), "--budget"),
        (("--service", "a/b"), "service must be"),
        (("--url", "ftp://x"), "https://host"),
        (("--access-key-file", "/nonexistent"), "names '/nonexistent', which cannot be read"),
        (("--nonsense",), "--nonsense"),
    ],
)
def test_wrong_usage_is_told_before_anything_is_asked(
    piped: Callable[..., Any], options: tuple[str, ...], words: str
) -> None:
    result, hub = piped("Hi!\n", options=options)
    assert (result.exit_code, result.stdout, hub.bodies) == (2, "", [])
    assert words in result.stderr


class SlowHub(ThreadingHTTPServer):
    """Answers the first poll of each stream and holds the others until the test is over."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), SlowAnswers)
        self.held = threading.Semaphore(0)
        self.over = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class SlowAnswers(BaseHTTPRequestHandler):
    server: SlowHub

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if asked.get("seq"):
            self.server.held.release()
            self.server.over.wait(60)
        answer: Any = [MODEL] if "command" in asked else {"reply": "Once upon", "errorcode": 0, "seq": 0, "done": False}
        data = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def slow_hub() -> Iterator[SlowHub]:
    with SlowHub() as hub:
        thread = threading.Thread(target=hub.serve_forever)
        thread.start()
        yield hub
        hub.over.set()
        hub.shutdown()
        thread.join(DEADLINE_S)


def test_on_a_terminal_ctrl_c_stops_a_reply_and_ctrl_d_ends(slow_hub: SlowHub) -> None:
    with Terminal("chat", "--service", "S", "--url", slow_hub.url) as terminal:
        terminal.expect("> ")
        terminal.type("Tell me a story.\r")
        terminal.expect("Once upon")
        assert slow_hub.held.acquire(timeout=60)
        terminal.type("\x03")
        terminal.expect("> ")
        terminal.type("\x04")
        assert terminal.end() == 0
    assert "Traceback" not in terminal.shown


def test_on_a_terminal_ctrl_c_at_the_prompt_ends(slow_hub: SlowHub) -> None:
    with Terminal("chat", "--service", "S", "--url", slow_hub.url) as terminal:
        terminal.expect("> ")
        terminal.type("half a line")
        terminal.expect("half a line")
        assert terminal.interrupt() == 130
    assert "Traceback" not in terminal.shown


def test_on_a_terminal_lines_are_edited_and_remembered(slow_hub: SlowHub) -> None:
    pytest.importorskip("readline")
    with Terminal("chat", "--service", "S", "--url", slow_hub.url) as terminal:
        terminal.expect("> ")
        terminal.type("/nonsemse\x7f\x7f\x7fnse\r")
        terminal.expect('There is no command "/nonsense"')
        terminal.expect("> ")
        terminal.type("\x1b[A2\r")  # the line before, and one character more
        terminal.expect('There is no command "/nonsense2"')
        terminal.expect("> ")
        terminal.type("\x04")
        assert terminal.end() == 0


def test_on_a_terminal_replies_that_go_into_a_file_leave_the_prompt_behind(slow_hub: SlowHub, tmp_path: Path) -> None:
    replies = tmp_path / "replies"
    with replies.open("w") as file:
        arguments = ("chat", "--service", "S", "--url", slow_hub.url)
        with Terminal(*arguments, stdout=file.fileno()) as terminal:
            terminal.expect("> ")
            terminal.type("Hi!\r")
            assert slow_hub.held.acquire(timeout=60)
            terminal.type("\x03")
            terminal.expect("> ")
            terminal.type("/quit\r")
            assert terminal.end() == 0
    assert replies.read_text() == "Once upon\n"
