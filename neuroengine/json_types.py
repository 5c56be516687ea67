"""The JSON types whose meaning pydantic's own strict types do not have.

JSON Schema calls every number without a fraction an integer, so `40.0` is one, while text and booleans never are.
"""

from __future__ import annotations

from typing import Annotated, Any

import pydantic


def _whole_float_to_int(value: Any) -> Any:
    """Turns a float without a fraction into the integer that it is; leaves everything else alone."""
    if type(value) is float and value.is_integer():
        return int(value)
    return value


StrictInt = Annotated[pydantic.StrictInt, pydantic.BeforeValidator(_whole_float_to_int)]
"""JSON Schema's `integer`: 40 and 40.0, never "40" or true."""
