"""Rules as plain data, the form of `spec/mock/rules.schema.json`, and back.

Data holds no functions: a predicate, a `where` or a model of the caller's own cannot be written.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any, Final

from mockserver.rules.criteria import MESSAGE, Criteria, criteria
from mockserver.rules.expected import (
    ABSENT,
    PRESENT,
    Absent,
    Between,
    Contains,
    Equals,
    Expected,
    Matches,
    OneOf,
    Present,
)
from mockserver.rules.own_answers import Fail, Models
from mockserver.rules.replies import Item, Model, Pause, Pieces, ProviderAnswer, Reply, Text
from mockserver.rules.rule import Rule, Turn
from mockserver.state.plan import Fault, Pace, Plan

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_FLAGS: Final = {"a": re.ASCII, "i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL, "x": re.VERBOSE}
_WISHES: Final = ("message", "service", "call", "poll")
"""Criteria of their own whose value is a wish."""


class NotData(ValueError):
    """Raised when a part of a rule is a function, or anything else that data cannot hold."""


# -- from data


def rule_from(data: Mapping[str, Any]) -> Rule:
    """The rule that valid data means.

    Raises:
        ValueError: the schema allows it, but it makes no sense: an error or a fault that does not exist, a broken
            regular expression, a turn that does not go with the criteria.
    """
    with _within("when"):
        wanted = _criteria_from(data.get("when", {}))
    then = data.get("then", [])
    turns = []
    for place, turn in enumerate(then if isinstance(then, list) else [then]):
        with _within(f"then[{place}]" if isinstance(then, list) else "then"):
            turns.append(_turn_from(turn))
    return Rule.of(wanted, tuple(turns), data.get("name", ""), int(data.get("priority", 0)))


@contextmanager
def _within(place: str) -> Iterator[None]:
    """Says where in the data something makes no sense."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from None


def _criteria_from(data: Mapping[str, Any]) -> Criteria:
    message, service, call, poll = (_wish_from(data[name]) if name in data else None for name in _WISHES)
    members = {name: _wish_from(wish) for name, wish in data.get("fields", {}).items()}
    return criteria(message, service=service, call=call, poll=poll, stream=data.get("stream"), fields=members)


def _wish_from(data: Any) -> Expected:
    match data:
        case {"regex": expression}:
            wish: Expected = Matches(_regex(expression, data.get("flags", "")))
        case {"present": is_sent}:
            wish = PRESENT if is_sent else ABSENT
        case {"contains": text}:
            wish = Contains(text)
        case {"one_of": values}:
            wish = OneOf(*values)
        case {"at_least": _} | {"at_most": _}:
            wish = Between(data.get("at_least"), data.get("at_most"))
        case {"equals": value} | value:
            wish = Equals(value)
    return wish


def _regex(expression: str, flags: str) -> re.Pattern[str]:
    try:
        return re.compile(expression, sum(_FLAGS[letter] for letter in set(flags)))
    except re.error as error:
        raise ValueError(f"the regular expression {expression!r} is wrong: {error}") from None


def _turn_from(data: str | Mapping[str, Any]) -> Turn:
    if isinstance(data, str):
        return Turn(Text(data))
    plan = Plan(
        data.get("delay_s", 0.0),
        Pace(**data["pace"]) if "pace" in data else None,
        tuple(map(_fault_from, data.get("faults", ()))),
    )
    return Turn(_reply_from(data), plan, int(data["times"]) if "times" in data else None)


def _reply_from(data: Mapping[str, Any]) -> Reply | None:
    reply: Reply | None = None
    match data:
        case {"error": _}:
            reply = _fail_from(data)
        case {"reply": text}:
            reply = Text(text)
        case {"pieces": items}:
            reply = Pieces(map(_item_from, items))
        case {"model": sampling}:
            reply = Model(sampling=sampling)
        case {"models": entries}:
            reply = Models(entries)
        case {"answer": answer}:
            members = dict(answer)
            reply = ProviderAnswer(members.pop("reply"), int(members.pop("errorcode", 0)), members)
    return reply


def _fail_from(data: Mapping[str, Any]) -> Fail:
    return Fail(data["error"], data.get("retry_after"), data.get("field"), data.get("reply"))


def _item_from(data: str | Mapping[str, Any]) -> Item:
    if isinstance(data, str):
        return data
    return Pause(data["pause_s"]) if "pause_s" in data else _fail_from(data)


