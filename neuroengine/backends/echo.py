"""The backend that answers with the prompt: for trying a connection without a model."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from neuroengine.protocol.jobs import Request

_WORD: Final = re.compile(r"\s*\S+(?:\s++\Z)?|\s+")


def echo(request: Request) -> Iterator[str]:
    """The first `max_new_len` words of the prompt, one by one, character for character with the white space between.

    The other sampling fields change nothing.
    """
    for number, word in enumerate(_WORD.finditer(request.message)):
        if number == request.sampling["max_new_len"]:
            return
        yield word.group()
