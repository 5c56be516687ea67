"""Plays the vectors of spec/vectors/hub_*.json at a mock hub with real connections, on a clock that stands still.

After each step that does something to the hub, the hub answers a few requests of somebody else; so it has seen what
the step did, and that it did nothing can be told without waiting for it.
"""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import Any

from foreign_programs import client as http_client
from foreign_programs import settled_models
from record_provider import DEADLINE_S, RecordProvider
from stepped_hub import Caller

from mockserver import Clock, MockHub, ServiceSettings
from neuroengine import spec

Json = dict[str, Any]

FILES: dict[str, Json] = {path: spec.read_json(path) for path in spec.paths("vectors") if "/hub_" in path}
VECTORS: dict[str, Json] = {vector["name"]: vector for data in FILES.values() for vector in data["vectors"]}
SERVICES: list[Json] = spec.read_json("registry/schemas/vectors_hub.schema.json")["$defs"]["Vector"]["properties"][
    "services"
]["default"]
"""The services of a vector that names none."""
SAMPLING: Json = {
    name: rule["default"]
    for name, rule in spec.schema("client")["$defs"]["GenerateRequest"]["properties"].items()
    if "default" in rule and name != "gettokens"
}
"""The fields that a hub may add to a request, at these values."""


class WrongStep(AssertionError):
    """Raised when the hub does not do what a step says; names the step."""


def play(vector: Json, deadline_s: float = DEADLINE_S, **settings: Any) -> None:
    """Plays a vector at a hub of its own.

    Args:
        vector: the vector.
        deadline_s: how long the hub may take for what a step wants of it, in real seconds.
        settings: what the hub has beside what the vector says.

    Raises:
        WrongStep: the hub does something else.
    """
    rows = [ServiceSettings(**row) for row in vector.get("services", SERVICES)]
    told = {"limits": vector.get("limits", {}), "matching_statuses": vector.get("matching_statuses", False)}
    hub = MockHub(rows, tls=False, clock=Clock.stepped(), **told, **settings)
    with hub, ExitStack() as stack:
        scene = Scene(hub, stack, rows[0].name, deadline_s)
        for number, step in enumerate(vector["steps"]):
            try:
                scene.play(step)
            except (AssertionError, LookupError, OSError, ValueError) as error:
                raise WrongStep(f"step {number}, {json.dumps(step)}: {error!r}") from error


class Asking:
    """A client's request, and what has come for it."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self._data = b""
        self._blanks_seen = 0

    @property
    def _body(self) -> tuple[int, bytes, bool]:
        """The status, as much of the body as is there, and whether that is all; a status of 0 has not come yet."""
        head, end, rest = self._data.partition(b"\r\n\r\n")
        if not end:
            return 0, b"", False
        first, *lines = head.decode("ascii").lower().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines)
        status = int(first.split()[1])
        if "content-length" in headers:
            return status, rest, len(rest) == int(headers["content-length"])
        body = b""
        while b"\r\n" in rest:
            size, _, rest = rest.partition(b"\r\n")
            if not int(size, 16):
                return status, body, True
            body, rest = body + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
        return status, body, False

    def whole(self) -> tuple[int, bytes]:
        """The answer's status and body; waits for it."""
        while not self._body[2]:
            more = self.caller.body(1)
            assert more, f"the hub closed behind {self._data!r}"
            self._data += more + self.caller.there()
        status, body, _ = self._body
        return status, body

    def look(self) -> int:
        """How many blanks have come since the last look; all that is there is blank."""
        self._data += self.caller.there()
        _, body, is_whole = self._body
        assert not is_whole, f"answered with {body!r}"
        assert not body.strip(), f"not blank: {body!r}"
        new, self._blanks_seen = len(body) - self._blanks_seen, len(body)
        return new


class Sharing:
    """A provider's connection, with the frames and pings that it was sent and nobody has asked for."""

    def __init__(self, link: RecordProvider) -> None:
        self.link = link
        self._requests: list[Json] = []
        self._pings = 0

    def _take(self) -> bool:
        """Takes the next frame, of one record; false where the hub has closed instead."""
        record = self.link.record()
        if record:
            frame = json.loads(record)
            if "ping" in frame:
                self._pings += 1
            else:
                self._requests.append(frame)
        return bool(record)

    def request(self) -> Json:
        """The next request; waits for it."""
        while not self._requests:
            assert self._take(), "the hub closed the link"
        return self._requests.pop(0)

    def look(self) -> tuple[list[Json], int]:
        """The requests that nobody has asked for, and the pings since the last look."""
        while not self.link.is_quiet() and self._take():
            pass
        pings, self._pings = self._pings, 0
        return self._requests, pings

    def close(self) -> list[Json]:
        """The requests that nobody has asked for, up to the hub's close; waits for that."""
        while self._take():
            pass
        return self._requests


