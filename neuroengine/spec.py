"""Finds and reads the spec: schemas, registry and vectors, as data.

An installed package holds the spec in `neuroengine/_spec`; a checkout holds it beside the package, in `spec/`.
Nothing else in the project knows where the files are, and nothing restates what they hold.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.resources.abc import Traversable

SCHEMA_NAMES = ("client", "provider")
"""The message schemas, `schemas/{name}.schema.json`."""


class SpecNotFound(RuntimeError):
    """Raised when neither the package nor the checkout holds the spec."""


@cache
def root() -> Traversable:
    """The folder that holds the spec.

    Raises:
        SpecNotFound: neither `neuroengine/_spec` nor `spec/` beside the package exists.
    """
    package = Path(__file__).parent
    installed, checkout = package / "_spec", package.parent / "spec"
    for folder in (installed, checkout):
        if folder.is_dir():
            return folder

    from importlib.resources import files  # here, because a package in an archive is rare, and zipfile takes a while

    if (archived := files("neuroengine") / "_spec").is_dir():
        return archived
    raise SpecNotFound(f"the spec is neither in {installed} nor in {checkout}; install neuroengine again")


def read_text(path: str) -> str:
    """The text of one file of the spec; `path` is relative to its root, with forward slashes."""
    return root().joinpath(*path.split("/")).read_text(encoding="utf-8")


def read_json(path: str) -> Any:
    """One JSON file of the spec, parsed."""
    return json.loads(read_text(path))


def read_toml(path: str) -> dict[str, Any]:
    """One TOML file of the spec, parsed."""
    import tomllib  # here, because a client's request needs the schemas alone

    return tomllib.loads(read_text(path))


def paths(folder: str = "") -> Iterator[str]:
    """Every file of the spec below `folder`, as sorted relative paths."""
    start = root().joinpath(*folder.split("/")) if folder else root()
    for entry in sorted(start.iterdir(), key=lambda found: found.name):
        path = f"{folder}/{entry.name}" if folder else entry.name
        if entry.is_dir():
            yield from paths(path)
        else:
            yield path


def schema(name: str) -> dict[str, Any]:
    """The message schema `client` or `provider`, as a JSON Schema 2020-12 document."""
    return dict(read_json(f"schemas/{name}.schema.json"))


def revision() -> str:
    """The spec's revision, a date."""
    return str(read_toml("registry/spec.toml")["revision"])


def errors() -> list[dict[str, Any]]:
    """The registry of errors, one mapping a row, in the order of the codes."""
    return list(read_toml("registry/errors.toml")["error"])


def limits() -> list[dict[str, Any]]:
    """The registry of limits, one mapping a row."""
    return list(read_toml("registry/limits.toml")["limit"])


def sections() -> list[dict[str, Any]]:
    """The spec's sections: anchor, title and summary."""
    return list(read_toml("registry/sections.toml")["section"])


def machines() -> list[dict[str, Any]]:
    """The state machines, one mapping a machine."""
    return list(read_toml("registry/machines.toml")["machine"])


def requirements() -> list[dict[str, Any]]:
    """The requirement catalogue, one mapping a row, file by file."""
    return [row for path in paths("registry/requirements") for row in read_toml(path)["requirement"]]


def unshown() -> dict[str, str]:
    """Why no exchange can be an example of a requirement, by the ids of those that no vector shows."""
    return {row["id"]: row["why"] for row in read_toml("registry/unshown.toml")["unshown"]}
