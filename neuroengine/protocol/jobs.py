"""A client's request as a provider gets it: the members as the hub wrote them, and typed views of the known ones.

Reading is lenient: a field that is missing, or that no hub would have let through, counts as its default
(NE-PROV-017, NE-PROV-018).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, cast

from neuroengine.errors import InvalidField
from neuroengine.protocol import fields
from neuroengine.protocol.requests import SAMPLING_FIELDS

if TYPE_CHECKING:
    from neuroengine.protocol.requests import Sampling

_TRUE: Final = "True"
"""The canonical form of a true `raw` (NE-CLI-008)."""


class Request(Mapping[str, Any]):
    """One request to a provider: a mapping of its members, `request["message"]`, with unknown ones untouched.

    Args:
        members: the members, as the hub wrote them.
    """

    __slots__ = ("_members",)

    def __init__(self, members: Mapping[str, Any]) -> None:
        self._members = members

    @property
    def message(self) -> str:
        """The prompt; empty where a hub sent none."""
        message = self._members.get("message")
        return message if isinstance(message, str) else ""

    @property
    def sampling(self) -> Sampling:
        """How the reply is to be shaped: every field, with the spec's default where the request leaves it out.

        `raw` is a boolean here.
        """
        values = {name: self._read(name) for name in SAMPLING_FIELDS}
        values["raw"] = values["raw"] == _TRUE
        return cast("Sampling", values)

    @property
    def key(self) -> str:
        """The stream's key; empty when the whole reply is wanted at once."""
        key = self._members.get("key")
        return key if isinstance(key, str) else ""

    @property
    def gettokens(self) -> int:
        """The most tokens that a stream's piece may hold, 1 or more."""
        return int(self._read("gettokens"))

    def _read(self, name: str) -> Any:
        """The field in its canonical form."""
        default = fields.defaults()[name]
        try:
            return fields.check(name, self._members.get(name, default))
        except InvalidField:
            return fields.check(name, default)

    def __getitem__(self, name: str) -> Any:
        return self._members[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)

    def __repr__(self) -> str:
        shown = {name: "(not shown)" if name == "key" else value for name, value in self._members.items()}
        return f"Request({shown!r})"
