"""Hubs that are wrong in what they hand a provider of a client's request."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from struct import pack, unpack
from typing import TYPE_CHECKING, Any

from mockserver.state.behaviour import Behaviour
from mockserver.state.links import Link
from mockserver.state.services import Service
from mockserver.wrong.wrong_hub import Altered, InTwo, WrongHub, of_links, of_services, reading
from neuroengine._generated.models import GenerateRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mockserver.state.generations import Generation
    from mockserver.state.sources import Source

    Members = dict[str, Any]

_SINGLE_MOST = 3e38


def _handing(change: Callable[[Members, Members], Members]) -> type[Behaviour]:
    """A behaviour that hands other members on: `change` has those of a right hub, and those that the client sent."""

    class Handing(Behaviour):
        """Hands on something else."""

        def read_generation(self, request: dict[str, Any], limits: Mapping[str, float]) -> Generation:
            """Changes the members."""
            generation = super().read_generation(request, limits)
            return replace(generation, members=change(generation.members, request))

    return Handing


def _taking_along(*names: str) -> type[Behaviour]:
    """A behaviour that hands on members which a right hub keeps back."""
    return _handing(lambda members, sent: members | {name: sent[name] for name in names if name in sent})


def _message(change: Callable[[str], str]) -> type[Behaviour]:
    return _handing(lambda members, _: members | {"message": change(members["message"])})


def _known_alone(members: Members, _: Members) -> Members:
    return {name: value for name, value in members.items() if name in GenerateRequest.model_fields}


def _raw_as_boolean(members: Members, _: Members) -> Members:
    return members | {"raw": members["raw"] == "True"}


def _top_k_lowered(members: Members, _: Members) -> Members:
    return members | {"top_k": min(members["top_k"], 50)} if members.get("top_k") else members


def _seed_in_32_bits(members: Members, _: Members) -> Members:
    return members | {"seed": int(members["seed"]) % 2**32} if "seed" in members else members


def _raw_forgotten(members: Members, _: Members) -> Members:
    return members | {"raw": "False"}


def _numbers_in_single_precision(members: Members, _: Members) -> Members:
    return {
        name: unpack("f", pack("f", value))[0] if isinstance(value, float) and abs(value) < _SINGLE_MOST else value
        for name, value in members.items()
    }


def _unknown_as_text(members: Members, _: Members) -> Members:
    known = GenerateRequest.model_fields
    return {name: value if name in known else str(value) for name, value in members.items()}


class PollsNotForwarded(Link):
    """A link that takes every provider for a plain one."""

    def _service_for(self, login: dict[str, Any]) -> Any:
        login.pop("streaming", None)
        return super()._service_for(login)


def _polling(change: Callable[[Members], Members]) -> type[Behaviour]:
    """A behaviour that hands a streaming provider other polls on."""

    class Polling(Service):
        """Changes polls."""

        def frame(self, members: dict[str, Any]) -> bytes:
            """Changes one."""
            return super().frame(change(members) if "gettokens" in members else members)

    return of_services(Polling)


class PiecesCut(InTwo):
    """Cuts a streaming provider's piece in two halves."""

    def parts(self, text: str) -> tuple[str, str]:
        """The halves; what no provider streams stays whole."""
        half = (len(text) + 1) // 2 if self.forwards else len(text)
        return text[:half], text[half:]


class NotReadyEnds(Altered):
    """Takes a streaming provider's 17 for a failure."""

    def __init__(self, source: Source) -> None:
        super().__init__(source)
        self.forwards = False


WRONG_HUBS = (
    WrongHub("message_stripped", "NE-FWD-001", "strips the message", _message(str.strip)),
    WrongHub(
        "message_in_ascii",
        "NE-FWD-001",
        "writes ? for what is not ASCII in a message",
        _message(lambda text: text.encode("ascii", "replace").decode("ascii")),
    ),
    WrongHub(
        "message_normalised",
        "NE-FWD-001",
        "composes the characters of a message",
        _message(lambda text: unicodedata.normalize("NFC", text)),
    ),
    WrongHub(
        "message_lines_unified",
        "NE-FWD-001",
        "writes one kind of line ends into a message",
        _message(lambda text: "\n".join(text.splitlines())),
    ),
    WrongHub("seed_in_32_bits", "NE-FWD-002", "cuts a seed to 32 bits", _handing(_seed_in_32_bits)),
    WrongHub("raw_forgotten", "NE-FWD-002", "hands raw on as False", _handing(_raw_forgotten)),
    WrongHub(
        "single_precision",
        "NE-FWD-002",
        "rounds numbers to single precision",
        _handing(_numbers_in_single_precision),
    ),
    WrongHub(
        "unknown_members_as_text", "NE-FWD-005", "turns what it does not know into text", _handing(_unknown_as_text)
    ),
    WrongHub("top_k_lowered", "NE-FWD-002", "lowers top_k to 50", _handing(_top_k_lowered)),
    WrongHub(
        "default_of_its_own",
        "NE-FWD-003",
        "adds temperature 0.7 when there is none",
        _handing(lambda members, _: {"temperature": 0.7} | members),
    ),
    WrongHub("raw_as_boolean", "NE-FWD-004", "hands raw on as a boolean", _handing(_raw_as_boolean)),
    WrongHub("unknown_members_lost", "NE-FWD-005", "keeps back what it does not know", _handing(_known_alone)),
    WrongHub("ping_forwarded", "NE-FWD-006", "hands a member ping on", _taking_along("ping")),
    WrongHub("index_forwarded", "NE-FWD-007", "hands seq on", _taking_along("seq")),
    WrongHub("key_forwarded", "NE-FWD-008", "hands a plain provider the stream key", _taking_along("key", "gettokens")),
    WrongHub(
        "polls_not_forwarded", "NE-SPROV-001", "cuts a streaming provider's text itself", of_links(PollsNotForwarded)
    ),
    WrongHub(
        "gettokens_of_its_own",
        "NE-SPROV-001",
        "asks a streaming provider for 20 tokens always",
        _polling(lambda members: members | {"gettokens": 20}),
    ),
    WrongHub(
        "one_key_for_all",
        "NE-SPROV-001",
        "gives a streaming provider the same key for every stream",
        _polling(lambda members: members | {"key": "stream"}),
    ),
    WrongHub("pieces_cut", "NE-SPROV-002", "cuts a streaming provider's pieces", reading(PiecesCut)),
    WrongHub("not_ready_ends", "NE-SPROV-003", "ends a stream by a provider's 17", reading(NotReadyEnds)),
)
