"""What an operator says about one service."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mockserver.state.allowed import service_name

if TYPE_CHECKING:
    from mockserver.state.plan import Pace

DEFAULT_KEY = "DEMOKEY"
"""The service key of a service that nobody gave one. It is no secret."""


def is_service_name(name: object) -> bool:
    """Whether a path can hold it (NE-HTTP-006)."""
    return service_name().holds(name)


@dataclass(frozen=True)
class ServiceSettings:
    """What an operator says about a service.

    `key` is the provider's secret. `access_keys`, when there are any, are what a client must show one of. `quota` is
    the most generations in `quota_window_s` seconds; none means no quota. `offline` starts without the simulated
    model. `pace` is how fast its text is let out; none takes the hub's.

    Raises:
        ValueError: the name is none that a path can hold (NE-HTTP-006), or a key or the quota makes no sense.
    """

    name: str
    key: str
    comment: str = ""
    operator: str = ""
    preprompt: str = ""
    endprompt: str = ""
    access_keys: tuple[str, ...] = ()
    quota: int | None = None
    quota_window_s: float = 60.0
    offline: bool = False
    pace: Pace | None = None

    def __post_init__(self) -> None:
        """Checks the name, the keys and the quota."""
        if not is_service_name(self.name):
            rule = "1 to 64 letters, digits, `.`, `_` or `-`, starting with a letter or digit"
            raise ValueError(f"the service name {self.name!r} is wrong: it must be {rule}")
        if not isinstance(self.key, str):
            raise self._wrong("key", "text")
        if isinstance(self.access_keys, str) or not all(isinstance(key, str) and key for key in self.access_keys):
            raise self._wrong("access_keys", "several texts that are not empty, as in (KEY,)")
        object.__setattr__(self, "access_keys", tuple(self.access_keys))
        if self.quota is not None and (type(self.quota) is not int or self.quota < 0):
            raise self._wrong("quota", f"a whole number, 0 or more; it was {self.quota!r}")
        if not 0 < self.quota_window_s < math.inf:
            raise self._wrong("quota_window_s", f"a finite number of seconds above 0; it was {self.quota_window_s!r}")

    def _wrong(self, setting: str, rule: str) -> ValueError:
        return ValueError(f"the {setting} of the service {self.name!r} must be {rule}")

    def __repr__(self) -> str:
        """The name alone: a key must not reach a log."""
        return f"ServiceSettings(name={self.name!r})"
