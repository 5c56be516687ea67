"""A client's request, read and checked: what is to be generated, and how the answer is wanted.

What a field may be is the schema's to say; this module turns that into the registry's errors, and knows what the
protocol says beyond a schema: `gettokens` and `seq` mean nothing without a stream key.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from mockserver.model import Sampling
from mockserver.state.allowed import defaults, generate_fields
from mockserver.state.answers import Answer, failure
from neuroengine._generated.registry import ErrorCode

if TYPE_CHECKING:
    from mockserver.state.allowed import Allowed

STREAM_FIELDS = ("key", "gettokens", "seq")
"""Members that say how the answer is wanted, not what is to be generated."""

_NOT_FOR_PROVIDERS = frozenset({*STREAM_FIELDS, "ping"})
_OF_POLLS_ONLY = frozenset({"gettokens", "seq"})


class Refused(Exception):
    """Raised when a request is answered with an error before anything is generated."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.code)
        self.answer = answer


@dataclass(frozen=True, slots=True)
class Generation:
    """One checked generate request.

    `members` is what goes to a provider: the client's object without `ping` and the stream's own members. `key` is
    empty when the whole reply is wanted.
    """

    message: str
    sampling: Sampling
    members: dict[str, Any]
    key: str = field(repr=False)
    gettokens: int
    seq: int | None

    def poll_members(self, gettokens: int) -> dict[str, Any]:
        """What goes to a streaming provider for a piece of at most `gettokens` tokens."""
        return self.members | {"key": self.key, "gettokens": gettokens}


def read_generation(request: dict[str, Any], max_new_len_tokens: int) -> Generation:
    """Checks a client's object against the generate request's schema.

    Raises:
        Refused: `message` is missing (code 3), or a field is wrong (code 4, naming it).
    """
    if "message" not in request:
        why = "The request holds neither `message` nor `command`."
        raise Refused(failure(ErrorCode.MISSING_MESSAGE, why))
    key = request.get("key") or ""
    fields = generate_fields()
    for name, value in request.items():
        allowed = fields.get(name)
        if allowed is not None and not allowed.holds(value) and (key or name not in _OF_POLLS_ONLY):
            raise Refused(_invalid(name, allowed, value))
    said = defaults() | request
    raw = str(said["raw"]).lower() == "true"
    wanted = int(said["max_new_len"])
    length = min(wanted, max_new_len_tokens)
    members = {name: value for name, value in request.items() if name not in _NOT_FOR_PROVIDERS}
    members["raw"] = "True" if raw else "False"
    if wanted > length:
        members["max_new_len"] = length
    sampling = _sampling(
        said["temperature"],
        said["top_p"],
        said["top_k"],
        said["min_p"],
        said["repetition_penalty"],
        length,
        said["seed"],
        raw,
    )
    if not key:
        return Generation(request["message"], sampling, members, "", int(defaults()["gettokens"]), None)
    seq = None if "seq" not in request else int(request["seq"])
    return Generation(request["message"], sampling, members, key, int(said["gettokens"]), seq)


@lru_cache
def _sampling(
    temperature: float,
    top_p: float,
    top_k: float,
    min_p: float,
    repetition_penalty: float,
    max_new_len: int,
    seed: float,
    raw: bool,
) -> Sampling:
    """The sampling, each value in the form of its kind; most requests of a program want the same."""
    return Sampling(
        temperature=float(temperature),
        top_p=float(top_p),
        top_k=int(top_k),
        min_p=float(min_p),
        repetition_penalty=float(repetition_penalty),
        max_new_len=max_new_len,
        seed=int(seed),
        raw=raw,
    )


def _invalid(name: str, allowed: Allowed, value: Any) -> Answer:
    why = f'The field "{name}" is wrong: it should be {allowed.words}; it was {_shown(name, value)}.'
    return failure(ErrorCode.INVALID_FIELD, why, field=name)


def _shown(name: str, value: Any) -> str:
    """A wrong value as short JSON, for the sentence; of a key no more than what kind of value it is."""
    if name == "key":
        return f"a text of {len(value)} characters" if isinstance(value, str) else "no text"
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:60] + "…"
