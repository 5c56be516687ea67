"""What a page tells beside the spec, handed in by whoever knows it: the site's build asks the mock hub."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class WrongHub(NamedTuple):
    """A hub that breaks a requirement on purpose: its name, and what it does."""

    name: str
    summary: str


class Exchange(NamedTuple):
    """A request that was posted to a path, and what came back, as parsed JSON.

    `circumstances` says what had come before, where the request alone does not bring the answer about.
    """

    path: str
    body: str
    answer: Any
    circumstances: str = ""


class Arrow(NamedTuple):
    """One message of a sequence: who sends what to whom. `is_lost` marks one that did not arrive."""

    sender: str
    receiver: str
    text: str
    is_lost: bool = False


class Story(NamedTuple):
    """An exchange between several parties, in the order of time, with what there is to note."""

    name: str
    title: str
    summary: str
    steps: Sequence[Arrow | str]


class Facts(NamedTuple):
    """All of it: wrong hubs by the id of what they break, and for each error by its name an exchange that shows it."""

    wrong_hubs: Mapping[str, Sequence[WrongHub]]
    error_exchanges: Mapping[str, Exchange]
    stories: Sequence[Story]
