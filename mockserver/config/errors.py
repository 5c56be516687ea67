"""What is wrong with a configuration, in one sentence: the file, the key, the value, and what is allowed."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class ConfigError(ValueError):
    """Raised when a configuration cannot be read, or makes no sense."""


@contextmanager
def told_of(place: str) -> Iterator[None]:
    """Says where something is that is wrong inside the block."""
    try:
        yield
    except ValueError as error:
        raise ConfigError(f"{place}: {error}" if place else str(error)) from None
