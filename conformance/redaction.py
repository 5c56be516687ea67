"""Takes secrets out of what was sent and of what came: no report may hold them.

What was sent is searched byte by byte, also where a login was cut inside its key. What came is text of anybody's, and a
hub may tell a key back.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from conformance.exchange import CUT, CUT_ENDS, excerpt

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from conformance.timeline import Step


LONG_CHARS: Final = 8
"""A shorter secret is replaced only where it stands as a word: it may be part of any other."""


class Span(NamedTuple):
    """A place in the bytes of one step that holds a secret, or the part of it from `offset` on."""

    begin: int
    end: int
    secret: bytes
    offset: int

    @property
    def is_whole(self) -> bool:
        """Whether it is all of the secret."""
        return self.end - self.begin == len(self.secret)

    @property
    def offset_behind(self) -> int:
        """Where the part ends in the secret; 0 where it is the last part."""
        return (self.offset + self.end - self.begin) % len(self.secret)


def written(secret: str) -> bytes:
    """A secret as it stands in JSON."""
    return json.dumps(secret)[1:-1].encode()


def written_names(names: Mapping[str, str]) -> dict[bytes, str]:
    """The variables' names by the secret as it stands in JSON; `names` are by the secret itself."""
    return {written(secret): name for secret, name in names.items()}


def secret_spans(steps: Sequence[Step], secrets: Sequence[bytes]) -> dict[int, list[Span]]:
    """Where secrets stand, by the identity of the step; writes on one link may hold one together."""
    spans: dict[int, list[Span]] = {}
    flows: dict[tuple[str, str, int], list[Step]] = {}
    for step in steps:
        flows.setdefault((step.leg, step.what, step.who), []).append(step)
    for flow in flows.values():
        whole = b"".join(step.data for step in flow)
        for secret in secrets:
            begin = whole.find(secret)
            while begin >= 0:
                _mark(spans, flow, begin, secret)
                begin = whole.find(secret, begin + len(secret))
    for found in spans.values():
        found.sort()
    return spans


def shown(step: Step, spans: Sequence[Span], names: Mapping[bytes, str]) -> str:
    """An excerpt of a step's bytes, with the variables' names in the place of secrets."""
    at, parts = 0, []
    for span in spans:
        name = f"${names[span.secret]}"
        parts += [
            step.data[at : span.begin],
            (name if span.is_whole else f"({span.end - span.begin} bytes of {name})").encode(),
        ]
        at = span.end
    return excerpt(b"".join([*parts, step.data[at:]]).decode("utf-8", "backslashreplace"))


def without_secrets(text: str, names: Mapping[str, str]) -> str:
    """A text with the variables' names in the place of secrets; `names` are by the secret."""
    for secret, name in names.items():
        for form in _forms(secret):
            text = re.sub("|".join(_patterns(form)), f"${name}", text)
    return text


def _forms(secret: str) -> set[str]:
    """A secret as it may stand in a text: as it is, as in JSON, and either of them as Python quotes it."""
    plain = {secret, written(secret).decode()}
    quoted = {form.replace("\\", "\\\\") for form in plain}
    return plain | quoted | {form.replace("'", "\\'") for form in quoted}


def _patterns(secret: str) -> Iterator[str]:
    """What a secret looks like in a text: itself, or the part of it at which an excerpt was cut."""
    if len(secret) < LONG_CHARS:
        yield rf"(?<![A-Za-z0-9]){re.escape(secret)}(?![A-Za-z0-9])"
        return
    yield re.escape(secret)
    for size in range(len(secret) - 1, LONG_CHARS // 2, -1):
        yield f"{re.escape(secret[:size])}(?={re.escape(CUT)})"
        yield f"(?<={re.escape(CUT_ENDS)}){re.escape(secret[-size:])}"


def parted(data: bytes, keys: Iterable[bytes]) -> list[bytes]:
    """The data cut around keys: every other part is a key, from the second on."""
    longest_first = sorted(keys, key=len, reverse=True)
    return re.split(b"(" + b"|".join(map(re.escape, longest_first)) + b")", data) if longest_first else [data]


def _mark(spans: dict[int, list[Span]], flow: Sequence[Step], begin: int, secret: bytes) -> None:
    at = 0
    for step in flow:
        start, end = max(begin, at), min(begin + len(secret), at + len(step.data))
        if start < end:
            spans.setdefault(id(step), []).append(Span(start - at, end - at, secret, start - begin))
        at += len(step.data)
