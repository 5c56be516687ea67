"""The spec's vectors as exchanges to read: which one shows a requirement best, and its lines.

Law: nothing is made up. What a vector leaves open stands there as three dots, in words, or as the schema's example.
"""

from __future__ import annotations

import json
import re
import shlex
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from neuroengine import spec
from neuroengine.cli.conformance.hub_vectors import scene

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Json = Mapping[str, Any]

LONG_CHARS: Final = 400
"""A vector of more text is shown only where there is no shorter one; a line of more is cut."""
MOST_STEPS: Final = 5
"""So many requests that do not speak of each other are shown."""
STATES: Final = {
    "connected": "The provider has connected, and not logged in yet.",
    "logging_in": "The provider has sent its login.",
    "ready": "The provider is logged in, and nothing is asked of it.",
    "answering": "The provider is logged in, and one client waits for its answer.",
    "discarding": "The provider holds a request that the hub has given up.",
}
"""What has happened on a link before the first byte of a sequence."""
LINK: Final = {"stays": "the link stays", "closes": "the link closes", "either": "the link stays or closes"}
JSON_HEADERS: Final = {"Content-Type": "application/json"}


class Example(NamedTuple):
    """A vector, its file, and the requirement that it was written for."""

    file: str
    vector: Json
    shows: str


@cache
def examples() -> tuple[Example, ...]:
    """Every vector, once for each requirement that it names."""
    files = {path: spec.read_json(path)["vectors"] for path in spec.paths("vectors")}
    return tuple(
        Example(path, vector, name)
        for path, found in files.items()
        for vector in found
        for name in vector["requirements"]
    )


def best_example(requirement_id: str) -> Example | None:
    """The vector that shows a requirement best, if one names it."""
    return min((each for each in examples() if each.shows == requirement_id), key=_distance, default=None)


def _distance(example: Example) -> tuple[int, bool]:
    """How far a vector is from showing its requirement alone and shortly."""
    is_long = len("".join(lines_of(example.vector))) > LONG_CHARS
    return len(example.vector["requirements"]), is_long


def lines_of(vector: Json) -> Iterator[str]:
    """A vector in lines: requests and answers, what goes over the provider's link, or both with everybody in sight."""
    if "chunks" in vector:
        yield from _sequence(vector)
    elif "from" in vector["steps"][0]:
        yield from scene(vector)
    else:
        yield from _exchanges(vector)


# -- HTTP


def _exchanges(vector: Json) -> Iterator[str]:
    steps = vector["steps"]
    most = len(steps) if "same_as" in json.dumps(steps) else MOST_STEPS
    for number, step in enumerate(steps[:most], 1):
        if len(steps) > 1:
            yield f"request {number}"
        yield from _request(step["request"])
        yield f"-> {_answer(step.get('expect') or step['assume'])}"
        if "until_end" in step:
            yield f"   {_until_end(step['until_end'])}"
        if "joined" in step:
            joined = ", ".join(str(each + 1) for each in step["joined"]["steps"])
            yield f"   the replies of {joined}, put together, are the reply of {step['joined']['same_as'] + 1}"
    if len(steps) > most:
        yield f"and {len(steps) - most} more like them"


def _request(request: Json) -> Iterator[str]:
    path = _filled(request.get("path", "/{service}/"))
    headers = request.get("headers", JSON_HEADERS)
    body = _body(request)
    yield f'curl "$NE_URL{path}" \\'
    if headers == JSON_HEADERS:
        yield f"     --json {body}"
        return
    given = headers if "Content-Type" in headers else {"Content-Type": "", **headers}
    shown = " ".join("-H " + shlex.quote(f"{name}: {value}".rstrip()) for name, value in given.items())
    yield f"     {shown} \\"
    yield f"     --data-binary {body}"


def _body(request: Json) -> str:
    """A body as a word of a shell."""
    if "json" in request:
        return shlex.quote(_filled(json.dumps(request["json"])))
    parts = request.get("parts", [request])
    text = _filled(_joined(parts))
    if text.isprintable() and all("text" in part for part in parts):
        return shlex.quote(text)
    return f"$'{_filled(''.join(map(_quoted, parts)))}'"


def _quoted(part: Json) -> str:
    """A part for between the quotes of a shell that knows escapes."""
    text = part["text"].replace("\\", r"\\").replace("'", r"\'") if "text" in part else _part(part)
    return _repeated(_escaped(text), part)


def _filled(text: str) -> str:
    """A text with its placeholders named as a person names them."""
    text = re.sub(r'"\{seq(?:(\+\d+))?\}"', lambda found: f"n{found[1] or ''}", text)
    text = re.sub(r"\{key:(\d+)\}", r"<a key of \1 characters>", text)
    for placeholder, word in (("service:swapped", "name"), ("service", "NAME"), ("key2", "KEY2"), ("key", "KEY")):
        text = text.replace(f"{{{placeholder}}}", word)
    return text


