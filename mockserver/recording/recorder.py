"""Turns what clients asked a live hub, and what it answered, into rules; it knows no network and no clock.

- A request becomes the criteria of a rule: its service, its prompt, whether it is a stream, and every other member but
  those that have their default. What names a stream or is a secret is never kept: stream keys, access keys.
- The polls of a stream become one take of that rule, whose pieces they are; a poll that is repeated counts once.
- The same request again is the rule's next turn.
- A model list becomes services.

What no rule can give is left out and counted: answers that are none, and errors about requests that hold no prompt,
which a mock hub gives by itself.
"""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any, Final

from mockserver.recording.takes import Take, turns, whole
from mockserver.rules.criteria import COMMAND, GETMODELS, MESSAGE, criteria, is_default, meaning
from mockserver.rules.fixtures import write_rules
from mockserver.rules.rule import Rule
from mockserver.state.json_text import BadJson, read_object
from mockserver.state.service_settings import DEFAULT_KEY, ServiceSettings, is_service_name
from neuroengine._generated.registry import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Mapping
    from os import PathLike

_STREAM: Final = ("key", "gettokens", "seq")
_LISTED: Final = ("comment", "operator", "preprompt", "endprompt")


class Recorder:
    """What was recorded so far. Any thread may add to it."""

    def __init__(self) -> None:
        self.left_out = 0
        """How many answers no rule can give."""
        self._lock = threading.Lock()
        self._requests: dict[str, tuple[str, dict[str, Any], bool]] = {}
        self._takes: dict[str, list[Take]] = {}
        self._streams: dict[tuple[str, str], _Stream] = {}
        self._listed: dict[str, ServiceSettings] = {}
        self._answered: dict[str, None] = {}

    def add(self, path: str, request: bytes, answer: bytes, after_s: float = 0.0) -> None:
        """Records one exchange.

        Args:
            path: the path that was posted to.
            request: the client's body.
            answer: the live hub's body.
            after_s: how long it took, in seconds.
        """
        with self._lock:
            try:
                asked = read_object(request)
                said = _answer(answer)
                self._add(service_in(path), asked, said, after_s)
            except (BadJson, ValueError):
                self.left_out += 1

    def rules(self, *, timings: bool = False) -> list[Rule]:
        """The rules, those that want most of a request first; with `timings` they take as long as the live hub did."""
        with self._lock:
            rules = [
                Rule.of(_criteria(*self._requests[request]), turns(takes, timings=timings), "", 0)
                for request, takes in self._takes.items()
                if takes
            ]
        return sorted(rules, key=lambda rule: -len(rule.criteria))

    @property
    def services(self) -> list[ServiceSettings]:
        """The services: those of the last model list, and others that answered."""
        with self._lock:
            others = [ServiceSettings(name, DEFAULT_KEY) for name in self._answered if name not in self._listed]
            return [*self._listed.values(), *others]

    def write(self, path: str | PathLike[str], *, timings: bool = False) -> tuple[int, int]:
        """Writes a file of rules, JSON or TOML by its ending; tells how many rules and services it holds.

        Raises:
            FixtureError: the ending is neither, or TOML cannot hold what was recorded.
            OSError: the file cannot be written.
        """
        rules, services = self.rules(timings=timings), self.services
        write_rules(path, rules, services)
        return len(rules), len(services)

    # -- one exchange

    def _add(self, service: str, asked: Mapping[str, Any], said: Any, after_s: float) -> None:
        if asked.get(COMMAND) == GETMODELS:
            if not isinstance(said, list):
                raise ValueError("a mock hub lists its models whenever it is asked")
            self._listed = {row["name"]: _listed(row) for row in said if is_service_name(row["name"])}
            if len(self._listed) < len(said):
                raise ValueError("the list names what can be no service of a mock hub's")
            return
        if isinstance(said, list) or (COMMAND not in asked and not isinstance(asked.get(MESSAGE), str)):
            raise ValueError("no rule can want this request, or give this answer")
        if said["errorcode"] == 0:
            self._answered[service] = None
        key = asked.get("key")
        if COMMAND in asked or not key or not isinstance(key, str):
            self._takes_of(service, asked, is_stream=False).append(whole(said, after_s))
        else:
            self._poll(service, key, asked, said, after_s)

    def _poll(self, service: str, key: str, asked: Mapping[str, Any], said: Mapping[str, Any], after_s: float) -> None:
        stream = self._streams.get((service, key))
        if said["errorcode"] in _OUTSIDE or (stream is not None and stream.is_again(asked, said)):
            return
        begins = stream is None or stream.take.is_over
        if begins and said["errorcode"] not in {0, ErrorCode.NOT_READY}:
            # Before its first piece a failure frees the key, so it is a take of its own.
            self._takes_of(service, asked, is_stream=True).append(whole(said, after_s))
            return
        if stream is None or begins:
            stream = self._streams[service, key] = _Stream(asked[MESSAGE])
            self._takes_of(service, asked, is_stream=True).append(stream.take)
        stream.poll(said, after_s)

    def _takes_of(self, service: str, asked: Mapping[str, Any], *, is_stream: bool) -> list[Take]:
        """The takes of a request; two requests are the same that mean the same."""
        wanted = {
            name: meaning(name, value)
            for name, value in asked.items()
            if name not in _STREAM and (name in {MESSAGE, COMMAND} or not is_default(name, value))
        }
        request = json.dumps([service, wanted, is_stream], sort_keys=True)
        self._requests.setdefault(request, (service, wanted, is_stream))
        return self._takes.setdefault(request, [])


