"""httpx without its own command line, which it imports where rich, pygments and click are installed, as ours need them.

That would be a quarter of the CPU time of a program's first request. httpx takes it for not installed, which it allows
for; a program that wants `httpx._main` can still import it, and an httpx that was imported before stays as it is.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

__all__ = ["httpx"]

_COMMAND_LINE: Final = "httpx._main"
_LOADED: Final = sys.modules
if TYPE_CHECKING or "httpx" in _LOADED:
    import httpx
else:
    _LOADED[_COMMAND_LINE] = None  # Python's own way to say that a module cannot be imported
    try:
        import httpx
    finally:
        del _LOADED[_COMMAND_LINE]
