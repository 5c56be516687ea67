"""How secrets are shown: never."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

KEY_FIELD = "key"
"""The request's member that holds the stream key."""


def redacted_key(key: Any) -> Any:
    """A short hash in place of a stream key, the same for the same key; no key stays, of what is none its type does."""
    if not key:
        return key
    if not isinstance(key, str):
        return f"({type(key).__name__})"
    return f"sha256:{hashlib.sha256(key.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


def redacted(request: Mapping[str, Any]) -> dict[str, Any]:
    """A request whose stream key is redacted."""
    return {name: redacted_key(value) if name == KEY_FIELD else value for name, value in request.items()}
