"""What can be asked of the admin API, read from the spec; which route a request takes, and what it says to it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import parse_qsl, unquote

from mockserver.admin.refusal import Refusal, missing, wrong
from mockserver.config.secrets import without_secret
from mockserver.rules.fixtures import place_in
from mockserver.rules.schema import violation
from mockserver.state.json_text import BadJson, read_object
from neuroengine import spec

if TYPE_CHECKING:
    from collections.abc import Mapping

ROUTES_PATH: Final = "mock/admin.toml"
SCHEMA_PATH: Final = "mock/admin.schema.json"
DOCUMENT_PATH: Final = "mock/admin.openapi.json"

_LONGEST_INTEGER: Final = 18
"""The most digits of a number in a path or a query."""


class Asked(NamedTuple):
    """What a request says: the members of its body, and the parameters of its path and query by their names."""

    body: Mapping[str, Any]
    parameters: Mapping[str, Any]


@dataclass(frozen=True)
class Route:
    """One thing that can be asked. `body` and `answer` are definitions of the schema; `body` is empty for none."""

    name: str
    method: str
    path: str
    summary: str
    answer: str
    description: str = ""
    body: str = ""
    status: int = HTTPStatus.OK
    parameters: tuple[Mapping[str, Any], ...] = ()

    def named_in(self, path: str) -> dict[str, str] | None:
        """The parameters that a path holds, still as text; None where the path is not this route's."""
        wanted, given = _parts(self.path), [unquote(part) for part in _parts(path)]
        if len(wanted) != len(given):
            return None
        pairs = list(zip(wanted, given, strict=True))
        if any(not want.startswith("{") and want != part for want, part in pairs):
            return None
        return {want.strip("{}"): part for want, part in pairs if want.startswith("{")}

    def asked(self, path: str, query: str, body: bytes) -> Asked:
        """What a request to this route says.

        Raises:
            Refusal: the body, or a parameter, is not what the spec has it.
        """
        return Asked(self._members(body), {**self._in_path(path), **self._in_query(query)})

    def _members(self, body: bytes) -> dict[str, Any]:
        if not body.strip() and not self.body:
            return {}
        try:
            members = read_object(body)
        except BadJson as error:
            raise wrong(f"the body must be one JSON object: {error}") from None
        if not self.body:
            if members:
                raise wrong(f"the body must be left out, or empty; it holds {min(members)!r}")
            return {}
        found = violation(members, SCHEMA_PATH, self.body)
        if found is not None:
            place = place_in(found.path, members) if found.path else "the body"
            raise wrong(f"{place} {without_secret(*found)}")
        return members

    def _in_path(self, path: str) -> dict[str, Any]:
        texts = self.named_in(path) or {}
        kinds = {one["name"]: one["type"] for one in self.parameters}
        try:
            return {name: _value(name, text, kinds[name]) for name, text in texts.items()}
        except ValueError as error:
            raise missing(str(error)) from None

    def _in_query(self, query: str) -> dict[str, Any]:
        kinds = {one["name"]: one["type"] for one in self.parameters if one["in"] == "query"}
        values: dict[str, Any] = {}
        for name, text in parse_qsl(query, keep_blank_values=True):
            if name not in kinds:
                raise wrong(f"the query's {name!r} is not known here; known are {', '.join(kinds) or 'none'}")
            if name in values:
                raise wrong(f"the query's {name!r} must be given once; it was given twice")
            try:
                values[name] = _value(name, text, kinds[name])
            except ValueError as error:
                raise wrong(str(error)) from None
        return values


@cache
def routes() -> tuple[Route, ...]:
    """All of them, in the spec's order."""
    rows = spec.read_toml(ROUTES_PATH)["route"]
    return tuple(Route(**{**row, "parameters": tuple(row.get("parameters", ()))}) for row in rows)


def route_of(method: str, path: str) -> Route:
    """The route that a request takes; one without parameters in its path comes first.

    Raises:
        Refusal: nothing is at the path, or not for the method.
    """
    there = [(named, route) for route in routes() if (named := route.named_in(path)) is not None]
    if not there:
        known = ", ".join(dict.fromkeys(route.path for route in routes()))
        raise missing(f"there is nothing at {unquote(path)!r}; there are {known}")
    least = min(len(named) for named, _ in there)
    here = {route.method: route for named, route in there if len(named) == least}
    if method not in here:
        allowed = ", ".join(here)
        why = f"the method must be {allowed.replace(', ', ' or ')} at {unquote(path)!r}; it was {method}"
        raise Refusal(HTTPStatus.METHOD_NOT_ALLOWED, why, allowed=here)
    return here[method]


def _parts(path: str) -> list[str]:
    return path.strip("/").split("/")


def _value(name: str, text: str, kind: str) -> Any:
    if kind != "integer":
        return text
    if not (text.isascii() and text.isdecimal() and len(text) <= _LONGEST_INTEGER):
        raise ValueError(f"{name!r} must be a whole number, 0 or more; it was {text!r}")
    return int(text)
