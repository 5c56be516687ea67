"""What every test finds: a process that Ctrl-C can end, the same generated cases each time, and shared fixtures."""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING

import pytest
from admin_asker import Admin, admin_of
from doors import DOORS, Door
from hypothesis import HealthCheck, settings

from conformance.selftest.another.hub import Certificate
from mockserver.certificates import Authority
from neuroengine.transport.threads import BackgroundLoop

if TYPE_CHECKING:
    from collections.abc import Iterator


settings.register_profile(
    "tests",
    deadline=None,  # a busy machine takes its time
    suppress_health_check=[HealthCheck.too_slow],  # as this check is a deadline too
    derandomize="NE_EXAMPLES" not in os.environ,  # whoever asks for more cases wants other ones
)
settings.load_profile("tests")


def pytest_configure() -> None:
    """Takes SIGINT again where a shell started the tests in the background, and so ignores it for them.

    What a process ignores its children ignore too: no command that a test starts could be ended by Ctrl-C.
    """
    is_ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    if is_ignored and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(params=DOORS.values(), ids=list(DOORS))
def door(request: pytest.FixtureRequest) -> Door:
    """Each way to the mock hub, one after another."""
    one: Door = request.param
    return one


@pytest.fixture(scope="module")
def shared_admin() -> Iterator[Admin]:
    """A hub with an admin API for a whole module; a test takes `admin`."""
    with admin_of() as admin:
        yield admin


@pytest.fixture
def admin(shared_admin: Admin) -> Admin:
    """A hub with an admin API, as it was when it started."""
    shared_admin.hub.reset()
    return shared_admin


@pytest.fixture
def loop() -> Iterator[BackgroundLoop]:
    """An event loop in a thread of its own."""
    running = BackgroundLoop()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def certificate() -> Iterator[Certificate]:
    """A certificate for loopback, with the file of its authority."""
    authority = Authority()
    yield Certificate(authority.server_context(), authority.ca_file)
    authority.close()
