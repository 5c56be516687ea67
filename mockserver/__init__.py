"""A mock hub: the whole protocol on this machine, for tests and for judging clients, providers and suites."""

from __future__ import annotations

from mockserver.clock import Clock
from mockserver.hub import MockHub
from mockserver.state.plan import Pace
from mockserver.state.services import ServiceSettings

__all__ = ["Clock", "MockHub", "Pace", "ServiceSettings"]
