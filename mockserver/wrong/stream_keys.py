"""Hubs that are wrong in the life of a stream key: whose text it gives, what it repeats, and when it is forgotten."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from mockserver.state.answers import Answer, success
from mockserver.state.behaviour import Behaviour
from mockserver.state.generations import Refused
from mockserver.state.streams import Poll, Stream
from mockserver.wrong.wrong_hub import WrongHub, is_end, keeping, of_streams
from neuroengine._generated.machines import HubStreamState

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mockserver.state.generations import Generation
    from mockserver.state.services import Service


class PollWithoutMessage(Behaviour):
    """Goes on with a stream when a poll has no message."""

    def __init__(self) -> None:
        self._messages: dict[str, str] = {}

    def read_generation(self, request: dict[str, Any], limits: Mapping[str, float]) -> Generation:
        """Adds the stream's message to a poll that has none."""
        key = request.get("key")
        if isinstance(key, str) and "message" not in request:
            request = request | {"message": self._messages.get(key, "")}
        generation = super().read_generation(request, limits)
        self._messages[generation.key] = generation.message
        return generation


class FailedKeyKept(Behaviour):
    """Repeats the failure of a stream that never had a piece."""

    def __init__(self) -> None:
        self._begun: set[str] = set()
        self._failures: dict[str, Answer] = {}

    def read_generation(self, request: dict[str, Any], limits: Mapping[str, float]) -> Generation:
        """Refuses the key of such a stream."""
        generation = super().read_generation(request, limits)
        if generation.key in self._failures:
            raise Refused(self._failures[generation.key])
        return generation

    def answer(self, request: dict[str, Any], answer: Answer) -> Answer:
        """Notes the failure."""
        key = request.get("key")
        if isinstance(key, str) and key and not answer.code:
            self._begun.add(key)
        elif isinstance(key, str) and answer.code == 13 and key not in self._begun:
            self._failures[key] = answer
        return answer


class FailureIsTheEnd(Stream):
    """A stream that ends when it was asked again after a failure."""

    def _answer(self, poll: Poll, now: float) -> Answer | None:
        return super()._answer(poll, now) if self._failure is None else success("")


class FailureIsEmpty(Stream):
    """A stream that is empty when it fails before the first piece."""

    def _failed(self, answer: Answer, now: float) -> Answer:
        failed = super()._failed(answer, now)
        return failed if self._next_seq else success("")


class FailureWithoutCode(Stream):
    """A stream that tells its failure behind a piece as a sentence without a code."""

    def _failed(self, answer: Answer, now: float) -> Answer:
        if self._next_seq and isinstance(answer.content, dict):
            answer = answer._replace(content={"reply": answer.content["reply"]})
        return super()._failed(answer, now)


class FailureFreesKey(Stream):
    """A stream that frees its key by a failure, whatever was delivered."""

    def _keep(self, now: float) -> None:
        super()._keep(now)
        if self.state is HubStreamState.BROKEN:
            self._time_to_forget(now)


class EndStartsAgain(Behaviour):
    """Starts a new generation when the end is asked for again."""

    def __init__(self) -> None:
        self._rounds: dict[str, int] = {}

    def stream_name(self, service: Service, generation: Generation) -> tuple[str, str]:
        """Another name for each round of the key."""
        return service.settings.name, f"{generation.key}#{self._rounds.get(generation.key, 0)}"

    def answer(self, request: dict[str, Any], answer: Answer) -> Answer:
        """Counts the ends."""
        if request.get("key") and not answer.code and is_end(answer):
            self._rounds[request["key"]] = self._rounds.get(request["key"], 0) + 1
        return answer


class AskingAgain(Behaviour):
    """Asks a plain provider again at a later poll, and throws its second reply away."""

    _after_end = False
    """Whether it does so at polls behind the end, or at those before it."""

    def __init__(self) -> None:
        self._ended: set[str] = set()
        self._generation: Generation | None = None

    def read_generation(self, request: dict[str, Any], limits: Mapping[str, float]) -> Generation:
        """Remembers what was asked."""
        self._generation = super().read_generation(request, limits)
        return self._generation

    def count(self, service: Service, now: float, *, is_new: bool) -> None:
        """Asks again."""
        super().count(service, now, is_new=is_new)
        generation = self._generation
        if is_new or generation is None or service.answers_itself or service.streams_itself:
            return
        if (generation.key in self._ended) == self._after_end:
            service.submit(service.frame(generation.members), lambda *_: None, now)

    def answer(self, request: dict[str, Any], answer: Answer) -> Answer:
        """Notes the end."""
        if isinstance(key := request.get("key"), str) and not answer.code and is_end(answer):
            self._ended.add(key)
        return answer


class EndGenerates(AskingAgain):
    """Asks the provider again for the sake of a repeated end."""

    _after_end = True


class KeyUsedUp(Stream):
    """A stream that takes no other message when it has ended."""

    def gives_way_to(self, message: str) -> bool:
        """Never."""
        return False


