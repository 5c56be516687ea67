"""What is wrong with a request, in a sentence that names the field, the value and what is allowed."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class Refusal(Exception):
    """Raised when a request is not done; `status` is the HTTP status, `allowed` the methods where another was used."""

    def __init__(self, status: HTTPStatus, why: str, *, allowed: Iterable[str] = ()) -> None:
        super().__init__(why)
        self.status = status
        self.allowed = tuple(allowed)


def wrong(why: str) -> Refusal:
    """The request makes no sense."""
    return Refusal(HTTPStatus.BAD_REQUEST, why)


def missing(why: str) -> Refusal:
    """What the path names is not there."""
    return Refusal(HTTPStatus.NOT_FOUND, why)
