"""Hubs that are wrong in the form of their answers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from mockserver.model import SimulatedModel
from mockserver.state.answers import Answer, success
from mockserver.state.behaviour import Behaviour
from mockserver.state.generations import read_generation
from mockserver.state.jobs import Job
from mockserver.state.services import Service
from mockserver.wrong.wrong_hub import WrongHub, answering, of_services
from neuroengine._generated.registry import ERRORS, ErrorCode

if TYPE_CHECKING:
    from collections.abc import Callable

    from mockserver.state.behaviour import Headers

    Members = dict[str, Any]

_OVERLAP_S = 0.05


def _code_left_out(content: Members) -> Members:
    return content if content["errorcode"] else {"reply": content["reply"]}


def _error_left_out(content: Members) -> Members:
    return {name: value for name, value in content.items() if name != "error"}


def _success_named(content: Members) -> Members:
    return content if content["errorcode"] else content | {"error": ERRORS[0].name}


def _every_code_named(content: Members) -> Members:
    code = content["errorcode"]
    return content | {"error": ERRORS[code].name if code in ERRORS else "unknown"} if code else content


class Latin1Answers(Behaviour):
    """Writes its answers in Latin-1."""

    def render(self, answer: Answer) -> bytes:
        """Writes what Latin-1 has, and question marks for the rest."""
        content = answer.content
        if isinstance(content, dict) and not answer.code:
            content = content | {"reply": content["reply"] + "\u00e9" if content["reply"] else ""}
        return json.dumps(content, ensure_ascii=False).encode("latin-1", "replace")


class RawAnswers(Behaviour):
    """Writes its answers in raw UTF-8."""

    def render(self, answer: Answer) -> bytes:
        """Escapes nothing that need not be."""
        return json.dumps(answer.content, ensure_ascii=False).encode("utf-8", "replace")


class UnknownServiceIsPage(Behaviour):
    """Answers for an unknown service with a page for a browser."""

    def render(self, answer: Answer) -> bytes:
        """The page."""
        page = b"<!doctype html><title>Not found</title>"
        return page if answer.code == ErrorCode.UNKNOWN_SERVICE else super().render(answer)


class SuccessIsCreated(Behaviour):
    """Answers a success with status 201."""

    def status(self, answer: Answer, status: int) -> int:
        """Another status."""
        return status if answer.code else 201


class LengthLeftOut(Behaviour):
    """Sends every answer in chunks, without its length."""

    def headers(self, headers: Headers) -> Headers:
        """Takes the length out."""
        return tuple(header for header in headers if header[0] != b"content-length")


class OverlappingRepliesSwapped(Service):
    """A service that takes its time, and mixes up the replies to requests that it works on at the same time."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.answers_itself = False
        self._model = SimulatedModel()
        self._begun: list[tuple[Job, Answer]] = []

    def entry(self) -> dict[str, Any]:
        """Connected, although no provider is there."""
        return super().entry() | {"connected": True}

    def submit(self, frame: bytes, done: Callable[[Answer, float], None], now: float, **more: Any) -> Job:
        """Begins to generate."""
        job = Job(self, frame, done, **more)
        generation = read_generation(json.loads(frame), int(self._limits["max_new_len_tokens"]))
        reply = "".join(self._model.tokens(generation.message, generation.sampling))
        self._begun.append((job, success(reply)))
        self._timers.at(now + _OVERLAP_S, self._finish_all)
        return job

    def withdraw(self, job: Job, now: float) -> None:
        """Goes on generating."""

    def _finish_all(self, now: float) -> None:
        begun, self._begun = self._begun, []
        jobs, answers = [job for job, _ in begun], [answer for _, answer in begun]
        for job, answer in zip(jobs, answers[1:] + answers[:1], strict=True):
            job.finish(answer, now)


class WholeReplyCut(Behaviour):
    """Gives the first 100 words of a whole reply, and no more."""

    def answer(self, request: dict[str, Any], answer: Answer) -> Answer:
        """Cuts it."""
        if request.get("key") or answer.code or isinstance(answer.content, list):
            return answer
        words = answer.content["reply"].split(" ")
        return Answer(answer.content | {"reply": " ".join(words[:100])})


class FirstByteLate(Behaviour):
    """Says nothing until the whole reply is there."""

    def kept_limits(self, limits: dict[str, float]) -> dict[str, float]:
        """No blank comes within any provider's patience."""
        return limits | {"keep_warm_s": 2 * limits["provider_answer_s"]}


WRONG_HUBS = (
    WrongHub("latin1_answers", "NE-ANS-001", "writes its answers in Latin-1", Latin1Answers),
    WrongHub(
        "reply_as_list",
        "NE-ANS-002",
        "puts the reply into a list",
        answering(lambda content: content | {"reply": [content["reply"]]}),
    ),
    WrongHub(
        "code_as_text",
        "NE-ANS-003",
        "writes errorcode as a string",
        answering(lambda content: content | {"errorcode": str(content["errorcode"])}),
    ),
    WrongHub("code_left_out", "NE-ANS-003", "leaves errorcode out when all is well", answering(_code_left_out)),
    WrongHub(
        "success_is_200",
        "NE-ANS-004",
        "writes errorcode 200 for success",
        answering(lambda content: content | {"errorcode": content["errorcode"] or 200}),
    ),
    WrongHub("whole_reply_cut", "NE-ANS-005", "cuts a whole reply after 100 words", WholeReplyCut),
    WrongHub(
        "overlapping_replies_swapped",
        "NE-ANS-006",
        "mixes up the replies to requests at the same time",
        of_services(OverlappingRepliesSwapped),
    ),
    WrongHub("unknown_service_is_page", "NE-ANS-008", "answers for unknown services in HTML", UnknownServiceIsPage),
    WrongHub("success_is_created", "NE-ANS-009", "answers a success with status 201", SuccessIsCreated),
    WrongHub("raw_answers", "NE-ANS-012", "writes its answers in raw UTF-8", RawAnswers),
    WrongHub("length_left_out", "NE-ANS-013", "sends no Content-Length", LengthLeftOut),
    WrongHub("first_byte_late", "NE-ANS-014", "says nothing until the whole reply is there", FirstByteLate),
    WrongHub("error_name_left_out", "NE-ANS-016", "leaves out the name of an error", answering(_error_left_out)),
    WrongHub("every_code_named", "NE-ANS-017", "names a provider's own codes too", answering(_every_code_named)),
    WrongHub("success_named", "NE-ANS-018", 'adds "error": "ok" to a success', answering(_success_named)),
)