def _answer(check: Json) -> str:
    """What is wanted of an answer."""
    if check.get("schema") == "ModelList":
        (entry,) = spec.schema("client")["$defs"]["ModelList"]["examples"][0]
        shown = f"[{json.dumps(entry | {'name': 'NAME'} | check.get('service_entry', {}))}, ...]"
    else:
        reply = check.get("reply", {})
        text = '""' if reply.get("empty") else json.dumps(reply["equals"]) if "equals" in reply else '"..."'
        code = {"any": "...", "any-error": "(not 0)"}.get(check.get("code", 0), check.get("code", 0))
        more = ({"field": check["field"]} if "field" in check else {}) | check.get("members", {})
        members = "".join(f", {json.dumps(name)}: {_filled(json.dumps(value))}" for name, value in more.items())
        shown = f'{{"reply": {text}, "errorcode": {code}{members}}}'
    told = "; ".join(_told(check))
    return f"{shown}  ({told})" if told else shown


def _told(check: Json) -> Iterator[str]:
    """What is wanted of an answer and does not stand in its members."""
    reply = check.get("reply", {})
    if "status" in check:
        yield f"status {check['status']}"
    if "content_length" in check:
        yield "with a Content-Length, unless it begins with white space"
    if "absent" in check:
        yield f"without {', '.join(check['absent'])}"
    if "service_names" in check:
        yield "every name in the right form, and none twice"
    if reply.get("empty") is False:
        yield "the reply has text"
    for name, least in (("min_words", "at least"), ("max_words", "at most")):
        if name in reply:
            yield f"{least} {reply[name]} word{'s' if reply[name] > 1 else ''}"
    if "same_as" in reply:
        yield f"the same reply as for request {reply['same_as'] + 1}"


def _until_end(rule: Json) -> str:
    """How a stream is read to its end."""
    end = _answer({"reply": {"empty": True}} | rule.get("end", {}))
    twice = ", each poll sent twice and answered alike" if "twice" in rule else ""
    pieces = f", in {rule['pieces']['at_least']} pieces or more" if "pieces" in rule else ""
    return f"and so on{twice}{pieces}, up to the end: {end}"


# -- the provider's link


def _sequence(vector: Json) -> Iterator[str]:
    sender, _, receiver = vector["direction"].partition("-to-")
    yield STATES[vector["state"]]
    for chunk in vector["chunks"]:
        parts = chunk.get("parts", [chunk])
        size = sum(_size(part) for part in parts)
        yield f"{sender} -> {receiver}, {size:,} bytes: {_short(_escaped(_joined(parts)))}"
    if vector.get("then") == "close":
        yield f"{sender} closes"
    yield from _events(vector["expect"]) if "events" in vector["expect"] else _outcome(vector["expect"])


def _events(expect: Json) -> Iterator[str]:
    for event in expect["events"]:
        content = event.get("members") or ({"message": _joined(event["message"])} if "message" in event else None)
        shown = f": {_short(json.dumps(content))}" if content is not None else ""
        yield f"=> the provider sees: {event['event'].replace('_', ' ')}{shown}"


def _outcome(expect: Json) -> Iterator[str]:
    """What a hub makes of a provider's bytes."""
    if "login" in expect:
        yield "hub -> provider: OK" if expect["login"] == "accepted" else "hub -> provider: anything but OK, or a close"
    if "answer" in expect:
        answer = expect["answer"] | ({"reply": _joined(expect["reply"])} if "reply" in expect else {})
        yield f"hub -> client: {_short(json.dumps(answer))}"
    if "error" in expect:
        code = next(row["code"] for row in spec.errors() if row["name"] == expect["error"])
        yield f"hub -> client: an error ({expect['error']}, code {code}; in core any code but 0)"
    yield f"=> {LINK[expect['link']]}"


# -- bytes


def _joined(parts: list[Any]) -> str:
    """Parts as one text: what is repeated stands there once, what is no UTF-8 as escapes."""
    return "".join(_part(part) for part in parts)


def _part(part: Json) -> str:
    text = part["text"] if "text" in part else bytes.fromhex(part["hex"]).decode("utf-8", "backslashreplace")
    return _repeated(text, part)


def _repeated(text: str, part: Json) -> str:
    return f"<{part['repeat']:,} times {text}>" if "repeat" in part else text


def _size(part: Json) -> int:
    data = part["text"].encode() if "text" in part else bytes.fromhex(part["hex"])
    return len(data) * int(part.get("repeat", 1))


def _escaped(text: str) -> str:
    """A text on one line."""
    return "".join(character if character.isprintable() else _escape(character) for character in text)


def _escape(character: str) -> str:
    """An escape that a shell reads too: two hex digits are a byte there, so they are for ASCII alone."""
    return repr(character)[1:-1] if character.isascii() else f"\\u{ord(character):04x}"


def _short(text: str) -> str:
    return text if len(text) <= LONG_CHARS else f"{text[:LONG_CHARS]} ..."
