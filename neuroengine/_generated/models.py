"""The messages as pydantic models. Generated from spec/schemas by tools/generate.py; do not edit.

sha256 1ffa9ef5f4f1fac8e725d309369985695b3faaa0c9e451068149c95e42f0c054
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from neuroengine.json_types import StrictInt
from pydantic import (
    MISSING,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictStr,
)
from typing_extensions import TypeAliasType

ServiceName = TypeAliasType(
    "ServiceName",
    Annotated[
        StrictStr,
        Field(
            examples=["Neuroengine-Large", "MYGPT"],
            pattern="^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
            title="Service name",
        ),
    ],
)
"""
The public name of one shared LLM: 1 to 64 letters, digits, `.`, `_` or `-`, starting with a letter or digit. Matched exactly.
"""


Message = TypeAliasType(
    "Message", Annotated[StrictStr, Field(examples=["Hello LLM", ""], title="Message")]
)
"""
The prompt. The empty string is valid, raw too.
"""


Temperature = TypeAliasType(
    "Temperature",
    Annotated[StrictFloat, Field(examples=[1.0, 0.2, 0], ge=0.0, title="Temperature")],
)
"""
Randomness of the output, no unit, 0 or more; 0 is greedy, higher values are more random.
"""


TopP = TypeAliasType(
    "TopP",
    Annotated[StrictFloat, Field(examples=[0.9, 0, 1], ge=0.0, le=1.0, title="Top p")],
)
"""
Nucleus sampling: the share of probability that the most probable tokens must reach, 0 to 1. The nucleus always holds at least one token.
"""


TopK = TypeAliasType(
    "TopK",
    Annotated[
        StrictInt,
        Field(examples=[40, 1, 0], ge=0, le=9223372036854775807, title="Top k"),
    ],
)
"""
The number of most probable tokens that are considered, in tokens, 0 or more; 0 means no limit.
"""


MinP = TypeAliasType(
    "MinP",
    Annotated[StrictFloat, Field(examples=[0.0, 0.05], ge=0.0, le=1.0, title="Min p")],
)
"""
The least probability of a considered token, as a share of the most probable one's, 0 to 1. Active only strictly between 0 and 1.
"""


RepetitionPenalty = TypeAliasType(
    "RepetitionPenalty",
    Annotated[
        StrictFloat, Field(examples=[1.2, 1, 0.8], gt=0.0, title="Repetition penalty")
    ],
)
"""
A penalty on repeated tokens, no unit, above 0; 1 is neutral, higher values discourage repeats, lower values encourage them.
"""


MaxNewLen = TypeAliasType(
    "MaxNewLen",
    Annotated[
        StrictInt,
        Field(examples=[128, 0], ge=0, le=9223372036854775807, title="Max new len"),
    ],
)
"""
The most tokens that the reply may have, 0 or more; 0 gives the empty reply. The hub or the provider may lower it silently.
"""


Seed = TypeAliasType(
    "Seed",
    Annotated[
        StrictInt,
        Field(
            examples=[0, 42, -1],
            ge=-9223372036854775808,
            le=9223372036854775807,
            title="Seed",
        ),
    ],
)
"""
The random seed, a signed 64 bit integer: the same request, seed and model give the same reply. 0 is a seed like any other.
"""


RawFlag = TypeAliasType(
    "RawFlag",
    Annotated[
        StrictBool | Annotated[str, Field(pattern=r"^([Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee])$", strict=True)],
        Field(examples=["False", "True", "true", False], title="Raw flag"),
    ],
)
"""
True sends the prompt to the model without pre-prompt. Canonical on the wire: `"True"` or `"False"`; any case and JSON booleans are read too.
"""


StreamKey = TypeAliasType(
    "StreamKey",
    Annotated[
        StrictStr | None,
        Field(examples=["key1234", "", None], max_length=256, title="Stream key"),
    ],
)
"""
The stream key: absent, null or empty asks for one whole reply; any other text names a stream. At most 256 characters; clients use 32 random bytes or more.
"""


TokenCount = TypeAliasType(
    "TokenCount",
    Annotated[
        StrictInt,
        Field(examples=[20, 1], ge=1, le=9223372036854775807, title="Token count"),
    ],
)
"""
A number of tokens, 1 or more.
"""


TokenDigits = TypeAliasType(
    "TokenDigits",
    Annotated[
        StrictStr,
        Field(
            examples=["20"],
            max_length=18,
            pattern="^0*[1-9][0-9]*$",
            title="Token digits",
        ),
    ],
)
"""
A number of tokens, 1 or more, as a string of at most 18 decimal digits, as one deployed client sends it.
"""


GetTokens = TypeAliasType(
    "GetTokens",
    Annotated[
        TokenCount | TokenDigits, Field(examples=[20, 1, "20"], title="Get tokens")
    ],
)
"""
The most tokens in one piece of a stream, 1 or more, as an integer or a string of digits. Ignored without a stream key.
"""


Seq = TypeAliasType(
    "Seq",
    Annotated[
        StrictInt, Field(examples=[0, 7], ge=0, le=9223372036854775807, title="Seq")
    ],
)
"""
The index of a stream's piece, from 0. In a request: the piece wanted (extended profile; a hub that does not know it ignores it). In an answer: the piece that this is.
"""


ErrorCode = TypeAliasType(
    "ErrorCode", Annotated[StrictInt, Field(examples=[0, 7], title="Error code")]
)
"""
0 is success; any other integer is an error. Codes 1 to 99 belong to the registry of errors; a provider's own code passes through unchanged.
"""


class GenerateRequest(BaseModel):
    """
    Asks a service for a reply: the whole of it, or with a stream key the next piece. Unknown members are ignored by the hub and handed to the provider untouched.
    """

    model_config = ConfigDict(
        extra="allow",
        use_attribute_docstrings=True,
    )
    message: Message
    temperature: Temperature = 1.0
    top_p: TopP = 0.9
    top_k: TopK = 40
    min_p: MinP = 0.0
    repetition_penalty: RepetitionPenalty = 1.2
    max_new_len: MaxNewLen = 128
    seed: Seed = 0
    raw: RawFlag = "False"
    key: StreamKey | MISSING = MISSING
    gettokens: GetTokens = 20
    seq: Seq | MISSING = MISSING


class GetmodelsRequest(BaseModel):
    """
    Asks a hub for its services. `command` wins over `message`.
    """

    model_config = ConfigDict(
        extra="allow",
        use_attribute_docstrings=True,
    )
    command: Annotated[
        Literal["getmodels"], Field(examples=["getmodels"], title="Command")
    ]
    """
    The command's name.
    """


class Answer(BaseModel):
    """
    What a client reads as the answer to a generate request: the open form. Members that are not known are ignored.
    """

    model_config = ConfigDict(
        extra="allow",
        use_attribute_docstrings=True,
    )
    reply: Annotated[StrictStr, Field(examples=["LLM Reply", ""], title="Reply")]
    """
    The model's text or a stream's next piece; on an error a sentence for a person. An empty reply with code 0 ends a stream.
    """

    errorcode: ErrorCode
    error: Annotated[
        StrictStr | MISSING, Field(examples=["invalid_field"], title="Error name")
    ] = MISSING
    """
    The error's name in the registry (extended profile).
    """

    field: Annotated[
        StrictStr | MISSING, Field(examples=["temperature"], title="Field")
    ] = MISSING
    """
    The request's field that was wrong (extended profile).
    """

    retry_after: Annotated[
        StrictFloat | MISSING, Field(examples=[2.5], ge=0.0, title="Retry after")
    ] = MISSING
    """
    Seconds to wait before the request may succeed, 0 or more (extended profile).
    """

    seq: Seq | MISSING = MISSING
    done: Annotated[
        StrictBool | MISSING, Field(examples=[False, True], title="Done")
    ] = MISSING
    """
    True only on a stream's empty end (extended profile).
    """


class SuccessAnswer(BaseModel):
    """
    What a hub sends of its own when a generate request succeeds: the closed form. `seq` and `done` echo a request's `seq`.
    """

    model_config = ConfigDict(
        extra="forbid",
        use_attribute_docstrings=True,
    )
    reply: Annotated[StrictStr, Field(examples=["LLM Reply", ""], title="Reply")]
    """
    The model's text, or a stream's next piece; empty at a stream's end.
    """

    errorcode: Annotated[StrictInt, Field(examples=[0], ge=0, le=0, title="Error code")]
    """
    Always 0.
    """

    seq: Seq | MISSING = MISSING
    done: Annotated[
        StrictBool | MISSING, Field(examples=[False, True], title="Done")
    ] = MISSING
    """
    True only on a stream's empty end.
    """


class ErrorAnswer(BaseModel):
    """
    What a hub sends of its own when a request fails: the closed form.
    """

    model_config = ConfigDict(
        extra="forbid",
        use_attribute_docstrings=True,
    )
    reply: Annotated[
        StrictStr,
        Field(
            examples=['The service "MYGPT" has no provider right now. Try again later.'],
            min_length=1,
            title="Sentence",
        ),
    ]
    """
    What went wrong and what to do, as a sentence for a person.
    """

    errorcode: Annotated[
        StrictInt, Field(examples=[7], ge=1, le=99, title="Error code")
    ]
    """
    The error's code in the registry, 1 to 99.
    """

    error: Annotated[
        StrictStr,
        Field(
            examples=["provider_offline"],
            pattern="^[a-z]+(_[a-z]+)*$",
            title="Error name",
        ),
    ]
    """
    The error's name in the registry.
    """

    field: Annotated[
        StrictStr | MISSING, Field(examples=["temperature"], title="Field")
    ] = MISSING
    """
    The request's field that was wrong.
    """

    retry_after: Annotated[
        StrictFloat | MISSING, Field(examples=[2.5], ge=0.0, title="Retry after")
    ] = MISSING
    """
    Seconds to wait before the request may succeed, 0 or more.
    """


class ModelEntry(BaseModel):
    """
    One service in a hub's list. It never holds a service key or an access key. Whoever shows `comment` or `operator` in a page escapes it.
    """

    model_config = ConfigDict(
        extra="allow",
        use_attribute_docstrings=True,
    )
    name: Annotated[StrictStr, Field(examples=["Neuroengine-Large"], title="Name")]
    """
    The service's name, as used in the request's path.
    """

    connected: Annotated[StrictBool, Field(examples=[True], title="Connected")]
    """
    True while a provider is logged in, or the hub answers by itself.
    """

    numreq: Annotated[
        StrictInt, Field(examples=[19754], ge=0, title="Number of requests")
    ]
    """
    Generations accepted so far; a stream counts once, not each poll.
    """

    queuelen: Annotated[StrictInt, Field(examples=[0], ge=0, title="Queue length")]
    """
    Requests that wait, without the one being answered.
    """

    comment: Annotated[StrictStr, Field(examples=["LLM description"], title="Comment")]
    """
    The operator's description of the model, its size and licence. May hold HTML.
    """

    operator: Annotated[StrictStr, Field(examples=["@operator"], title="Operator")]
    """
    Who is responsible for the service.
    """

    preprompt: Annotated[
        StrictStr | MISSING, Field(examples=[""], title="Pre-prompt")
    ] = MISSING
    """
    The text that the service puts before a prompt that is not raw.
    """

    endprompt: Annotated[
        StrictStr | MISSING, Field(examples=[""], title="End prompt")
    ] = MISSING
    """
    The text that the service puts after a prompt that is not raw.
    """


ModelList = TypeAliasType(
    "ModelList",
    Annotated[
        list[ModelEntry],
        Field(
            examples=[[{"numreq": 19754, "connected": True, "comment": "LLM description", "operator": "@operator", "name": "Neuroengine-Large", "queuelen": 0}]],
            title="Model list",
        ),
    ],
)
"""
The answer to getmodels: one entry a service.
"""


class ProviderLogin(BaseModel):
    """
    The first thing that a provider sends: one JSON object with no delimiter and no length. The hub answers `OK`; anything else is a refusal.
    """

    model_config = ConfigDict(
        extra="allow",
        use_attribute_docstrings=True,
    )
    user: Annotated[StrictStr, Field(examples=["MYGPT"], title="Service")]
    """
    The service's name.
    """

    key: Annotated[StrictStr, Field(examples=["DEMOKEY"], title="Service key")]
    """
    The secret that shows that the provider may answer for the service.
    """

    streaming: Annotated[StrictBool, Field(examples=[False], title="Streaming")] = False
    """
    True asks for every poll of a stream to be forwarded, with `key` and `gettokens` (extended profile). Default false.
    """


LoginAccepted = TypeAliasType(
    "LoginAccepted",
    Annotated[
        StrictStr,
        Field(examples=["OK"], pattern="^\\s*OK\\s*$", title="Login accepted"),
    ],
)
"""
The hub's answer to a login that it accepts: the text `OK`, white space around it allowed, in one write. Anything else is a refusal.
"""


class Ping(BaseModel):
    """
    A keep-alive from the hub: one JSON object with a member `ping`, sent with no delimiter and no length. A provider never answers it.
    """

    model_config = ConfigDict(
        extra="allow",
        use_attribute_docstrings=True,
    )
    ping: Annotated[Any, Field(examples=[1], title="Ping")]
    """
    Anything; the member's presence is the ping.
    """


class ProviderRequest(BaseModel):
    """
    A client's request, written again by the hub as one JSON object with no delimiter and no length: unknown members kept, sampling fields that were omitted absent or at their defaults, without `ping` and `seq`; for a plain provider without `key` and `gettokens` (or with an empty key).
    """

    model_config = ConfigDict(
        extra="allow",
        use_attribute_docstrings=True,
    )
    message: Message
    temperature: Temperature = 1.0
    top_p: TopP = 0.9
    top_k: TopK = 40
    min_p: MinP = 0.0
    repetition_penalty: RepetitionPenalty = 1.2
    max_new_len: MaxNewLen = 128
    seed: Seed = 0
    raw: Annotated[Literal["True", "False"], Field(examples=["False"], title="Raw")] = (
        "False"
    )
    """
    `"True"` sends the prompt to the model without pre-prompt.
    """

    key: StreamKey | MISSING = MISSING
    gettokens: GetTokens | MISSING = MISSING


class ProviderAnswer(BaseModel):
    """
    The payload of a provider's answer, sent behind its length as exactly 8 ASCII hex digits (in bytes). Extra members pass through to the client, all but `error`, `field`, `retry_after`, `seq` and `done`.
    """

    model_config = ConfigDict(
        extra="allow",
        use_attribute_docstrings=True,
    )
    reply: Annotated[StrictStr, Field(examples=["This is the LLM"], title="Reply")]
    """
    The model's text; on an error a sentence for a person.
    """

    errorcode: Annotated[StrictInt, Field(examples=[0], title="Error code")] = 0
    """
    0 is success, anything else the provider's own error. The hub adds 0 where it is missing.
    """
