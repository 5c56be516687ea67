"""A mock hub: the whole protocol on this machine, for tests and for judging clients, providers and suites.

PYTEST_DONT_REWRITE: a program may import this before it runs pytest, which would warn of it.
"""

from __future__ import annotations

from mockserver.clock import Clock
from mockserver.hub import MockHub
from mockserver.state.plan import Pace
from mockserver.state.service_settings import ServiceSettings

__all__ = ["Clock", "MockHub", "Pace", "ServiceSettings"]
