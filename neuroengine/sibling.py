"""Finds this installation's own `mockserver`, although a project may have a package of that name.

`mockserver` is a name that anybody may give to a folder of tests, and whoever comes first on the path gets it. Then the
project keeps the name, and ours is loaded from its place beside this package under another one: it names itself in
imports of the form `from mockserver.x import y` only, and those are read as imports of the other name.
"""

from __future__ import annotations

import ast
import sys
from functools import cache
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import find_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from types import CodeType, ModuleType

NAME: Final = "mockserver"
OTHER_NAME: Final = "neuroengine._mockserver"
"""What ours is called where a project has taken its name."""

_HOME: Final = Path(__file__).parent.with_name(NAME)


@cache
def mockserver() -> ModuleType:
    """Our own `mockserver`, the same one for as long as the process lives.

    Raises:
        ImportError: it is not there, or the extra `mock` is not installed; the sentence says what to do.
    """
    try:
        return import_module(NAME if _is_ours(_found()) else _other_name())
    except ImportError as error:
        if error.name in {NAME, None} or str(error.name).startswith(OTHER_NAME):
            raise
        why = f"the mock hub needs the package {error.name!r}; run: pip install 'neuroengine[mock]'"
        raise ImportError(why, name=error.name) from error


def _found() -> str | None:
    """The file of the `mockserver` that an import finds."""
    if NAME in sys.modules:
        return getattr(sys.modules[NAME], "__file__", None)
    spec = find_spec(NAME)
    return spec.origin if spec is not None else None


def _is_ours(file: str | None) -> bool:
    return file is not None and Path(file).resolve() == (_HOME / "__init__.py").resolve()


def _other_name() -> str:
    if not (_HOME / "__init__.py").is_file():
        why = (
            f"another package takes the name {NAME!r}, and neuroengine's own is not in {_HOME}; "
            "install neuroengine again, or rename the other one"
        )
        raise ImportError(why, name=NAME)
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())  # before those that read files as they are
    return OTHER_NAME


class _Finder(MetaPathFinder):
    """Finds ours under its other name."""

    def find_spec(self, fullname: str, *_: object) -> ModuleSpec | None:
        if not f"{fullname}.".startswith(f"{OTHER_NAME}."):
            return None
        place = _HOME.joinpath(*fullname.removeprefix(OTHER_NAME).split(".")[1:])
        file = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
        if not file.is_file():
            return None
        return spec_from_file_location(
            fullname,
            file,
            loader=_Loader(fullname, str(file)),
            submodule_search_locations=[str(place)] if place.is_dir() else None,
        )


class _Loader(SourceFileLoader):
    """Reads imports of our name as imports of the other one.

    Nothing is cached: the files' caches hold the usual code.
    """

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)

    def source_to_code(self, data: Any, path: Any, *, _optimize: int = -1) -> CodeType:  # type: ignore[override]
        tree = ast.parse(data, path)
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and f"{node.module}.".startswith(f"{NAME}."):
                node.module = OTHER_NAME + str(node.module).removeprefix(NAME)
        code: CodeType = compile(tree, path, "exec", dont_inherit=True, optimize=_optimize)
        return code