class Scene:
    """A hub, and everybody who talks to it by the names of a vector."""

    def __init__(self, hub: MockHub, stack: ExitStack, service: str, deadline_s: float) -> None:
        self._hub = hub
        self._stack = stack
        self._service = service
        self._deadline_s = deadline_s
        self._clients: dict[str, Asking] = {}
        self._providers: dict[str, Sharing] = {}
        self._witness = stack.enter_context(http_client(hub))
        self._is_stopped = False

    def play(self, step: Json) -> None:
        """One step.

        Raises:
            AssertionError: the hub does not do what the step says.
        """
        if "passes_s" in step:
            self._hub.clock.advance(step["passes_s"])
        elif "hub" in step:
            self._hub.stop()
            self._is_stopped = True
        elif "from" in step:
            (self._client_does if step["from"].startswith("client") else self._provider_does)(step["from"], step)
        elif step["to"].startswith("client"):
            self._client_gets(self._clients[step["to"]], step)
            return
        else:
            self._provider_gets(self._providers[step["to"]], step)
            return
        if not self._is_stopped:
            settled_models(self._witness)

    def _client_does(self, name: str, step: Json) -> None:
        if "closes" in step:
            self._clients.pop(name).caller.close()
            return
        caller = Caller(self._hub)
        caller.socket.settimeout(self._deadline_s)
        self._stack.callback(caller.close)
        body = json.dumps(step["request"]).encode()
        head = [f"POST {step.get('path', f'/{self._service}/')} HTTP/1.1", "Host: hub", f"Content-Length: {len(body)}"]
        if "access_key" in step:
            head.append(f"Authorization: Bearer {step['access_key']}")
        caller.send("\r\n".join([*head, "", ""]).encode() + body)
        self._clients[name] = Asking(caller)

    def _client_gets(self, asking: Asking, step: Json) -> None:
        if "blank" in step or "nothing" in step:
            blanks = asking.look()
            assert "nothing" in step or blanks, "no blank came"
            return
        status, body = asking.whole()
        content = json.loads(body)
        if "models" in step:
            (content,) = (entry for entry in content if entry["name"] == self._service)
            wanted = step["models"]
        else:
            wanted = step["answer"] | ({"reply": step["piece"]} if "piece" in step else {})
            assert isinstance(content["reply"], str)
            if wanted["errorcode"] == "any-error":
                assert content["errorcode"], content
                wanted = {**wanted, "errorcode": content["errorcode"]}
        assert {name: content[name] for name in wanted} == wanted, content
        assert all(isinstance(content[name], bool) == isinstance(wanted[name], bool) for name in wanted), content
        assert status == step.get("status", status), status
        assert body.isascii() or "ascii" not in step, body
        assert not [text for text in step.get("lacks", ()) if text.encode() in body], body

    def _provider_does(self, name: str, step: Json) -> None:
        if "connects" in step or "login" in step:
            link = RecordProvider(self._hub.provider, self._hub.ca_file, self._deadline_s)
            self._providers[name] = Sharing(self._stack.enter_context(link))
            if "login" in step:
                link.send(json.dumps(step["login"]).encode())
        elif "closes" in step:
            self._providers.pop(name).link.close()
        elif "text" in step:
            self._providers[name].link.send(step["text"].encode())
        else:
            payload = json.dumps(step["answer"]).encode()
            self._providers[name].link.send(b"%08X" % len(payload), payload)

    def _provider_gets(self, sharing: Sharing, step: Json) -> None:
        if "request" in step:
            request = sharing.request()
            more = {name: request[name] for name in request if name not in step["request"]}
            assert request == step["request"] | more, request
            assert more.items() <= SAMPLING.items(), more
        elif "ping" in step:
            assert sharing.look()[1], "no ping came"
        elif "nothing" in step:
            requests, _ = sharing.look()
            assert requests == []
        elif "closed" in step:
            assert sharing.close() == []
        else:
            said = sharing.link.record()
            assert (said.strip() == b"OK") == ("accepted" in step), said
