"""Builds the requests of a client: checked, complete and in the form that every hub reads.

Every field that has a default is sent, as deployed clients do, so that no hub needs to know the defaults. JSON is
ASCII-escaped, because it then survives every reader, and `raw` has its canonical spelling.
"""

from __future__ import annotations

import json
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypedDict

from neuroengine.errors import InvalidField
from neuroengine.protocol import fields

if TYPE_CHECKING:
    from collections.abc import Mapping


class Sampling(TypedDict, total=False):
    """The fields that shape a reply; one that is left out has the spec's default."""

    temperature: float
    """Randomness of the output, no unit, 0 or more; 0 is greedy, higher values are more random."""
    top_p: float
    """Nucleus sampling: the share of probability that the most probable tokens must reach, 0 to 1. The nucleus always
    holds at least one token."""
    top_k: int
    """The number of most probable tokens that are considered, in tokens, 0 or more; 0 means no limit."""
    min_p: float
    """The least probability of a considered token, as a share of the most probable one's, 0 to 1. Active only strictly
    between 0 and 1."""
    repetition_penalty: float
    """A penalty on repeated tokens, no unit, above 0; 1 is neutral, higher values discourage repeats, lower values
    encourage them."""
    max_new_len: int
    """The most tokens that the reply may have, 0 or more; 0 gives the empty reply. The hub or the provider may lower it
    silently."""
    seed: int
    """The random seed, a signed 64 bit integer: the same request, seed and model give the same reply. 0 is a seed like
    any other."""
    raw: bool
    """True sends the prompt to the model without pre-prompt."""


SAMPLING_FIELDS: Final = tuple(Sampling.__annotations__)
"""The names of the sampling fields."""


def generation(prompt: str, sampling: Mapping[str, object]) -> dict[str, Any]:
    """The members of a generate request for a whole reply.

    Raises:
        InvalidField: the prompt is no text, a field has a value that the schema does not allow, or a field is not
            known.
    """
    for name in sampling:
        if name not in SAMPLING_FIELDS:
            raise InvalidField(name, sampling[name], f"left out: the sampling fields are {', '.join(SAMPLING_FIELDS)}")
    message = fields.check("message", prompt)
    return {"message": message, **_usual(), **{name: fields.check(name, sampling[name]) for name in sampling}}


@cache
def _usual() -> Mapping[str, Any]:
    """The sampling fields with their defaults, in the form in which they are sent."""
    return MappingProxyType({name: fields.check(name, fields.defaults()[name]) for name in SAMPLING_FIELDS})


def poll(members: Mapping[str, Any], *, key: str, gettokens: int, seq: int | None) -> dict[str, Any]:
    """The members of a stream's poll: the whole request again (NE-CSTR-002), the stream's key, and the piece wanted."""
    request = {**members, "key": key, "gettokens": gettokens}
    return request if seq is None else {**request, "seq": seq}


def model_list() -> dict[str, Any]:
    """The members of a getmodels request."""
    return {"command": fields.definitions()["GetmodelsRequest"]["properties"]["command"]["const"]}


def encoded(members: Mapping[str, Any]) -> bytes:
    """The request as the body of an HTTP request."""
    return json.dumps(members, allow_nan=False, separators=(",", ":")).encode("ascii")
