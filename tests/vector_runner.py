"""Runs the HTTP vectors of spec/vectors/http_*.json against a hub, as their schema describes them."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator

from neuroengine import spec

if TYPE_CHECKING:
    import http.client

Json = dict[str, Any]

SERVICE = "Neuroengine-Large"
"""The judged service's name."""

FILES: dict[str, Json] = {path: spec.read_json(path) for path in spec.paths("vectors") if "/http_" in path}
VECTORS: dict[str, Json] = {vector["name"]: vector for data in FILES.values() for vector in data["vectors"]}
PLACEHOLDER = re.compile(r"\{(service(?::swapped)?|key2?|key:\d+)\}")


@cache
def schema_of(definition: str) -> Draft202012Validator:
    """A validator of one definition of the client schema."""
    return Draft202012Validator({**spec.schema("client"), "$ref": f"#/$defs/{definition}"})


@dataclass(frozen=True)
class Received:
    """One answer: status, headers with lower-case names, body, and what `{seq}` stood for in its request."""

    status: int
    headers: dict[str, str]
    body: bytes
    seq: int

    @property
    def content(self) -> Any:
        return json.loads(self.body)

    @property
    def reply(self) -> str:
        return str(self.content.get("reply")) if isinstance(self.content, dict) else ""

    @property
    def is_end(self) -> bool:
        return isinstance(self.content, dict) and self.content.get("errorcode") == 0 and self.content.get("reply") == ""


Post = Callable[[str, dict[str, str], bytes], tuple[int, dict[str, str], bytes]]
"""Posts a body to a path with these headers and no others that matter: status, headers with lower-case names, body."""


