"""What an OpenAI-compatible server is asked: the fields of a request in its words.

A prompt goes to `/chat/completions` as one user's message, where the server puts its model's template around it; a raw
prompt goes to `/completions` as it is. How the sampling fields travel, by what the servers document:

| field                | sent as                                                                                     |
|----------------------|---------------------------------------------------------------------------------------------|
| `temperature`        | `temperature`, at most 2, where OpenAI's range and vLLM's end; 0 is greedy everywhere       |
| `top_p`              | `top_p`; 0, which vLLM refuses and Ollama takes for "not given", is sent as greedy          |
| `max_new_len`        | `max_tokens`, or `max_completion_tokens` where the server insists                           |
| `seed`               | `seed`, folded into 31 bits: llama.cpp reads 32 and takes -1, also as 2^32 - 1, for chance  |
| `top_k`              | `top_k`; "no limit" is -1, which all take: older vLLM refuses 0                             |
| `min_p`              | `min_p`; always sent, since llama.cpp has 0.05 where nothing is                             |
| `repetition_penalty` | `repetition_penalty` (vLLM) and `repeat_penalty` (llama.cpp): each ignores the other's name |

The last three are no part of OpenAI's own interface. A server that refuses a field by name is asked again without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from neuroengine.backends.openai_answer import Refusal
    from neuroengine.protocol.requests import Sampling

EXTENSIONS: Final = frozenset({"top_k", "min_p", "repetition_penalty", "repeat_penalty"})
"""The fields that are no part of OpenAI's own interface."""
LARGEST_TEMPERATURE: Final = 2.0
_SEEDS: Final = 2**31
_NEEDED: Final = frozenset({"model", "messages", "prompt", "stream", "max_completion_tokens"})
"""What a request cannot do without."""


def completion_request(
    message: str, sampling: Sampling, model: str, left_out: frozenset[str]
) -> tuple[str, dict[str, Any]]:
    """The path and the members of a request without some fields, as the table at the top says."""
    is_greedy = sampling["temperature"] == 0 or sampling["top_p"] == 0
    fields = {
        "max_tokens": sampling["max_new_len"],
        "temperature": 0 if is_greedy else min(sampling["temperature"], LARGEST_TEMPERATURE),
        "top_p": 1 if is_greedy else sampling["top_p"],
        "seed": sampling["seed"] % _SEEDS,
        "top_k": sampling["top_k"] or -1,
        "min_p": sampling["min_p"] if sampling["min_p"] < 1 else 0.0,  # NE-REQ-027
        "repetition_penalty": sampling["repetition_penalty"],
        "repeat_penalty": sampling["repetition_penalty"],
    }
    if "max_tokens" in left_out:
        fields["max_completion_tokens"] = sampling["max_new_len"]
    path = "/completions" if sampling["raw"] else "/chat/completions"
    prompt = {"prompt": message} if sampling["raw"] else {"messages": [{"role": "user", "content": message}]}
    kept = {name: value for name, value in fields.items() if name not in left_out}
    return path, {"model": model, **prompt, "stream": True, **kept}


def refused_fields(refused: Refusal, members: dict[str, Any]) -> frozenset[str]:
    """The fields to leave out when the request is sent again; none when that would not help.

    A value that the server does not like costs only an extension: without the others the reply would be another one.
    """
    named = {name for name in members if refused.names(name)} - _NEEDED
    extensions = EXTENSIONS & members.keys()
    if not refused.is_about_request:
        return frozenset()
    if named & extensions or not refused.is_about_unknown_fields:
        return frozenset(named & extensions)
    return frozenset(named) or extensions
