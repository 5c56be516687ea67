"""The library's loggers, below `neuroengine`. They are quiet until a program, or NEUROENGINE_LOG, wants to hear them.

What is logged holds no key and no prompt.
"""

from __future__ import annotations

import logging
import os
from typing import Final

LOG: Final = logging.getLogger("neuroengine")
"""What the client does: each exchange at DEBUG, each retry at INFO."""
PROVIDER_LOG: Final = logging.getLogger("neuroengine.provider")
"""What the provider does: logins at INFO, lost links at WARNING, callbacks that failed at ERROR."""

LOG.addHandler(logging.NullHandler())


def show_log(level: str) -> None:
    """Shows the library's log on standard error.

    Args:
        level: the least level that is shown: `debug`, `info`, `warning` or `error`.

    Raises:
        ValueError: the level is none of these.
    """
    levels = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
    if level.lower() not in levels:
        raise ValueError(f"the log level must be one of {', '.join(levels)}; it was {level!r}")
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    LOG.addHandler(handler)
    LOG.setLevel(levels[level.lower()])


if _wanted := os.environ.get("NEUROENGINE_LOG"):
    try:
        show_log(_wanted)
    except ValueError as error:  # a wrong variable is no reason for a program to end
        show_log("warning")
        LOG.warning("NEUROENGINE_LOG: %s", error)
