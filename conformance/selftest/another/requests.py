"""Requests as the hub in another style reads them: what it refuses, and what it can do with what is no number."""

from __future__ import annotations

import json
import math
import re
from typing import Any, Final

BODY_BYTES: Final = 64 * 1024
NUMBERS: Final = {"temperature": 0, "top_p": 0, "min_p": 0, "repetition_penalty": 0, "top_k": 0, "max_new_len": 0}


class Refused(Exception):
    """Raised with the sentence for the client."""


def read(body: bytes, most: int = BODY_BYTES) -> dict[str, Any]:
    """The object in the body; strict, where a plain `json.loads` is not."""
    if len(body) > most:
        raise Refused("That is too long for me.")
    try:
        text = body.decode("utf-8")
        request = json.loads(text, parse_constant=refuse_constant)
        json.dumps(request, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):
        raise Refused("That is no JSON.") from None
    if not isinstance(request, dict):
        raise Refused("That is no object.")
    return request


def refuse_constant(name: str) -> None:
    """Takes no `NaN` and no `Infinity` for a number."""
    raise ValueError(name)


def check(request: dict[str, Any]) -> None:
    """Coerces nothing and refuses little: what it cannot use."""
    for name, least in NUMBERS.items():
        value = request.get(name, 1)
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value < float("inf"):
            raise Refused(f"I cannot use your {name}.")
    if not isinstance(request.get("seed", 0), int | float) or not isinstance(request.get("key") or "", str):
        raise Refused("I cannot use your seed or key.")
    if not re.fullmatch(r"0*[1-9][0-9]{0,17}(\.0+)?", str(request.get("gettokens", 20))) and request.get("key"):
        raise Refused("I cannot use your gettokens.")


def coerced(request: dict[str, Any]) -> dict[str, Any]:
    """The request with something usable in every field that is known."""
    usable: dict[str, Any] = {
        name: as_number(request[name], least) for name, least in NUMBERS.items() if name in request
    }
    usable |= {"seed": as_number(request.get("seed", 0), -math.inf), "key": str(request.get("key") or "")}
    return request | usable | {"gettokens": int(as_number(request.get("gettokens", 20), 1))}


def as_number(value: Any, least: float) -> float:
    """A number out of anything, not below the least one."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = 1.0
    return min(max(number, least), 1e9) if math.isfinite(number) else 1.0
