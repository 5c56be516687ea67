"""What one run of a check did, as plain JSON: it travels on pytest's report, from xdist's workers too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from conformance.evidence import Violation
from conformance.exchange import excerpt
from conformance.redaction import secret_spans, shown, without_secrets, written_names
from conformance.reproduce.script import needs_script, script
from conformance.reproduce.shell import shell_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pytest

    from conformance.exchange import Exchange, Request
    from conformance.requirement import Binding
    from conformance.settings import Settings
    from conformance.timeline import Step

RECORD: Final = "conformance"
"""The name under which a report's user properties hold the record."""
BODY_SHOWN: Final = 20_000
STEPS_SHOWN: Final = 200
TEXTS: Final = {"reason", "traceback", "expected", "actual", "body", "detail", "content_type", "text"}
"""Members of a record that may hold what a hub said, or an error."""


def record(
    item: pytest.Item, found: Binding, report: pytest.TestReport, call: pytest.CallInfo[None], settings: Settings
) -> dict[str, Any]:
    """What a check did, as plain JSON."""
    judge = getattr(item, "funcargs", {}).get("judge")
    record: dict[str, Any] = {
        "requirement": found.requirement.id,
        "check": found.check,
        "case": found.case,
        "outcome": report.outcome,
        "reason": "",
        "exchanges": judge.exchanges if judge else 0,
        "judged": judge.judged if judge else 0,
        "seconds": call.duration,
        "breach": None,
    }
    error = call.excinfo.value if call.excinfo else None
    if isinstance(error, Violation):
        record["breach"] = _breach(error, settings)
        record["reason"] = str(error)
    elif report.outcome == "skipped":
        record["reason"] = getattr(error, "msg", str(error))
    elif error is not None:
        record["outcome"] = "error"
        record["reason"] = f"{type(error).__name__}: {error}"
        record["traceback"] = str(report.longrepr)
    return _safe(record, settings)


def _safe(record: dict[str, Any], settings: Settings) -> dict[str, Any]:
    """The record without secrets that the hub told back, or that an error holds. What repeats a breach holds none."""
    names = settings.variables()

    def clean(value: Any, member: str = "") -> Any:
        if isinstance(value, dict):
            return {name: clean(content, name) for name, content in value.items()}
        if isinstance(value, list):
            return [clean(content, member) for content in value]
        return without_secrets(value, names) if member in TEXTS and isinstance(value, str) else value

    safe: dict[str, Any] = clean(record)
    return safe


def _breach(breach: Violation, settings: Settings) -> dict[str, Any]:
    exchanges = breach.exchanges
    return {
        "expected": breach.expected,
        "actual": breach.actual,
        "flaky": breach.is_flaky,
        "exchanges": [_exchange(shown, settings) for shown in exchanges],
        "timeline": list(_steps(breach.steps, settings)),
        "reproduce": reproduction(breach, settings),
    }


def _exchange(exchange: Exchange, settings: Settings) -> dict[str, Any]:
    return {
        "request": _request(exchange.request, settings),
        "answer": _answer(exchange),
        "seconds": round(exchange.seconds, 4),
    }


def reproduction(breach: Violation, settings: Settings) -> str:
    """What repeats a breach from a shell: curl lines, or a script where those cannot."""
    if needs_script(breach.steps):
        return script(breach.steps, settings)
    return shell_lines([shown.request for shown in breach.exchanges], settings)


def _steps(steps: Sequence[Step], settings: Settings) -> Iterator[dict[str, Any]]:
    """The last steps, without secrets."""
    names = written_names(settings.variables())
    spans = secret_spans(steps, list(names))
    for step in steps[-STEPS_SHOWN:]:
        yield {
            "at": round(step.at, 4),
            "leg": step.leg,
            "who": step.who,
            "what": step.what,
            "text": shown(step, spans.get(id(step), []), names),
            "bytes": len(step.data),
        }


def _request(request: Request, settings: Settings) -> dict[str, Any]:
    body = request.body[:BODY_SHOWN].decode("utf-8", "backslashreplace")
    return {
        "method": "POST",
        "url": settings.origin + request.path,
        "content_type": request.content_type,
        "access_key": bool(request.access_key),
        "body": body,
        "bytes": len(request.body),
    }


def _answer(exchange: Exchange) -> dict[str, Any]:
    if exchange.trouble:
        return {"trouble": exchange.trouble, "detail": exchange.detail}
    body = excerpt(exchange.body.decode("utf-8", "backslashreplace"))
    return {"status": exchange.status, "content_type": exchange.header("content-type"), "body": body}
