"""Which requests a rule is for: the service, the fields, whole reply or stream, and the number of the call or poll.

Laws:

- Fields are compared by their meaning. A field that the client left out has the default that the spec gives it; `raw`
  is a truth value and `gettokens` a number, however they are written; a `key` of null or `""` is none. Only `PRESENT`
  and `ABSENT` look at what was sent.
- Criteria speak of generate requests, unless they want a `command`.
- Criteria that want a poll's number are asked at every poll of a stream; all others when a generation begins.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, fields
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from mockserver.redaction import KEY_FIELD, redacted_key
from mockserver.rules.expected import NOTHING, Absent, Equals, Expected, OneOf, Present, Wish, expected, shown
from mockserver.state.allowed import defaults, generate_fields

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from mockserver.state.exchanges import Call

MESSAGE: Final = "message"
COMMAND: Final = "command"
_OF_PRESENCE: Final = (Present, Absent)
GETMODELS: Final = "getmodels"
"""The one command that hubs know."""

_LEAST_LIKENESS: Final = 0.75


class Mismatch(NamedTuple):
    """One criterion that a request does not meet."""

    field: str
    expected: Expected
    actual: Any
    """The value; `NOTHING` where there is none."""
    is_default: bool = False
    """The client did not send it: it is the spec's default."""

    def __str__(self) -> str:
        """The mismatch in words; a stream key is redacted."""
        got = shown(redacted_key(self.actual) if self.field == KEY_FIELD else self.actual)
        remark = " (the default: it was not sent)" if self.is_default else _meant_field(self.field, self.actual)
        return f"{self.field}: wanted {_wish(self.field, self.expected)}, got {got}{remark}"

    def __repr__(self) -> str:
        return f"<Mismatch {self}>"


@dataclass(frozen=True, slots=True, repr=False)
class Criteria:
    """All that a rule wants of a request; None does not bind.

    `call` counts the requests that meet all other criteria, from 1.
    """

    service: Expected | None = None
    fields: tuple[tuple[str, Expected], ...] = ()
    stream: bool | None = None
    call: Expected | None = None
    poll: Expected | None = None
    where: Callable[[Mapping[str, Any]], bool] | None = None

    is_for_commands: bool = field(init=False)
    """Whether they want a command."""
    exact_message: str | None = field(init=False)
    """The one prompt that they want; None where they want no single one."""

    def __post_init__(self) -> None:
        """Works out what is asked again and again."""
        wishes = dict(self.fields)
        message = wishes.get(MESSAGE)
        exact = message.value if isinstance(message, Equals) and isinstance(message.value, str) else None
        object.__setattr__(self, "is_for_commands", COMMAND in wishes)
        object.__setattr__(self, "exact_message", exact)

    def concern(self, call: Call) -> bool:
        """Whether they speak of such a request at all."""
        if self.is_for_commands:
            return COMMAND in call.request
        if COMMAND in call.request:
            return False
        return call.poll > 0 if self.poll is not None else call.begins

    def may_want_command(self, command: str) -> bool:
        """Whether they are for commands, and this one is what they want."""
        wanted = dict(self.fields).get(COMMAND)
        return wanted is not None and wanted.holds(command)

    def meet(self, call: Call) -> bool:
        """Whether a request meets them all, but for the number of the call."""
        return (
            (self.service is None or self.service.holds(call.service))
            and (self.stream is None or self.stream is (call.poll > 0))
            and (self.poll is None or self.poll.holds(call.poll))
            and self.concern(call)
            and self._suit(call.request)
            and (self.where is None or self.where(call.request))
        )

    def _suit(self, request: Mapping[str, Any]) -> bool:
        """Whether the fields of a request are as wanted."""
        for name, wish in self.fields:  # noqa: SIM110 - `all` takes longer than what it goes through
            if not wish.holds(field_value(request, name, wish)):
                return False
        return True

    def mismatches(self, call: Call) -> Iterator[Mismatch]:
        """What a request does not meet, but for the number of the call."""
        for name, wish in self.fields:
            value = field_value(call.request, name, wish)
            if not wish.holds(value):
                yield Mismatch(name, wish, value, is_default=value is not NOTHING and name not in call.request)
        if self.service is not None and not self.service.holds(call.service):
            yield Mismatch("service", self.service, call.service)
        if self.stream is not None and self.stream is not (call.poll > 0):
            yield Mismatch("stream", Equals(self.stream), call.poll > 0)
        if self.poll is not None and not self.poll.holds(call.poll):
            yield Mismatch("poll", self.poll, call.poll)
        if self.where is not None and not self.where(call.request):
            yield Mismatch("where", expected(self.where), "a request that it refuses")

    def __len__(self) -> int:
        """How many there are."""
        single = (self.service, self.stream, self.call, self.poll, self.where)
        return len(self.fields) + sum(one is not None for one in single)

    def __repr__(self) -> str:
        return f"<Criteria {self}>"

    def __str__(self) -> str:
        """All of them in words; a stream key is redacted."""
        wishes = [(name, _wish(name, wish)) for name, wish in self.fields]
        wishes += [
            (name, wish.wish)
            for name, wish in (("service", self.service), ("call", self.call), ("poll", self.poll))
            if wish is not None
        ]
        if self.stream is not None:
            wishes.append(("stream", shown(self.stream)))
        if self.where is not None:
            wishes.append(("where", expected(self.where).wish))
        return ", ".join(f"{name} = {wish}" for name, wish in wishes) or "every request"


