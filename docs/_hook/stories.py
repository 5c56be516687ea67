"""Whole exchanges, played at a mock hub while the site is built: what was sent is what the diagrams show."""

from __future__ import annotations

import json
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final, Self

import httpx
from error_exchanges import KEY, SERVICE

from mockserver import Clock, MockHub
from neuroengine._generated.registry import PING_S
from tools.docs.facts import Arrow, Story

if TYPE_CHECKING:
    from collections.abc import Iterator

DEADLINE_S: Final = 20.0
CLIENT, HUB, PROVIDER = "Client", "Hub", "Provider"
REQUEST: Final = {"message": "Tell me a story.", "max_new_len": 12}
POLL: Final = {**REQUEST, "max_new_len": 18, "key": "key1234", "gettokens": 6}
SHOWN_CHARACTERS: Final = 46


class Client:
    """A client of a hub in this process, which writes down what it sends and receives."""

    def __init__(self, hub: MockHub) -> None:
        self.steps: list[Arrow | str] = []
        self._http = httpx.Client(transport=hub.transport(), base_url="http://hub")

    def post(self, body: dict[str, Any], *, loses_the_answer: bool = False) -> dict[str, Any]:
        """Posts a request; with `loses_the_answer` the answer is drawn as one that never arrives."""
        answer: dict[str, Any] = self._http.post(f"/{SERVICE}", json=body).json()
        self.steps.append(Arrow(CLIENT, HUB, _shown(body)))
        self.steps.append(Arrow(HUB, CLIENT, _shown(answer), loses_the_answer))
        return answer

    def note(self, text: str) -> None:
        """Says something about what has just happened."""
        self.steps.append(text)


def stories() -> Iterator[Story]:
    """All of them, in the order in which they are told."""
    yield _told(
        "whole-reply",
        "A whole reply",
        "Without a stream key one request brings the whole reply.",
        _whole_reply,
    )
    yield _told(
        "stream",
        "A stream",
        "With a stream key every poll repeats the request, and brings the next piece. An empty reply with "
        "code 0 is the end.",
        _stream,
    )
    yield _told(
        "lost-without-seq",
        "A lost answer, without `seq`",
        "The core profile has no way to ask for a piece again.",
        _lost_without_seq,
    )
    yield _told(
        "lost-with-seq",
        "A lost answer, with `seq`",
        "A hub of the extended profile repeats the piece whose index the client names: nothing is lost, "
        "nothing comes twice.",
        _lost_with_seq,
    )
    yield Story(
        "provider",
        "A provider's login, a request, and its death",
        "The provider connects out to the hub by TLS. Each frame of the hub is one JSON object; each answer is its "
        "length as 8 hex digits, and then one JSON object.",
        _provider(),
    )


def _told(name: str, title: str, summary: str, play: Any) -> Story:
    client = Client(MockHub({SERVICE: KEY}, clock=Clock.stepped()))
    play(client)
    return Story(name, title, summary, client.steps)


def _whole_reply(client: Client) -> None:
    client.post(REQUEST)


def _stream(client: Client) -> None:
    while client.post(POLL)["reply"]:
        pass
    client.note("The pieces put together are the reply.")


def _lost_without_seq(client: Client) -> None:
    client.post(POLL)
    client.post(POLL, loses_the_answer=True)
    client.post(POLL)
    client.note("The second piece is gone, and nothing in the third tells. A client must report an error.")


def _lost_with_seq(client: Client) -> None:
    client.post(POLL | {"seq": 0})
    lost = client.post(POLL | {"seq": 1}, loses_the_answer=True)
    again = client.post(POLL | {"seq": 1})
    if again != lost:
        raise RuntimeError(f"the hub did not repeat the piece {lost} but answered {again}")
    client.note("The same piece again.")
    client.post(POLL | {"seq": 2})


class Link:
    """A provider's link to a running hub."""

    def __init__(self, hub: MockHub) -> None:
        host, port = hub.provider.rsplit(":", 1)
        context = ssl.create_default_context(cafile=hub.ca_file)
        self._tls = context.wrap_socket(socket.create_connection((host, int(port)), DEADLINE_S), server_hostname=host)
        self.send(json.dumps({"user": SERVICE, "key": KEY}))
        self.accepted = self._tls.recv(16).decode()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connection without a word, as a dying program does."""
        self._tls.close()

    def send(self, text: str) -> None:
        """Sends text."""
        self._tls.sendall(text.encode())

    def frame(self) -> str:
        """The next frame of the hub."""
        text = ""
        while piece := self._tls.recv(1 << 16).decode():
            text += piece
            try:
                json.loads(text)
            except ValueError:
                continue
            return text.rstrip()
        raise ConnectionError(f"the hub closed the link behind {text!r}")


def _provider() -> list[Arrow | str]:
    """A provider that logs in, is pinged, answers one request, and is gone while it has the second one."""
    with (
        MockHub({SERVICE: KEY}, tls=False, clock=Clock.stepped()) as hub,
        ThreadPoolExecutor(1) as pool,
        Link(hub) as link,
    ):
        steps: list[Arrow | str] = [
            Arrow(PROVIDER, HUB, json.dumps({"user": SERVICE, "key": KEY})),
            Arrow(HUB, PROVIDER, link.accepted),
        ]
        hub.clock.advance(PING_S)
        steps += [Arrow(HUB, PROVIDER, link.frame()), "A ping has no answer."]

        def post() -> dict[str, Any]:
            answer: dict[str, Any] = httpx.post(f"{hub.url}/{SERVICE}", json=REQUEST, timeout=DEADLINE_S).json()
            return answer

        asked = pool.submit(post)
        steps += [Arrow(CLIENT, HUB, _shown(REQUEST)), Arrow(HUB, PROVIDER, _shown(json.loads(link.frame())))]
        payload = json.dumps({"reply": "Once upon a time."})
        link.send(f"{len(payload):08X}{payload}")
        steps += [
            Arrow(PROVIDER, HUB, f"{len(payload):08X}{payload}"),
            Arrow(HUB, CLIENT, _shown(asked.result(DEADLINE_S))),
        ]

        asked = pool.submit(post)
        steps += [Arrow(CLIENT, HUB, _shown(REQUEST)), Arrow(HUB, PROVIDER, _shown(json.loads(link.frame())))]
        link.close()
        steps += ["The provider's connection is gone.", Arrow(HUB, CLIENT, _shown(asked.result(DEADLINE_S)))]
        return steps


def _shown(body: dict[str, Any]) -> str:
    """JSON as a diagram has room for it: a long text is cut inside the quotes, long lines are broken after a comma."""
    cut = {
        name: f"{value[:40].rstrip()} ..." if isinstance(value, str) and len(value) > 44 else value
        for name, value in body.items()
    }
    text, lines = json.dumps(cut, ensure_ascii=False), [""]
    for part in text.split(", "):
        if lines[-1] and len(lines[-1]) + len(part) > SHOWN_CHARACTERS:
            lines.append("")
        lines[-1] += f", {part}" if lines[-1] else part
    return ",<br/>".join(lines)
