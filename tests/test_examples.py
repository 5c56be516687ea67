"""The example programs of the guides run against the mock hub, and do what they say."""

from __future__ import annotations

import re
import signal
import sys
from typing import TYPE_CHECKING

import pytest
from patience import DEADLINE_S
from programs import EXAMPLES, output, running

from mockserver import MockHub, ServiceSettings
from neuroengine import Client, HubError, Retry

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVICES = (
    ServiceSettings("Neuroengine-Large", "KEY"),
    ServiceSettings("MYGPT", "DEMOKEY", offline=True),
    ServiceSettings("MYOTHERGPT", "OTHERKEY", offline=True),
)


@pytest.fixture(scope="module")
def hub() -> Iterator[MockHub]:
    with MockHub(SERVICES) as running_hub:
        yield running_hub


def client(hub: MockHub) -> Client:
    """A client that is patient while a provider starts."""
    return Client(
        "MYGPT", url=hub.url, ca_file=hub.ca_file, retry=Retry(tries=400, first_wait_s=0.1, longest_wait_s=0.1)
    )


def test_every_example_is_run_by_a_test() -> None:
    providers = ("share", "share_every_kind", "share_in_pieces", "share_several")
    assert {path.stem for path in (EXAMPLES / "provider").glob("*.py")} == set(providers)
    for folder in ("client", "mock"):  # these run in test_example_outputs, which compares all that they print
        assert all(path.with_suffix(".out").exists() for path in (EXAMPLES / folder).glob("*.py"))


def test_a_whole_reply_is_printed(hub: MockHub) -> None:
    assert 10 < len(output(hub, str(EXAMPLES / "client/ask.py")).split()) <= 64


def test_a_stream_prints_the_same_reply_as_a_whole_one(hub: MockHub) -> None:
    whole = "from neuroengine import Client; print(Client().generate('What do tomatoes need?').text)"
    assert output(hub, str(EXAMPLES / "client/ask_in_pieces.py")) == output(hub, "-c", whole)


def test_three_questions_get_three_replies(hub: MockHub) -> None:
    assert len(output(hub, str(EXAMPLES / "client/ask_together.py")).splitlines()) == 3


def test_failures_are_told_apart(hub: MockHub) -> None:
    wrong, unknown, page = output(hub, str(EXAMPLES / "client/handle_errors.py")).splitlines()
    assert wrong == "top_p is wrong, and nothing was sent: a finite number from 0 to 1"
    assert unknown.startswith("unknown_service: ")
    assert page.endswith("/errors/unknown_service/")


def test_an_exchange_is_measured(hub: MockHub) -> None:
    assert re.fullmatch(r"status 200, \d+ bytes, \d+ ms\n", output(hub, str(EXAMPLES / "client/watch_exchanges.py")))


def test_a_function_shares_an_llm(hub: MockHub) -> None:
    with running(hub, str(EXAMPLES / "provider/share.py")), client(hub) as asking:
        assert asking.generate("Hé").text == "You said: Hé"


def test_an_asynchronous_generator_shares_an_llm_in_pieces(hub: MockHub) -> None:
    with running(hub, str(EXAMPLES / "provider/share_in_pieces.py")), client(hub) as asking:
        with asking.stream("one two three", gettokens=1) as pieces:
            assert list(pieces) == [" one", " two", " three"]
        assert asking.generate("one two three", max_new_len=2).text == " one two"


def test_every_kind_of_callback_answers() -> None:
    kinds = ("Text", "Reply", "Mapping", "Iterator", "Coroutine", "AsyncIterator")
    services = [ServiceSettings(kind, "DEMOKEY", offline=True) for kind in kinds]
    with MockHub(services) as hub, running(hub, str(EXAMPLES / "provider/share_every_kind.py")), client(hub) as asking:
        answers = {kind: asking.generate("Hé", service=kind) for kind in kinds}
        with asking.stream("Hé", service="Iterator") as pieces:
            assert "".join(pieces) == "You said: Hé"
    assert {answer.text for answer in answers.values()} == {"You said: Hé"}
    assert [kind for kind in kinds if answers[kind].members.get("model") == "parrot-1"] == ["Reply", "Mapping"]


@pytest.mark.parametrize(
    ("backend", "reply"), [("python:mybot:answer", "You said: one two three"), ("exec:./reply.sh", "ONE TWO")]
)
def test_a_program_of_ones_own_is_a_backend(
    hub: MockHub, backend: str, reply: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(EXAMPLES / "provider/backends")
    monkeypatch.setenv("NEUROENGINE_SERVICE_KEY", "DEMOKEY")
    with running(hub, "-m", "neuroengine", "serve", "MYGPT", "--backend", backend), client(hub) as asking:
        assert asking.generate("one two three", max_new_len=2).text == reply


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM that a program can handle")
def test_two_services_are_shared_watched_and_taken_back(hub: MockHub) -> None:
    with running(hub, str(EXAMPLES / "provider/share_several.py")) as program, client(hub) as asking:
        assert asking.generate("hello").text == "HELLO"
        with pytest.raises(HubError, match="on holiday") as refused:
            asking.generate("hello", service="MYOTHERGPT")
        assert refused.value.code == 100
        program.send_signal(signal.SIGTERM)
        told, _ = program.communicate(timeout=DEADLINE_S)
    assert program.returncode == 0
    for service in ("MYGPT", "MYOTHERGPT"):
        states = [line.rpartition(" ")[2] for line in told.splitlines() if line.startswith(f"{service} ")]
        assert states[:2] == ["connecting", "ready"]
        assert states[-2:] == ["leaving", "left"]


def test_a_hub_is_scripted(hub: MockHub) -> None:
    told = output(hub, str(EXAMPLES / "mock/script_answers.py")).splitlines()
    assert told == ["Hi!", "['Bon', 'jour']", "Not any more.", "ConnectionFailed", "10 exchanges"]


def test_three_minutes_pass_at_once(hub: MockHub) -> None:
    assert output(hub, str(EXAMPLES / "mock/step_the_clock.py")) == "provider_timeout\n"
