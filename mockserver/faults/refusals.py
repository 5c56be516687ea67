"""Faults that answer a request with an error of the hub's, before anything is generated or counted."""

from typing import Annotated

from pydantic import AfterValidator

from mockserver.faults.kinds import Seconds, refusal
from mockserver.state.answers import Answer, failure
from neuroengine._generated.registry import ERRORS, ErrorCode

_NAMED = {ERRORS[code].name: code for code in ErrorCode if code}
_WHY = "The mock hub was told to answer so."


def _known(code: int | str) -> ErrorCode:
    found = _NAMED.get(code) if isinstance(code, str) else code
    if found is None or found not in _NAMED.values():
        raise ValueError(f"there is no such error; there are {', '.join(_NAMED)}")
    return ErrorCode(found)


@refusal(generates_only=True)
def queue_full() -> Answer:
    """Too many requests wait for the service (code 8)."""
    return failure(ErrorCode.QUEUE_FULL, _WHY)


@refusal(generates_only=True)
def quota_exceeded(*, retry_after: Seconds | None = 30.0) -> Answer:
    """The client has used up its quota, and may come again after `retry_after` seconds (code 9)."""
    return failure(ErrorCode.QUOTA_EXCEEDED, _WHY, retry_after=retry_after)


@refusal(generates_only=False)
def shutting_down() -> Answer:
    """The hub says that it is shutting down (code 16)."""
    return failure(ErrorCode.SHUTTING_DOWN, _WHY)


@refusal(generates_only=False)
def error(
    *,
    code: Annotated[int | str, AfterValidator(_known)] = ErrorCode.INTERNAL_ERROR,
    field: str | None = None,
    retry_after: Seconds | None = None,
) -> Answer:
    """Any error of the registry, by its `code` or its name there."""
    return failure(_known(code), _WHY, field=field, retry_after=retry_after)
