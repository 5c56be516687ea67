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


class Example(NamedTuple):
    """A vector that shows a requirement: its title, and its lines as `conformance explain` prints them."""

    title: str
    lines: Sequence[str]


class Facts(NamedTuple):
    """All of it.

    Wrong hubs stand by the id of what they break, an exchange by the name of the error that it shows, and an example by
    the id of the requirement that it shows.
    """

    wrong_hubs: Mapping[str, Sequence[WrongHub]]
    error_exchanges: Mapping[str, Exchange]
    stories: Sequence[Story]
    examples: Mapping[str, Example]
