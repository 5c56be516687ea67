"""The pytest plugin: a mock hub for every test, ready and fresh.

It is loaded wherever neuroengine and pytest are installed, so it does nothing, and imports nothing but pytest, until a
test asks for one of its fixtures. `-p no:neuroengine` leaves it out.

In this process, fresh for each test:

- `neuroengine_hub`           a hub without a socket; its doors are `hub.transport()` and `hub.async_transport()`
- `neuroengine_api`           the same hub in place of the published one, for all code that asks it by httpx
- `neuroengine_client`        a `Client` of it
- `neuroengine_async_client`  an `AsyncClient` of it

As a server, which the tests of a process share and which is as new for each:

- `neuroengine_server`        the hub; its addresses are `hub.url` and `hub.provider`
- `neuroengine_ca_file`       the PEM file to trust, for the whole session
- `neuroengine_environment`   the hub; the environment's variables say where it is and whom to trust

`@pytest.mark.neuroengine("Hello!", limits={"queue_s": 1})` says what a test's hubs answer, and their settings. The
session fixture `neuroengine_settings`, which a `conftest.py` may override, holds settings for all tests.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from mockserver import MockHub
    from neuroengine.client import AsyncClient, Client

MARKER: Final = "neuroengine"
_HUB: Final = pytest.StashKey["MockHub"]()
"""The hub that a test uses."""
_SHOWN: Final = 20
"""How many exchanges a report shows."""


def pytest_load_initial_conftests(early_config: pytest.Config, args: list[str]) -> None:
    """Brings in the conformance suite, and its options, where the command line judges a hub by it.

    That is `pytest --pyargs conformance --ne-target URL`: pytest looks for the options of a package's own too late.
    """
    if any(argument.startswith("--ne-target") for argument in args):
        early_config.pluginmanager.import_plugin("conformance.plugin")


def pytest_configure(config: pytest.Config) -> None:
    """Makes the marker known."""
    config.addinivalue_line(
        "markers",
        f"{MARKER}(*replies, **settings): what the mock hubs of a test answer, one text after another and the last one "
        "for ever; and their settings, by the names that MockHub has for them. base_url is the address that "
        "neuroengine_api takes over.",
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Shows with a test that failed what its hub saw."""
    report = yield
    if report.failed and _HUB in item.stash:
        report.sections.append(("neuroengine: what the mock hub saw", _story(item.stash[_HUB])))
    return report


@pytest.fixture(scope="session")
def neuroengine_settings() -> dict[str, Any]:
    """The settings that all hubs of the session begin with; override it in a `conftest.py`."""
    return {}


@pytest.fixture
def neuroengine_hub(request: pytest.FixtureRequest, neuroengine_settings: dict[str, Any]) -> Iterator[MockHub]:
    """A fresh hub in this process. It is no server until a test starts it; it is stopped in the end."""
    hub = _kind_of_hub()(**neuroengine_settings)
    _Wanted(request.node).prepare(hub)
    request.node.stash[_HUB] = hub
    yield hub
    hub.stop()


@pytest.fixture
def neuroengine_api(request: pytest.FixtureRequest, neuroengine_hub: MockHub) -> Iterator[MockHub]:
    """The test's hub, in place of the published one or of the marker's `base_url`, for all code that uses httpx."""
    base_url = _Wanted(request.node).base_url
    with neuroengine_hub.in_place_of() if base_url is None else neuroengine_hub.in_place_of(base_url):
        yield neuroengine_hub


@pytest.fixture
def neuroengine_client(neuroengine_hub: MockHub) -> Iterator[Client]:
    """A client of the test's hub, of its first service; what it waits is on the hub's clock."""
    from neuroengine.client import Client

    clock = neuroengine_hub.clock
    with Client(
        transport=neuroengine_hub.transport(), clock=clock.time, sleep=clock.sleep, **_access(neuroengine_hub)
    ) as client:
        yield client