def _fault_from(data: str | Mapping[str, Any]) -> Fault:
    settings = {"name": data} if isinstance(data, str) else dict(data)
    from mockserver.faults import fault  # here, because few rules have one

    return fault(settings.pop("name"), **settings)


# -- to data


def data_of(rule: Rule) -> dict[str, Any]:
    """A rule as data.

    Raises:
        NotData: a part of it is a function.
    """
    data: dict[str, Any] = {}
    if rule.name:
        data["name"] = rule.name
    if rule.priority:
        data["priority"] = rule.priority
    if when := _criteria_data(rule.criteria):
        data["when"] = when
    turns = [_turn_data(turn) for turn in rule.turns]
    if turns:
        data["then"] = turns if len(turns) > 1 else turns[0]
    return data


def _criteria_data(wanted: Criteria) -> dict[str, Any]:
    if wanted.where is not None:
        raise NotData("`where` is a function; name the fields that it looks at instead")
    members = dict(wanted.fields)
    wishes = {
        "message": members.pop(MESSAGE, None),
        "service": wanted.service,
        "call": wanted.call,
        "poll": wanted.poll,
    }
    data = {name: _wish_data(name, wish) for name, wish in wishes.items() if wish is not None}
    if wanted.stream is not None:
        data["stream"] = wanted.stream
    if members:
        data["fields"] = {name: _wish_data(name, wish) for name, wish in members.items()}
    return data


def _wish_data(name: str, wish: Expected) -> Any:
    match wish:
        case Equals(value):
            return {"equals": value} if isinstance(value, dict) else value
        case Matches(pattern):
            flags = "".join(letter for letter, flag in _FLAGS.items() if pattern.flags & flag)
            return {"regex": pattern.pattern} | ({"flags": flags} if flags else {})
        case Contains(text):
            return {"contains": text}
        case OneOf(values):
            return {"one_of": list(values)}
        case Between(least, most):
            return {bound: value for bound, value in (("at_least", least), ("at_most", most)) if value is not None}
        case Present() | Absent():
            return {"present": isinstance(wish, Present)}
    raise NotData(f"what `{name}` must be is a function; use a value, a regular expression or a range instead")


def _turn_data(turn: Turn) -> str | dict[str, Any]:
    data = _reply_data(turn.reply) if turn.reply is not None else {}
    plan = turn.plan
    if turn.times is not None:
        data["times"] = turn.times
    if plan.delay_s:
        data["delay_s"] = plan.delay_s
    if plan.pace is not None:
        default = Pace()
        data["pace"] = {name: value for name, value in asdict(plan.pace).items() if value != getattr(default, name)}
    if plan.faults:
        data["faults"] = [_fault_data(befalls) for befalls in plan.faults]
    return data["reply"] if data.keys() == {"reply"} else data


def _reply_data(reply: Reply) -> dict[str, Any]:
    match reply:
        case Text(text):
            return {"reply": text}
        case Pieces(items):
            return {"pieces": [_item_data(item) for item in items]}
        case Fail():
            return _fail_data(reply)
        case ProviderAnswer(text, code, members):
            return {"answer": {"reply": text, **({"errorcode": code} if code else {}), **members}}
        case Models(entries):
            return {"models": [entry["name"] if entry.keys() == {"name"} else dict(entry) for entry in entries]}
        case Model(None, sampling):
            return {"model": dict(sampling)}
    raise NotData("a model of the caller's own is a function; use pieces or the simulated model instead")


def _item_data(item: Item) -> str | dict[str, Any]:
    match item:
        case Pause(seconds):
            return {"pause_s": seconds}
        case Fail():
            return _fail_data(item)
    return item


def _fault_data(befalls: Fault) -> str | dict[str, Any]:
    from mockserver.faults import FAULTS  # here, because few rules have one

    kind = FAULTS[befalls.name]
    leg, act = kind.on(befalls.leg)
    given = {
        "leg": str(leg) if leg is not kind.legs[0] else None,
        "piece": befalls.piece,
        "seed": befalls.seed or None,
    }
    data = {name: value for name, value in given.items() if value is not None}
    data |= {name: value for name, value in befalls.settings.items() if value != act.settings[name]}
    return {"name": befalls.name, **data} if data else befalls.name


def _fail_data(fail: Fail) -> dict[str, Any]:
    given = {setting.name: getattr(fail, setting.name) for setting in fields(fail)}
    return {name: value for name, value in given.items() if value is not None}
