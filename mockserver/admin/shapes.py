"""What a hub holds, as data in the form of `spec/mock/admin.schema.json`.

Stream keys are redacted; no other key is there.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from mockserver.redaction import KEY_FIELD, redacted_key
from mockserver.rules.data import NotData, data_of
from mockserver.state.services import Service

if TYPE_CHECKING:
    from mockserver.faults import StandingFault
    from mockserver.faults.kinds import FaultKind
    from mockserver.journal.entry import Entry, ProviderLeg
    from mockserver.rules import ActiveRule, NearMiss
    from mockserver.rules.rule import Rule


def service_state(service: Service) -> dict[str, Any]:
    """A service: what the model list says of it, whatever a wrong hub would say, and its settings but for the keys."""
    entry = Service.entry(service)
    settings = service.settings
    answers = "model" if service.answers_itself else "provider" if entry["connected"] else None
    return {
        **entry,
        "answered_by": answers,
        "access_keys": service.access_keys,
        "quota": settings.quota,
        "quota_window_s": settings.quota_window_s,
        "offline": settings.offline,
        "pace": settings.pace and asdict(settings.pace),
    }


def json_text(content: Any) -> bytes:
    """Content as JSON in ASCII; what JSON cannot hold, such as infinity in a wrong hub's answer, becomes its name."""
    try:
        text = json.dumps(content, default=repr, allow_nan=False)
    except ValueError:
        text = json.dumps(json.loads(json.dumps(content, default=repr), parse_constant=str))
    return text.encode("ascii")


def active_rule(active: ActiveRule) -> dict[str, Any]:
    """A rule of the hub."""
    return {
        "name": active.name,
        "criteria": str(active.rule.criteria),
        "calls": active.calls,
        "used_up": active.is_used_up,
        "rule": _rule(active.rule),
    }


def _rule(rule: Rule) -> dict[str, Any] | None:
    try:
        data = data_of(rule)
    except NotData:
        return None
    fields = data.get("when", {}).get("fields", {})
    if KEY_FIELD in fields:
        fields[KEY_FIELD] = _without_keys(fields[KEY_FIELD])
    return data


def _without_keys(wish: Any) -> Any:
    """What a stream key must be, with every text that may be one redacted."""
    if isinstance(wish, dict):
        return {name: value if name == "flags" else _without_keys(value) for name, value in wish.items()}
    if isinstance(wish, list):
        return [_without_keys(value) for value in wish]
    return redacted_key(wish) if isinstance(wish, str) else wish


def near_miss(miss: NearMiss) -> dict[str, Any]:
    """A rule that would not answer a request."""
    return {"rule": miss.rule.name, "distance": miss.distance, "why": str(miss)}


def active_fault(number: int, fault: StandingFault) -> dict[str, Any]:
    """A standing fault, and the number that removes it."""
    when = fault.when
    return {
        "id": number,
        "name": fault.name,
        "leg": str(fault.leg),
        "rate": when.rate,
        "seed": when.seed,
        "service": when.service,
        "after": when.after,
        "times": when.times,
        "piece": when.piece,
        "settings": fault.settings,
        "befallen": fault.befallen,
    }


def known_fault(kind: FaultKind) -> dict[str, Any]:
    """A fault that can be added."""
    legs = [
        {"leg": str(leg), "summary": kind.summary_on(leg), "settings": dict(act.settings)}
        for leg, act in kind.acts.items()
    ]
    return {"name": kind.name, "summary": kind.summary, "legs": legs}


def journal_entry(entry: Entry) -> dict[str, Any]:
    """An exchange."""
    return {
        "number": entry.number,
        "path": entry.path,
        "service": entry.service,
        "request": entry.request,
        "poll": entry.poll,
        "begins": entry.begins,
        "answer": entry.answer,
        "code": entry.code,
        "status": entry.status,
        "rule": entry.rule,
        "rules": list(entry.rules),
        "near_miss": entry.near_miss,
        "faults": list(entry.faults),
        "delay_s": entry.delay_s,
        "at": entry.at,
        "answered_at": entry.answered_at,
        "left_at": entry.left_at,
        "provider": _provider_leg(entry.provider),
    }


def _provider_leg(leg: ProviderLeg | None) -> dict[str, Any] | None:
    if leg is None:
        return None
    return {
        "link": leg.link,
        "sent_at": leg.sent_at,
        "answered_at": leg.answered_at,
        "request": leg.request,
        "payload": None if leg.payload is None else leg.payload.decode("utf-8", "replace"),
    }
