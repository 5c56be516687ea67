"""Finds out what works between this machine and a hub, one step after the other.

Laws:

- Every step ends by a deadline; a host that is down is known after `Checkup.connect_s`, for both doors together.
- A step that failed says why and what to do; the steps behind it are not tried.
- The way is the client's own: the same settings, proxy and trust; what the steps find holds for every other command.
- The provider port sees a TLS handshake and no key. Keys and passwords are never told.
"""

from __future__ import annotations

import os
import queue
import re
import threading
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from neuroengine.doctor.doors import Checkup, HubDoor, ProviderDoor
from neuroengine.transport.probe import Obstacle
from neuroengine.transport.proxies import without_password
from neuroengine.transport.way import Skipped

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping

    from neuroengine.doctor.doors import Checks

__all__ = ["HUB", "PROVIDER", "Checkup", "Status", "Step", "environment", "examine"]

HUB, PROVIDER = "hub", "provider"
"""The two doors of a hub: for clients, and for providers."""

_IN_FORCE: Final = re.compile(r"NEUROENGINE_\w+|SSL_CERT_(FILE|DIR)|(HTTPS?|ALL|NO)_PROXY", re.IGNORECASE)
_SECRET: Final = re.compile(r"KEY|SECRET|TOKEN|PASSWORD", re.IGNORECASE)


class Status(StrEnum):
    """How a step ended."""

    OK = "ok"
    FAILED = "failed"
    NOT_TRIED = "not tried"


@dataclass(frozen=True, slots=True)
class Step:
    """One step and what came of it.

    Attributes:
        part: the door that was tried, `hub` or `provider`.
        name: the step's name.
        status: how it ended.
        detail: what was found, or why the step failed or was not tried.
        fix: what can be done, where it failed.
        seconds: how long it took.
    """

    part: str
    name: str
    status: Status
    detail: str
    fix: str = ""
    seconds: float = 0.0


def examine(checkup: Checkup) -> Generator[Step]:
    """Tries the steps and tells of each when it has ended: first the hub's door for clients, then that for providers.

    Both are tried at the same time, so that a host that is down costs its time once.
    """
    behind: queue.SimpleQueue[Step | None] = queue.SimpleQueue()

    def try_provider() -> None:
        try:
            for step in _steps(PROVIDER, provider_door.checks()):
                behind.put(step)
        finally:
            behind.put(None)

    provider_door, hub_door = ProviderDoor(checkup), HubDoor(checkup)
    tries_provider = checkup.with_provider and provider_door.is_known()
    if tries_provider:
        threading.Thread(target=try_provider, name="provider door", daemon=True).start()
    try:
        yield from _steps(HUB, hub_door.checks())
    finally:
        hub_door.close()
    if tries_provider:
        yield from iter(behind.get, None)
    elif checkup.with_provider:
        unknown = "nothing says where this hub's provider port is; --provider or NEUROENGINE_PROVIDER would"
        yield Step(PROVIDER, "settings", Status.NOT_TRIED, unknown)


def environment() -> Mapping[str, str]:
    """The variables in force that decide how a hub is reached; the values of keys and passwords are left out."""
    names = sorted(name for name, value in os.environ.items() if value and _IN_FORCE.fullmatch(name))
    return {name: "(set, not shown)" if _SECRET.search(name) else without_password(os.environ[name]) for name in names}


def _steps(part: str, checks: Checks) -> Iterator[Step]:
    """Tries one step after the other; those behind one that failed are not tried."""
    broken = ""
    for name, check in checks:
        if broken:
            yield Step(part, name, Status.NOT_TRIED, f"because {broken} failed")
            continue
        began = time.monotonic()
        status, fix = Status.OK, ""
        try:
            detail = check()
        except Skipped as skipped:
            status, detail = Status.NOT_TRIED, str(skipped)
        except Obstacle as obstacle:
            status, detail, fix = Status.FAILED, obstacle.reason, obstacle.fix
            broken = name
        yield Step(part, name, status, detail, fix, time.monotonic() - began)
