"""A piece of the Python API as Markdown, for the twins of pages whose HTML mkdocstrings makes."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

import griffe

from tools import source

if TYPE_CHECKING:
    from collections.abc import Iterator

PRIVATE: Final = ("_", "pytest_", "MARKER")


def text_of(path: str) -> str:
    """A module, class or function: its signature, its docstring, and the same for what it holds.

    Raises:
        KeyError: there is no such object.
    """
    package, _, rest = path.partition(".")
    found = _package(package)[rest]
    return "\n".join(_lines(found.final_target if isinstance(found, griffe.Alias) else found, found.name, 2))


@cache
def _package(name: str) -> griffe.Module:
    loaded = griffe.load(name, search_paths=[source.ROOT], resolve_aliases=True, docstring_parser="google")
    if not isinstance(loaded, griffe.Module):
        raise TypeError(f"{name} is no package")
    return loaded


def _lines(found: griffe.Object, name: str, level: int) -> Iterator[str]:
    if not isinstance(found, griffe.Module):
        yield f"{'#' * level} {name}\n\n```python\n{_signature(found, name)}\n```\n"
    if found.docstring:
        yield f"{found.docstring.value}\n"
    if isinstance(found, griffe.Module | griffe.Class):
        for member in found.all_members.values():
            shown = member.final_target if isinstance(member, griffe.Alias) and member.inherited else member
            if isinstance(shown, griffe.Object) and shown.docstring and not member.name.startswith(PRIVATE):
                yield from _lines(shown, member.name, level + 1)


def _signature(found: griffe.Object, name: str) -> str:
    if isinstance(found, griffe.Function):
        return found.signature(name=name)
    if isinstance(found, griffe.Class):
        return f"class {found.signature(name=name)}"
    return f"{name}: {found.annotation}" if isinstance(found, griffe.Attribute) and found.annotation else name