def criteria(
    message: Wish = None,
    *,
    service: Wish = None,
    stream: bool | None = None,
    call: Wish = None,
    poll: Wish = None,
    where: Callable[[Mapping[str, Any]], bool] | None = None,
    fields: Mapping[str, Wish] | None = None,
    **more: Wish,
) -> Criteria:
    """Criteria as callers write them; see `Rule` for the arguments."""
    wishes = dict(fields or {}) | more
    if message is not None:
        if MESSAGE in wishes:
            raise ValueError("`message` is wanted twice: as itself and among `fields`")
        wishes = {MESSAGE: message} | wishes
    return Criteria(
        service=None if service is None else expected(service),
        fields=tuple((name, _meant(name, wish)) for name, wish in wishes.items()),
        stream=stream,
        call=None if call is None else expected(call),
        poll=None if poll is None else expected(poll),
        where=where,
    )


def _meant_field(name: str, value: Any) -> str:
    """What may have been meant by a field that was not sent and that the protocol does not know."""
    from difflib import get_close_matches  # here, because only a sentence for a person needs it

    known = (*generate_fields(), COMMAND, *(one.name for one in fields(Criteria) if one.init))
    if value is not NOTHING or name in known:
        return ""
    near = get_close_matches(name, known, n=1, cutoff=_LEAST_LIKENESS)
    return f" (was {near[0]} meant?)" if near else ""


def _wish(name: str, wish: Expected) -> str:
    if name == KEY_FIELD and isinstance(wish, Equals):
        return shown(redacted_key(wish.value))
    if name == KEY_FIELD and isinstance(wish, OneOf):
        return OneOf(*map(redacted_key, wish.values)).wish
    return wish.wish


def field_value(request: Mapping[str, Any], name: str, wish: Expected | None = None) -> Any:
    """What a field of a request means; for a wish about its presence, what was sent."""
    value = request.get(name, NOTHING)
    if isinstance(wish, _OF_PRESENCE):
        return value
    if value is NOTHING and COMMAND not in request:
        value = _defaults().get(name, NOTHING)
    return _meaning(name, value)


def is_default(name: str, value: Any) -> bool:
    """Whether a field of a generate request means its default."""
    default = _defaults().get(name, NOTHING)
    return default is not NOTHING and Equals(_meaning(name, default)).holds(_meaning(name, value))


def meaning(name: str, value: Any) -> Any:
    """What a field's value means, in one form: 40.0 is 40."""
    value = _meaning(name, value)
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _meant(name: str, wish: Wish) -> Expected:
    wanted = expected(wish)
    if isinstance(wanted, Equals):
        return Equals(_meaning(name, wanted.value))
    if isinstance(wanted, OneOf):
        return OneOf(*(_meaning(name, value) for value in wanted.values))
    return wanted


def _meaning(name: str, value: Any) -> Any:
    if name == "raw" and isinstance(value, str) and value.lower() in {"true", "false"}:
        return value.lower() == "true"
    if name == "gettokens" and isinstance(value, str) and value.isdecimal():
        with suppress(ValueError):  # Python reads no number of thousands of digits, nor is it one for the spec
            return int(value)
    if name == "key" and value is None:
        return ""
    return value


@cache
def _defaults() -> Mapping[str, Any]:
    """The default of each field of a generate request that has one; no stream key is the empty one."""
    return MappingProxyType(defaults() | {"key": ""})