_OUTSIDE: Final = {ErrorCode.STREAM_CONFLICT, ErrorCode.STREAM_EXPIRED}
"""Errors about a poll that leave its stream as it was; a mock hub gives them by itself."""


class _Stream:
    """One stream while it is polled."""

    def __init__(self, message: str) -> None:
        self.take = Take()
        self._message = message
        self._seq: int | None = None

    def is_again(self, asked: Mapping[str, Any], said: Mapping[str, Any]) -> bool:
        """Whether an answer was taken already: the piece of the same number, or the end once more."""
        if self.take.is_over and self._message == asked[MESSAGE]:
            return said["errorcode"] != 0 or not said["reply"]
        return self._seq is not None and said.get("seq") == self._seq

    def poll(self, said: Mapping[str, Any], after_s: float) -> None:
        """Takes the answer to the next poll."""
        self.take.poll(said, after_s)
        if said["errorcode"] == 0 and isinstance(said.get("seq"), int):
            self._seq = said["seq"]


def service_in(path: str) -> str:
    """What a path names."""
    return path.removeprefix("/").removesuffix("/")


def _answer(body: bytes) -> Any:
    """A live hub's answer: a reply, or a model list.

    Raises:
        ValueError: it is neither.
    """
    said = json.loads(body.decode("utf-8"))
    if isinstance(said, list):
        if all(isinstance(row, dict) and isinstance(row.get("name"), str) for row in said):
            return said
        raise ValueError("a model list holds a row without a name")
    if not isinstance(said, dict):
        raise ValueError("the answer is no object")  # noqa: TRY004 - the data is wrong, not the program
    said.setdefault("errorcode", 0)
    if not isinstance(said.get("reply"), str) or type(said["errorcode"]) is not int:
        raise ValueError("the answer has no text, or a code that is no number")
    return said


def _listed(row: Mapping[str, Any]) -> ServiceSettings:
    texts = {name: row[name] for name in _LISTED if isinstance(row.get(name), str)}
    return ServiceSettings(row["name"], DEFAULT_KEY, offline=row.get("connected") is False, **texts)


def _criteria(service: str, wanted: Mapping[str, Any], is_stream: bool) -> Any:
    members = dict(wanted)
    message = None if COMMAND in members else members.pop(MESSAGE)
    stream = None if COMMAND in members else is_stream
    return criteria(message, service=service, stream=stream, fields=members)
