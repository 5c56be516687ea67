"""The generate request as a pydantic model, for the frameworks that check with one."""

from __future__ import annotations

from pydantic import BaseModel, Field


class GenerateRequest(BaseModel):
    """The fields and their ranges, as the protocol has them."""

    message: str
    temperature: float = Field(1.0, ge=0)
    top_p: float = Field(0.9, ge=0, le=1)
    top_k: int = Field(40, ge=0)
    min_p: float = Field(0.0, ge=0, le=1)
    repetition_penalty: float = Field(1.2, gt=0)
    max_new_len: int = Field(128, ge=0)
    seed: int = 0
    raw: str | bool = "False"
    key: str | None = None
    gettokens: int = Field(20, ge=1)


class Answer(BaseModel):
    """A whole reply."""

    reply: str
    errorcode: int
