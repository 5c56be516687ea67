"""Hubs that are wrong in how they let a client wait: in silence, for too long, or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockserver.state.answers import success
from mockserver.state.behaviour import Behaviour
from mockserver.state.streams import Poll, Stream
from mockserver.wrong.wrong_hub import Altered, WrongHub, keeping, of_streams
from neuroengine._generated.registry import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mockserver.state.answers import Answer
    from mockserver.state.sources import Source

_NEVER = 1e4


class OneBlank(Behaviour):
    """Sends one blank, and nothing more until the reply is there."""

    def wait_for_blank(self, limits: Mapping[str, float], blanks: int) -> float:
        """In time for the first one alone."""
        return super().wait_for_blank(limits, blanks) * (_NEVER if blanks else 1)


class BlanksTooRare(Behaviour):
    """Sends each blank but the first at five times the interval."""

    def wait_for_blank(self, limits: Mapping[str, float], blanks: int) -> float:
        """In time for the first one alone."""
        return super().wait_for_blank(limits, blanks) * (5 if blanks else 1)


class HeldForEver(Stream):
    """A stream that keeps a poll until there is text, however long that takes."""

    def _hold_ended(self, poll: Poll, now: float) -> None:
        """Goes on holding."""


class TimeoutUnseen(Altered):
    """Does not see that a provider has timed out."""

    def take(self, most: int, now: float) -> Answer | None:
        """Nothing, for the timeout."""
        answer = self._source.take(most, now)
        return None if answer is not None and answer.code == ErrorCode.PROVIDER_TIMEOUT else answer


class BlanksForEver(Behaviour):
    """Holds a poll with white space for ever."""

    stream_type = HeldForEver

    def source(self, source: Source) -> Source:
        """One that never times out."""
        return TimeoutUnseen(source)


class HeldInSilence(Behaviour):
    """Holds a poll without a word until its provider has timed out."""

    stream_type = HeldForEver

    def wait_for_blank(self, limits: Mapping[str, float], blanks: int) -> float:
        """No blank comes."""
        return super().wait_for_blank(limits, blanks) * _NEVER


class SlowIsTheEnd(Stream):
    """A stream that ends a poll which waited in vain with the empty reply."""

    def _hold_ended(self, poll: Poll, now: float) -> None:
        if poll in self._waiting:
            self._waiting.remove(poll)
            poll.deliver(success(""), now)


WRONG_HUBS = (
    WrongHub(
        "first_byte_late",
        "NE-ANS-014",
        "says nothing until the whole reply is there, however long it takes",
        keeping(keep_warm_s=_NEVER, provider_answer_s=_NEVER),
    ),
    WrongHub("one_blank", "NE-ANS-015", "sends one blank and no more", OneBlank),
    WrongHub("blanks_too_rare", "NE-ANS-015", "sends a blank now and then", BlanksTooRare),
    WrongHub("slow_is_the_end", "NE-STREAM-003", "ends a poll that waited in vain", of_streams(SlowIsTheEnd)),
    WrongHub("poll_held_in_silence", "NE-STREAM-012", "holds a poll without a word for too long", HeldInSilence),
    WrongHub("blanks_for_ever", "NE-STREAM-014", "holds a poll with white space for ever", BlanksForEver),
)