class DroppedIsForgotten(Stream):
    """A stream whose key is new as soon as the stream is dropped."""

    def _keep(self, now: float) -> None:
        super()._keep(now)
        if self.state is HubStreamState.DROPPED:
            self._time_to_forget(now)


class KeysShared(Behaviour):
    """Takes every key for that of the stream that is open, until it has ended."""

    def __init__(self) -> None:
        self._open: Generation | None = None

    def read_generation(self, request: dict[str, Any], limits: Mapping[str, float]) -> Generation:
        """Lets a poll continue the open stream, whatever its own key and message."""
        generation = super().read_generation(request, limits)
        if not generation.key:
            return generation
        self._open = self._open or generation
        return replace(generation, key=self._open.key, message=self._open.message)

    def answer(self, request: dict[str, Any], answer: Answer) -> Answer:
        """Notes the end."""
        if request.get("key") and is_end(answer):
            self._open = None
        return answer


def finding_streams_by(part: Callable[[str], str]) -> type[Behaviour]:
    """A behaviour that takes keys for one where this of them is the same."""

    class FindingStreams(Behaviour):
        """Compares keys loosely."""

        def stream_name(self, service: Service, generation: Generation) -> tuple[str, str]:
            """The service, and what is compared of the key."""
            return service.settings.name, part(generation.key)

    return FindingStreams


def letter_by_letter(key: str) -> str:
    """A key without accents and the like, as some databases compare it."""
    return "".join(part for part in unicodedata.normalize("NFD", key) if not unicodedata.combining(part))


class ServicesShareKeys(Behaviour):
    """Finds a stream by its key alone."""

    def stream_name(self, service: Service, generation: Generation) -> tuple[str, str]:
        """The same name at every service."""
        return "", generation.key


class PatienceFromTheBeginning(Stream):
    """A stream that may not last longer than the limit of its pauses, however often it is polled."""

    def _check_idle(self, now: float) -> None:
        self._last_poll = 0.0
        super()._check_idle(now)


WRONG_HUBS = (
    WrongHub("poll_without_message", "NE-STREAM-010", "goes on when a poll has no message", PollWithoutMessage),
    WrongHub(
        "failure_is_empty", "NE-PANS-009", "answers a poll of a failed stream with the end", of_streams(FailureIsEmpty)
    ),
    WrongHub("failed_key_kept", "NE-STREAM-015", "repeats a failure that came before the first piece", FailedKeyKept),
    WrongHub("failure_is_the_end", "NE-STREAM-016", "ends a stream behind its failure", of_streams(FailureIsTheEnd)),
    WrongHub(
        "failure_without_code", "NE-STREAM-016", "tells a failure without its code", of_streams(FailureWithoutCode)
    ),
    WrongHub("failure_frees_key", "NE-STREAM-016", "starts anew behind a failure", of_streams(FailureFreesKey)),
    WrongHub("stream_end_starts_again", "NE-STREAM-017", "generates when the end is asked for again", EndStartsAgain),
    WrongHub("end_generates", "NE-STREAM-018", "asks the provider again for a repeated end", EndGenerates),
    WrongHub("key_used_up", "NE-STREAM-019", "takes no new message after the end", of_streams(KeyUsedUp)),
    WrongHub("short_patience", "NE-STREAM-020", "drops a stream too soon", keeping(stream_idle_s=0.1)),
    WrongHub(
        "patience_from_the_beginning",
        "NE-STREAM-020",
        "drops a stream in use when it has lasted as long as a pause may",
        of_streams(PatienceFromTheBeginning),
    ),
    WrongHub("abandoned_kept", "NE-STREAM-021", "never drops a stream", keeping(stream_idle_s=1000)),
    WrongHub("dropped_never_new", "NE-STREAM-022", "never forgets a dropped stream", keeping(end_kept_s=1000)),
    WrongHub("stream_keys_shared", "NE-STREAM-025", "takes every key for that of the open stream", KeysShared),
    WrongHub("keys_ignore_case", "NE-STREAM-025", "compares keys without case", finding_streams_by(str.lower)),
    WrongHub(
        "keys_ignore_blanks", "NE-STREAM-025", "compares keys without blanks around", finding_streams_by(str.strip)
    ),
    WrongHub("keys_ignore_accents", "NE-STREAM-025", "compares plain letters", finding_streams_by(letter_by_letter)),
    WrongHub(
        "keys_cut_at_16", "NE-STREAM-025", "compares 16 characters of a key", finding_streams_by(itemgetter(slice(16)))
    ),
    WrongHub(
        "keys_cut_at_255",
        "NE-STREAM-025",
        "compares 255 characters of a key",
        finding_streams_by(itemgetter(slice(255))),
    ),
    WrongHub("services_share_keys", "NE-STREAM-026", "finds a stream by its key alone", ServicesShareKeys),
    WrongHub(
        "dropped_is_forgotten", "NE-CODE-018", "knows nothing of a dropped stream", of_streams(DroppedIsForgotten)
    ),
    WrongHub("asked_again", "NE-FWD-009", "asks a plain provider at every poll", AskingAgain),
)
