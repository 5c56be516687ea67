"""Keys that a configuration refers to instead of holding them. No error shows a part of one."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, Final

from mockserver.state.service_settings import DEFAULT_KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path


_SECRET: Final = re.compile(r"(^|\.)(key|access_keys)\b")


def without_secret(path: str, why: str) -> str:
    """What is wrong at a place in the data, without the value where that may be a key."""
    return why.partition("; it was ")[0] if _SECRET.search(path) else why


def service_key(entry: Mapping[str, Any], path_of: Callable[[Any], Path]) -> str:
    """A service's key; without any the mock hub's own.

    Raises:
        ValueError: it is given twice, or is not where it should be.
    """
    _check_once(entry, "key", "key_env", "key_file")
    keys = [entry["key"]] if "key" in entry else _referred(entry, "key", path_of)
    if keys is None:
        return DEFAULT_KEY
    if len(keys) != 1:
        raise ValueError(f"{_referrer(entry, 'key')} must hold one key; it holds {len(keys)}, by white space")
    return str(keys[0])


def access_keys(entry: Mapping[str, Any], path_of: Callable[[Any], Path]) -> tuple[str, ...]:
    """A service's access keys.

    Raises:
        ValueError: they are given twice, or are not where they should be.
    """
    _check_once(entry, "access_keys", "access_keys_env", "access_keys_file")
    if "access_keys" in entry:
        return tuple(entry["access_keys"])
    return tuple(_referred(entry, "access_keys", path_of) or ())


def _check_once(entry: Mapping[str, Any], *names: str) -> None:
    given = [name for name in names if name in entry]
    if len(given) > 1:
        raise ValueError(f"{given[0]} and {given[1]} exclude each other: give one of them")


def _referrer(entry: Mapping[str, Any], name: str) -> str:
    return next(one for one in (f"{name}_env", f"{name}_file") if one in entry)


def _referred(entry: Mapping[str, Any], name: str, path_of: Callable[[Any], Path]) -> list[str] | None:
    """The keys that an entry refers to; none where it refers to none."""
    if (variable := entry.get(f"{name}_env")) is not None:
        text = os.environ.get(variable)
        if text is None or not text.strip():
            state = "has no variable" if text is None else "has nothing in the variable"
            raise ValueError(f"{name}_env: the environment {state} {variable!r}; set it, or leave {name}_env out")
        return text.split()
    if f"{name}_file" not in entry:
        return None
    path = path_of(entry[f"{name}_file"])
    try:
        keys = path.read_text(encoding="utf-8").split()
    except OSError as error:
        raise ValueError(f"{name}_file: {path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{name}_file: {path} is not UTF-8") from None
    if not keys:
        raise ValueError(f"{name}_file: {path} holds no key")
    return keys
