"""The control of checks that blame what is wrong with a stream's text on one thing: the same stream without that thing.

Law: where a stream that is polled plainly is not whole either, that is NE-STREAM-001, and says nothing of the thing.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NoReturn

from conformance.evidence import Violation, not_judged

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from conformance.judge import Judge
    from conformance.stream import Stream

CONTROLS: Final = 5
"""How many plain streams are read: a hub that slips now and then must not be lucky each time."""


def not_whole() -> NoReturn:
    """Ends a check that cannot tell what it looks for from a hub that loses, repeats or alters text anyway."""
    not_judged("a single stream is not whole either (NE-STREAM-001)")


@contextmanager
def plainly_whole(
    judge: Judge,
    fields: Mapping[str, Any],
    text: str,
    sizes: Sequence[int],
    path: str | None = None,
    *,
    has_errors: bool = True,
) -> Iterator[None]:
    """A breach inside counts only if plain streams of that text are whole; each is read with the next of the sizes.

    Without `has_errors` each of them counts up to its first error alone: for a check that blames errors.
    """
    try:
        yield
    except Violation:
        for number in range(CONTROLS):
            stream = judge.stream(fields, path=path)
            poll = stream.poll if has_errors else stream.try_once
            for _ in range(stream.most_polls):
                if not poll(gettokens=sizes[number % len(sizes)]).is_success or stream.has_ended:
                    break
            if not follows(stream, text):
                not_whole()
        raise


def follows(stream: Stream, text: str) -> bool:
    """Whether the pieces so far begin the text, and are all of it once the stream has ended."""
    return stream.text == text if stream.has_ended else text.startswith(stream.text)
