"""The public face of the generated models, and how a model list is read into them.

Importing this module brings pydantic; the library does so only when it is asked for a model list.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from pydantic import MISSING, TypeAdapter, ValidationError

from neuroengine._generated.models import ModelEntry, ModelList
from neuroengine.errors import ProtocolError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Model = ModelEntry
"""One service of a hub."""

__all__ = ["MISSING", "Model", "names_near", "read_models"]


def read_models(entries: list[dict[str, Any]]) -> list[Model]:
    """The entries of a model list as models; members that are not known are kept (NE-CLI-013).

    Raises:
        ProtocolError: an entry lacks a member or has one of a wrong type.
    """
    try:
        models: list[Model] = TypeAdapter(ModelList).validate_python(entries)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        fault = f"{place}: {first['msg']} ({error.error_count()} faults in all)"
        raise ProtocolError(f"the hub's model list is not as the spec says: {fault}", status=200) from None
    return models


def names_near(name: str, models: Iterable[Model]) -> Sequence[str]:
    """The services of a list that a misspelt name may mean, the nearest first; upper and lower case do not matter."""
    known = {model.name.casefold(): model.name for model in models}
    return [known[match] for match in difflib.get_close_matches(name.casefold(), known, n=3, cutoff=0.5)]
