"""A client's request, read and checked: what is to be generated, and how the answer is wanted.

The rules are those of the generated model; this module turns its verdict into the registry's errors, and knows what the
protocol says beyond a schema: `gettokens` and `seq` mean nothing without a stream key.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import MISSING, ValidationError

from mockserver.model import Sampling
from mockserver.state.answers import Answer, failure
from neuroengine._generated.models import GenerateRequest
from neuroengine._generated.registry import ErrorCode

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

STREAM_FIELDS = ("key", "gettokens", "seq")
"""Members that say how the answer is wanted, not what is to be generated."""

_NOT_FOR_PROVIDERS = frozenset({*STREAM_FIELDS, "ping"})


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
    checked = request
    if not request.get("key") and ("gettokens" in request or "seq" in request):
        checked = {name: value for name, value in request.items() if name not in {"gettokens", "seq"}}
    try:
        model = GenerateRequest.model_validate(checked)
    except ValidationError as error:
        raise Refused(_invalid(error.errors(include_url=False)[0])) from None
    raw = model.raw if isinstance(model.raw, bool) else model.raw.lower() == "true"
    length = min(model.max_new_len, max_new_len_tokens)
    members = {name: value for name, value in request.items() if name not in _NOT_FOR_PROVIDERS}
    members["raw"] = "True" if raw else "False"
    if model.max_new_len > length:
        members["max_new_len"] = length
    sampling = Sampling(
        temperature=float(model.temperature),
        top_p=float(model.top_p),
        top_k=model.top_k,
        min_p=float(model.min_p),
        repetition_penalty=float(model.repetition_penalty),
        max_new_len=length,
        seed=model.seed,
        raw=raw,
    )
    key = "" if model.key is MISSING or model.key is None else model.key
    seq = None if model.seq is MISSING else model.seq
    return Generation(model.message, sampling, members, key, int(model.gettokens), seq)


def _invalid(error: ErrorDetails) -> Answer:
    name = str(error["loc"][0])
    rule = error["msg"].replace("Input should", "it should")
    why = f'The field "{name}" is wrong: {rule}; it was {_shown(name, error["input"])}.'
    return failure(ErrorCode.INVALID_FIELD, why, field=name)


def _shown(name: str, value: Any) -> str:
    """A wrong value as short JSON, for the sentence; of a key no more than what kind of value it is."""
    if name == "key":
        return f"a text of {len(value)} characters" if isinstance(value, str) else "no text"
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:60] + "…"
