"""One request, and what came back. Nothing here judges: it reads."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

JSON_TYPE: Final = "application/json"
NO_JSON: Final = object()
"""The content of an answer that is no JSON text in UTF-8."""
EXCERPT: Final = 300
"""The most characters of a text that a report shows."""
VALUE_SHOWN: Final = 40
"""The most characters of a member that is of the wrong type."""
CUT: Final = " … ("
CUT_ENDS: Final = " left out) … "
"""What stands in the place of the rest, with its size between them."""


@dataclass(frozen=True)
class Request:
    """A POST.

    `content_type` None sends no such header, nor does an empty `access_key`; `keys` are the stream keys that the suite
    made for it.
    """

    path: str
    body: bytes
    content_type: str | None = JSON_TYPE
    keys: tuple[str, ...] = ()
    access_key: str = field(default="", repr=False)


@dataclass(frozen=True)
class Exchange:
    """A request and its answer, or the trouble that came instead.

    `trouble` is "" for a complete answer, `deadline` when none was complete in time, `dropped` when the connection
    ended before, `unreachable` when there was none; `detail` is the trouble in words. `arrivals` are the moments at
    which bytes of the answer's body came, in seconds since the request was sent; `seconds` is the time that it took.
    """

    request: Request
    status: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    arrivals: tuple[float, ...] = ()
    seconds: float = 0.0
    trouble: str = ""
    detail: str = ""

    @cached_property
    def content(self) -> Any:
        """The answer's body read as strict JSON in UTF-8, or `NO_JSON`."""
        if self.trouble:
            return NO_JSON
        try:
            return json.loads(self.body.decode("utf-8"), parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            return NO_JSON

    @property
    def reply(self) -> Any:
        """The member `reply`, whatever it holds; None without one."""
        return self.content.get("reply") if isinstance(self.content, dict) else None

    @property
    def code(self) -> Any:
        """The member `errorcode`, whatever it holds; None without one."""
        return self.content.get("errorcode") if isinstance(self.content, dict) else None

    @property
    def is_answer(self) -> bool:
        """Whether it is an object with a string `reply` and an integer `errorcode`."""
        return isinstance(self.reply, str) and is_integer(self.code)

    @property
    def is_success(self) -> bool:
        """Whether the request succeeded: status 200, a well-formed answer, code 0."""
        return self.status == 200 and self.is_answer and self.code == 0

    @property
    def is_error(self) -> bool:
        """Whether the hub said in a well-formed answer that the request failed."""
        return self.is_answer and self.code != 0

    @property
    def retry_after(self) -> float:
        """The seconds after which the hub wants to be asked again, by its answer or by HTTP's own header; 0 without."""
        told = self.content.get("retry_after") if isinstance(self.content, dict) and self.is_error else None
        if isinstance(told, int | float) and not isinstance(told, bool):
            return max(float(told), 0.0)
        header = self.header("retry-after") or ""
        return float(header) if header.isdecimal() else 0.0

    def header(self, name: str) -> str | None:
        """A header of the answer; None without one."""
        return next((value for found, value in self.headers if found.lower() == name), None)

    def describe(self) -> str:
        """What came back, in a few words; what is wrong with its form comes first."""
        if self.trouble:
            return self.detail
        if self.is_answer:
            reply = json.dumps(self.reply, ensure_ascii=False).encode("utf-8", "backslashreplace").decode()
            return f"errorcode {self.code}, reply {excerpt(reply)}"
        if HTTPStatus.MULTIPLE_CHOICES <= self.status < HTTPStatus.BAD_REQUEST:
            location = self.header("location")
            return f"status {self.status}, a redirect {f'to {location!r}' if location else 'without Location'}"
        body = excerpt(self.body.decode("utf-8", "backslashreplace"))
        shown = repr(body) if body else "an empty body"
        if self.content is NO_JSON:
            return f"status {self.status}, no JSON: {shown}"
        return f"{'; '.join(self._faults())}: status {self.status}, {shown}"

    def _faults(self) -> Iterator[str]:
        """What keeps the JSON from being an answer."""
        if not isinstance(self.content, dict):
            yield f"the answer is {_named(self.content)}, not an object"
            return
        for name, wanted, holds in (
            ("reply", "a string", isinstance(self.reply, str)),
            ("errorcode", "an integer", is_integer(self.code)),
        ):
            if not holds:
                is_there = name in self.content
                yield f"{name} is {_named(self.content[name])}, not {wanted}" if is_there else f"{name} is missing"


def is_integer(value: Any) -> bool:
    """Whether a JSON value is an integer in JSON Schema's meaning: 0.0 is one, true is none."""
    return (isinstance(value, int) and not isinstance(value, bool)) or (isinstance(value, float) and value.is_integer())


def _named(value: Any) -> str:
    """A JSON value for a person: what it is, and its text where that is short."""
    match value:
        case dict():
            return "an object"
        case list():
            return "an array"
        case str():
            return f"the string {json.dumps(value[:VALUE_SHOWN])}"
        case None | bool():
            return json.dumps(value)
        case _:
            return f"the number {json.dumps(value)[:VALUE_SHOWN]}"


def are_equal(left: Any, right: Any) -> bool:
    """Whether two JSON values are the same: numbers by their value, and true is no 1."""
    match left, right:
        case dict(), dict():
            return left.keys() == right.keys() and all(are_equal(value, right[name]) for name, value in left.items())
        case list(), list():
            return len(left) == len(right) and all(map(are_equal, left, right))
        case _:
            return isinstance(left, bool) == isinstance(right, bool) and bool(left == right)


def excerpt(text: str) -> str:
    """At most `EXCERPT` characters of a text, from both of its ends; half a character is written as its escape."""
    text = writable(text)
    if len(text) <= EXCERPT:
        return text
    half = EXCERPT // 2
    return f"{text[:half]}{CUT}{len(text) - EXCERPT} characters{CUT_ENDS}{text[-half:]}"


def writable(text: str) -> str:
    """The text with each lone surrogate as its escape: a file can hold none."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")
