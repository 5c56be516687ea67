"""The backend that calls a function of the operator's own."""

from __future__ import annotations

import sys
from importlib import import_module
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING

from neuroengine.errors import ConfigurationError

if TYPE_CHECKING:
    from neuroengine.answering.callback import Answer


def function(name: str) -> Answer:
    """The callback named by `MODULE:FUNCTION`, imported from the current folder or from what is installed.

    It may be a plain function, a coroutine function or a generator of either kind; see `Answer`. A function inside a
    class is named with dots, `MODULE:CLASS.FUNCTION`. The current folder comes first, as it does for `python -m`.

    Raises:
        ConfigurationError: there is no such module or function, or the module fails to import.
    """
    module_name, _, path = name.partition(":")
    if not module_name or not path:
        raise ConfigurationError(
            f"'python:{name}' must be of the form python:MODULE:FUNCTION, such as python:bot:reply"
        )
    folder = str(Path.cwd())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        module = import_module(module_name)
    except Exception as error:
        raise ConfigurationError(_not_imported(module_name, folder, error)) from error
    try:
        found: Answer = attrgetter(path)(module)
    except AttributeError:
        raise ConfigurationError(f"the module {module_name!r} ({_home(module)}) has no {path!r}") from None
    if not callable(found):
        raise ConfigurationError(f"{path!r} of the module {module_name!r} is {type(found).__name__} and no function")
    return found


def _not_imported(name: str, folder: str, error: Exception) -> str:
    """Why a module could not be imported, and what to do."""
    if isinstance(error, ModuleNotFoundError) and error.name and f"{name}.".startswith(f"{error.name}."):
        return f"there is no module {name!r}, neither in {folder} nor among what is installed; check the name"
    reason = f"{type(error).__name__}: {error}"
    return f"the module {name!r} fails when it is imported ({reason}); see why with: python -c 'import {name}'"


def _home(module: object) -> str:
    return str(getattr(module, "__file__", None) or "built in")
