"""What is checked of a rule's values wherever they stand: times, lists, and what has to be JSON."""

from __future__ import annotations

import json
import math
from typing import Any


def check_seconds(name: str, value: float) -> None:
    """Checks a time.

    Raises:
        ValueError: it is no finite number of at least 0.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise ValueError(f"{name} must be a finite number of seconds, 0 or more; it was {value!r}")


def check_several(name: str, values: object) -> None:
    """Checks that a list is none of letters.

    Raises:
        TypeError: it is one text.
    """
    if isinstance(values, str):
        raise TypeError(f"{name} must be a list; it was the text {values!r}")


def check_json(name: str, value: Any) -> None:
    """Checks a member of an answer.

    Raises:
        ValueError: it cannot be written as JSON.
    """
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"the member {name!r} of an answer must be JSON: {error}") from None