@pytest.fixture
def neuroengine_async_client(neuroengine_hub: MockHub) -> AsyncClient:
    """An async client of the test's hub; see `neuroengine_client`. It holds no connection that had to be closed."""
    from neuroengine.client import AsyncClient

    clock = neuroengine_hub.clock
    return AsyncClient(
        transport=neuroengine_hub.async_transport(),
        clock=clock.time,
        sleep=clock.sleep_async,
        **_access(neuroengine_hub),
    )


@pytest.fixture(scope="session")
def _neuroengine_running(neuroengine_settings: dict[str, Any]) -> Iterator[MockHub]:
    """The process's one running hub."""
    with _kind_of_hub()(**neuroengine_settings) as hub:
        yield hub


@pytest.fixture
def neuroengine_server(request: pytest.FixtureRequest, _neuroengine_running: MockHub) -> Iterator[MockHub]:
    """The running hub that the tests of this process share, as new for this test."""
    _Wanted(request.node).prepare(_neuroengine_running)
    request.node.stash[_HUB] = _neuroengine_running
    yield _neuroengine_running
    _neuroengine_running.reset()


@pytest.fixture(scope="session")
def neuroengine_ca_file(_neuroengine_running: MockHub) -> str:
    """The PEM file of the authority that `neuroengine_server` has its certificate from."""
    return _neuroengine_running.ca_file


@pytest.fixture
def neuroengine_environment(neuroengine_server: MockHub, monkeypatch: pytest.MonkeyPatch) -> MockHub:
    """The running hub; the environment says where it is and whom to trust, also to programs that the test starts."""
    monkeypatch.setenv("NEUROENGINE_URL", neuroengine_server.url)
    monkeypatch.setenv("NEUROENGINE_PROVIDER", neuroengine_server.provider)
    monkeypatch.setenv("NEUROENGINE_SERVICE", neuroengine_server.services[0].name)
    monkeypatch.setenv("SSL_CERT_FILE", neuroengine_server.ca_file)
    return neuroengine_server


class _Wanted:
    """What a test's markers say; those nearer to the test have the last word."""

    def __init__(self, test: pytest.Item) -> None:
        self._replies: tuple[Any, ...] = ()
        self._settings: dict[str, Any] = {}
        for mark in reversed(list(test.iter_markers(MARKER))):
            self._replies = mark.args or self._replies
            self._settings |= mark.kwargs
        self.base_url: str | None = self._settings.pop("base_url", None)
        if isinstance(rules := self._settings.get("rules"), str | Path):
            # A file of rules lies beside the tests that use it, wherever pytest was started.
            self._settings["rules"] = test.path.parent / rules

    def prepare(self, hub: MockHub) -> None:
        """Gives a hub that is as new these settings and replies; a marker that is wrong fails the test."""
        problem = ""
        try:
            if self._settings:
                hub.reset(**self._settings)
            if self._replies:
                hub.on().sequence(self._replies)
        except (TypeError, ValueError) as error:
            problem = str(error)
        if problem:
            pytest.fail(f"the marker {MARKER} is wrong: {problem}", pytrace=False)


def _kind_of_hub() -> type[MockHub]:
    from neuroengine.sibling import mockserver  # here, because it brings everything

    kind: type[MockHub] = mockserver().MockHub
    return kind


def _story(hub: MockHub) -> str:
    """The hub's last exchanges, and the rules that never had a say."""
    count = len(hub.journal)
    lines = [f"{entry}\n    {entry.near_miss}" if entry.near_miss else f"{entry}" for entry in hub.journal[-_SHOWN:]]
    if count > _SHOWN:
        lines.insert(0, f"… {count - _SHOWN} exchanges before these")
    unused = [f"never applied: {rule.label}" for rule in hub.rules.unused()]
    return "\n".join([*(lines or ["no request came"]), *unused])


def _access(hub: MockHub) -> dict[str, Any]:
    """What a client needs to know of a hub in this process: its address does not matter."""
    service = hub.services[0]
    return {"service": service.name, "url": "https://localhost", "access_key": next(iter(service.access_keys), "")}