def over(connection: http.client.HTTPConnection) -> Post:
    """Posts on a connection."""

    def post(path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        connection.putrequest("POST", path, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        response = connection.getresponse()
        return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()

    return post


@dataclass
class Run:
    """One vector against one hub: `problems` is what does not hold, `unjudged` an assumption that does not."""

    post: Post
    values: dict[str, str] = field(default_factory=dict)
    seq: int = 0
    answers: list[list[Received]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    unjudged: str = ""

    def run(self, vector: Json) -> None:
        for number, step in enumerate(vector["steps"]):
            answers = self.poll_to_end(step) if "until_end" in step else [self.send(step["request"])]
            self.answers.append(answers)
            pieces = answers[:-1] if "until_end" in step else answers
            for answer in pieces:
                if broken := self.breaches(step.get("assume"), answer):
                    self.unjudged = f"step {number}: {broken}"
                    return
                self.note(number, self.breaches(step.get("expect"), answer))
            if "until_end" in step:
                self.note(number, self.breaches_of_stream(step["until_end"], pieces, answers[-1]))
            if "joined" in step:
                text = "".join(answer.reply for index in step["joined"]["steps"] for answer in self.answers[index])
                if text != self.answers[step["joined"]["same_as"]][0].reply:
                    self.problems.append(f"step {number}: the pieces give {text!r}")

    def note(self, number: int, found: list[str]) -> None:
        self.problems += [f"step {number}: {problem}" for problem in found]

    def poll_to_end(self, step: Json) -> list[Received]:
        answers: list[Received] = []
        for self.seq in range(step["until_end"]["at_most"]):
            answers.append(self.send(step["request"]))
            if "twice" in step["until_end"]:
                again = self.send(step["request"])
                if again.body != answers[-1].body:
                    self.problems.append(f"poll {self.seq} is not repeated: {again.body!r}")
            if answers[-1].is_end or answers[-1].content["errorcode"]:
                break
        return answers

    def breaches_of_stream(self, rule: Json, pieces: list[Received], last: Received) -> list[str]:
        if not last.is_end:
            return [f"no end after {len(pieces) + 1} polls: {last.body!r}"]
        words = len("".join(piece.reply for piece in pieces).split())
        least = rule.get("pieces", {"at_least": 0, "when_words": 1})
        if words >= least["when_words"] and len(pieces) < least["at_least"]:
            return [f"{len(pieces)} pieces for {words} words"]
        return self.breaches(rule.get("end"), last)

    def send(self, request: Json) -> Received:
        path = self.filled(request.get("path", "/{service}/"))
        headers = request.get("headers", {"Content-Type": "application/json"})
        return Received(*self.post(path, headers, self.body(request)), self.seq)

    def body(self, request: Json) -> bytes:
        if "json" in request:
            return json.dumps(self.filled(request["json"], self.seq)).encode()
        parts = request.get("parts", [request])
        texts = [self.filled(part["text"]).encode() if "text" in part else bytes.fromhex(part["hex"]) for part in parts]
        return b"".join(text * part.get("repeat", 1) for text, part in zip(texts, parts, strict=True))

    def filled(self, value: Any, seq: int = 0) -> Any:
        """The value with its placeholders replaced; `seq` is what `{seq}` stands for."""
        if isinstance(value, dict):
            return {name: self.filled(member, seq) for name, member in value.items()}
        if isinstance(value, list):
            return [self.filled(item, seq) for item in value]
        if not isinstance(value, str):
            return value
        if number := re.fullmatch(r"\{seq(?:\+(\d+))?\}", value):
            return seq + int(number[1] or 0)
        return PLACEHOLDER.sub(lambda found: self.placeholder(found[1]), value)

    def placeholder(self, name: str) -> str:
        if name.startswith("service"):
            return SERVICE.swapcase() if name.endswith(":swapped") else SERVICE
        if name not in self.values:
            length = int(name.partition(":")[2] or 43)
            self.values[name] = secrets.token_urlsafe(length)[:length]
        return self.values[name]

    def breaches(self, check: Json | None, answer: Received) -> list[str]:
        """What of a check, if there is one, does not hold for an answer."""
        if check is None:
            return []
        try:
            content = answer.content
        except ValueError as error:
            return [f"the answer is not JSON in UTF-8: {error}"]
        found = [error.message for error in schema_of(check.get("schema", "Answer")).iter_errors(content)]
        if found:
            return found
        return [
            f"{part} {wanted!r} does not hold for {answer.body[:300]!r}"
            for part, wanted in check.items()
            if not self.holds(part, wanted, answer, content)
        ]

    def holds(self, part: str, wanted: Any, answer: Received, content: Any) -> bool:
        """Whether one part of a check holds for an answer that is valid against its schema."""
        match part:
            case "reply":
                holds = self.reply_holds(wanted, content["reply"])
            case "members":
                holds = holds_members(content, self.filled(wanted, answer.seq))
            case _:
                holds = PARTS[part](wanted, answer, content)
        return holds

    def reply_holds(self, check: Json, reply: str) -> bool:
        words = len(reply.split())
        return (
            check.get("equals", reply) == reply
            and check.get("empty", reply == "") == (reply == "")
            and check.get("min_words", 0) <= words <= check.get("max_words", words)
            and ("same_as" not in check or self.answers[check["same_as"]][0].reply == reply)
        )


def holds_members(content: Json, wanted: Json) -> bool:
    """Whether the members have these values; true is not 1."""
    return all(name in content and json.dumps(content[name]) == json.dumps(value) for name, value in wanted.items())


def code_holds(wanted: int | str, _: Received, content: Json) -> bool:
    code = content["errorcode"]
    return wanted == "any" or bool(code != 0 if wanted == "any-error" else code == wanted)


def length_is_told(_: bool, answer: Received, __: Any) -> bool:
    return answer.body[:1].isspace() or answer.headers.get("content-length") == str(len(answer.body))


def names_hold(_: bool, __: Received, content: list[Json]) -> bool:
    names = [entry["name"] for entry in content]
    return len(names) == len(set(names)) and all(map(schema_of("ServiceName").is_valid, names))


def entry_holds(wanted: Json, _: Received, content: list[Json]) -> bool:
    return [holds_members(entry, wanted) for entry in content if entry["name"] == SERVICE] == [True]


PARTS: dict[str, Callable[[Any, Received, Any], bool]] = {
    "schema": lambda *_: True,  # judged before all else
    "status": lambda wanted, answer, _: bool(answer.status == wanted),
    "content_length": length_is_told,
    "code": code_holds,
    "field": lambda wanted, _, content: bool(content.get("field") == wanted),
    "absent": lambda wanted, _, content: not set(wanted) & set(content),
    "service_entry": entry_holds,
    "service_names": names_hold,
}
"""Whether a part of a check holds for an answer and its content, for the parts that need no more than these."""


def run(post: Post, vector: Json) -> Run:
    result = Run(post)
    result.run(vector)
    return result
