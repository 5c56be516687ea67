"""What a rule may answer of the hub's own: an error, or a model list. It needs no generation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from mockserver.rules.checks import check_json, check_seconds, check_several
from mockserver.state.answers import Answer, failure
from neuroengine._generated.registry import ERRORS, ErrorCode

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

RETRIED: Final = frozenset(entry.name for entry in ERRORS.values() if entry.retry != "no")
"""The errors after which a client may try again: `retry_after` says when."""

ERROR_NAMES: Final = tuple(entry.name for entry in ERRORS.values() if entry.code != ErrorCode.OK)
"""The errors that a rule may answer with."""

_MODELS_ENTRY: Final = "ModelsEntry"
_LISTED_MODEL: Final = "ListedModel"
"""The schema's definitions of a model list's entry, and of its members."""


@dataclass(frozen=True, slots=True)
class Fail:
    """An error of the registry, by its name.

    Args:
        error: the name, such as `queue_full`.
        retry_after: the seconds after which the client may try again; only for errors that may be retried.
        field: the request's field that the error is about.
        reply: the sentence for a person; without it the registry's.
    """

    error: str
    retry_after: float | None = None
    field: str | None = None
    reply: str | None = None

    def __post_init__(self) -> None:
        """Checks the name and what goes with it."""
        if self.error not in ERROR_NAMES:
            raise ValueError(f"there is no error {self.error!r}; the errors are {', '.join(ERROR_NAMES)}")
        if self.retry_after is not None:
            check_seconds("retry_after", self.retry_after)
            if self.error not in RETRIED:
                allowed = ", ".join(sorted(RETRIED))
                raise ValueError(f"retry_after does not go with {self.error!r}, only with {allowed}")

    @property
    def code(self) -> ErrorCode:
        """The error's code."""
        return ErrorCode[self.error.upper()]

    def answer(self) -> Answer:
        """The error as the hub says it."""
        answer = failure(self.code, ERRORS[self.code].when, field=self.field, retry_after=self.retry_after)
        if self.reply is None or not isinstance(answer.content, dict):
            return answer
        return Answer(answer.content | {"reply": self.reply}, answer.code)


@dataclass(frozen=True, slots=True)
class Models:
    """A model list, in answer to `getmodels`.

    Args:
        entries: a mapping of an entry's members, or its name alone; members that are left out have their defaults.
    """

    entries: tuple[Mapping[str, Any], ...]

    def __init__(self, entries: Iterable[str | Mapping[str, Any]]) -> None:
        from mockserver.rules.schema import SCHEMA_PATH, violation  # here, because few hubs script their list

        check_several("models", entries)
        given: list[Mapping[str, Any]] = []
        for number, one in enumerate(entries, start=1):
            if wrong := violation(one, SCHEMA_PATH, _MODELS_ENTRY):
                raise ValueError(f"model {number} of the list: {wrong.path or 'it'} {wrong.why}")
            given.append({"name": one} if isinstance(one, str) else dict(one))
            for member, value in given[-1].items():
                check_json(member, value)
        object.__setattr__(self, "entries", tuple(given))

    def answer(self) -> Answer:
        """The list as the hub sends it."""
        from mockserver.rules.schema import SCHEMA_PATH, definition

        defaults = {
            name: member.get("default") for name, member in definition(SCHEMA_PATH, _LISTED_MODEL)["properties"].items()
        }
        return Answer([defaults | dict(entry) for entry in self.entries])


OwnAnswer: TypeAlias = Fail | Models
"""An answer that needs no generation; `answer` gives it."""
