"""Reads the answers of a hub: leniently where the protocol allows more than one form, and never guessing.

`errorcode` alone decides, not the HTTP status (NE-CLI-011). Members that are not known are kept, not judged
(NE-CLI-012).
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, NoReturn

from neuroengine.errors import HUB_ERRORS, HubError, ProtocolError
from neuroengine.protocol.fields import has_lone_surrogate

if TYPE_CHECKING:
    from collections.abc import Mapping

_EXCERPT_BYTES: Final = 200
"""How much of a nonsensical answer an error shows."""


class Received(NamedTuple):
    """A whole HTTP answer: its status and its body."""

    status: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model answered.

    Attributes:
        text: the reply.
        members: the whole answer, also the members that the protocol does not know.
    """

    text: str
    members: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}), repr=False)

    def __str__(self) -> str:
        return self.text


def read_reply(received: Received) -> Reply:
    """The reply, or a stream's piece.

    Raises:
        HubError: the hub answered an error.
        ProtocolError: the answer is no object with a string `reply` and an integer `errorcode`.
    """
    value = _parsed(received)
    if not isinstance(value, dict):
        _refuse(received, "is no JSON object")
    return _reply(received, value)


def read_model_list(received: Received) -> list[dict[str, Any]]:
    """The entries of a model list, as the hub sent them.

    Raises:
        HubError: the hub answered an error.
        ProtocolError: the answer is no array of objects.
    """
    value = _parsed(received)
    if isinstance(value, dict) and not _is_zero(value.get("errorcode", 0)):
        _reply(received, value)
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        _refuse(received, "is no JSON array of objects")
    return value


def echoed_seq(reply: Reply) -> int | None:
    """The index of the piece that the hub echoed, if it did."""
    return _integer(reply.members.get("seq"))


def _reply(received: Received, members: dict[str, Any]) -> Reply:
    """Reads an answer that is an object."""
    text, code = members.get("reply"), _integer(members.get("errorcode"))
    if code is None:
        _refuse(received, "has no integer `errorcode`")
    if not isinstance(text, str):
        _refuse(received, "has no string `reply`")
    if has_lone_surrogate(text):
        _refuse(received, "has a lone surrogate in `reply`")
    if code != 0:
        raise _hub_error(text, code, members)
    return Reply(text, MappingProxyType(members))


def _hub_error(sentence: str, code: int, members: dict[str, Any]) -> HubError:
    """The error of the class that the registry gives to the code."""
    named = members.get("field")
    return HUB_ERRORS.get(code, HubError)(
        sentence,
        code=code,
        field=named if isinstance(named, str) else None,
        retry_after=_seconds(members.get("retry_after")),
        members=members,
    )


def _seconds(value: Any) -> float | None:
    """A time that can be waited for, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if 0 <= value < math.inf else None
    except OverflowError:
        return None


def _integer(value: Any) -> int | None:
    """JSON Schema's integer, 7 or 7.0, never true; or None."""
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _is_zero(value: Any) -> bool:
    return _integer(value) == 0


def _parsed(received: Received) -> Any:
    """The body as JSON. White space before it is a hub that kept the connection warm."""
    try:
        return json.loads(received.body.decode("utf-8"), parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        _refuse(received, f"is no JSON ({type(error).__name__})")


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _refuse(received: Received, fault: str) -> NoReturn:
    """Raises the error that says what came instead of an answer."""
    shown = repr(received.body[:_EXCERPT_BYTES].decode("utf-8", "replace").strip())
    length = f"{len(received.body)} bytes"
    hint = "; it is a redirection, so the address is not quite right" if 300 <= received.status < 400 else ""
    raise ProtocolError(
        f"the hub's answer {fault}: status {received.status}, {length}, beginning with {shown}{hint}",
        status=received.status,
    ) from None
