"""`MockHub`: a hub on this machine, by any door: a running server, or transports in this process.

A hub that is started runs in a thread of its own, so that tests and programs of any style can talk to it, many hubs
at a time. One that is never started needs neither a thread nor a socket.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, cast

from mockserver.clock import Clock
from mockserver.doors import InProcessDoors
from mockserver.journal import DEFAULT_ENTRIES
from mockserver.keeper import Keeper
from mockserver.server import Server
from mockserver.settings import CHANGEABLE, change_state, fresh_state, kept, services_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from os import PathLike
    from typing import Unpack

    from mockserver.admin.app import AdminApp
    from mockserver.app import HubApp
    from mockserver.faults import Faults
    from mockserver.journal import Journal
    from mockserver.recording import Live, Recorder
    from mockserver.rules import ActiveRule, Rule, RuleBook
    from mockserver.rules.expected import Wish
    from mockserver.settings import Settings
    from mockserver.state.plan import Pace
    from mockserver.state.service_settings import ServiceSettings

WAITING_S = 20.0
"""The most time that a test waits for requests to come, in real seconds, unless it says otherwise."""


class MockHub(InProcessDoors):
    """A hub.

    Used in a `with` or `async with` block it is a server on loopback, ready inside the block and gone after it. It can
    be started many times; each time it begins anew.

    Args:
        services: the services, as a mapping from name to service key, or as settings; without any, those that the
            fixture file names, or one of the mock hub's own. A service is answered by the simulated model until a
            provider first logs in to it, from then on by providers only.
        tls: whether the HTTP port speaks TLS, by a throw-away authority; the provider port always does.
        http_port: the HTTP port; 0 takes a free one.
        provider_port: the provider port; 0 takes a free one.
        limits: changes to the hub's limits, by their names in the spec's registry.
        matching_statuses: answer errors with the HTTP status that the registry names, not with 200.
        clock: the clock that the hub goes by; none for real time. Several hubs may share one.
        pace: how fast text is let out, where a service has no pace of its own; none for at once.
        faults: what befalls the hub's exchanges from the beginning: names of faults, or arguments of `hub.faults.add`
            as mappings that hold the `name`.
        wrong: the name of a wrong hub (see `mockserver.wrong`); none for a right one.
        rules: what matching requests are answered with: `Rule` values, or the path of a fixture file (JSON or TOML).
        strict: answer generate requests that no rule matches with an error that says which came nearest, instead of
            letting the simulated model or a provider answer.
        journal_entries: how many exchanges the journal holds.
        cors: let pages in a browser, whose origin is on loopback too, read the answers.
        record: a live hub that the server's HTTP port asks instead; `recorder` turns its answers into rules.
        admin: let programs in other languages see and change the running hub, over HTTP on a port of its own.
        admin_port: that port; 0 takes a free one.

    Raises:
        ValueError: a limit, a fault or a wrong hub is unknown, a value is out of range, or a fixture file is wrong; or
            there is an `admin_port` without `admin`.
    """

    def __init__(
        self,
        services: Mapping[str, str] | Iterable[ServiceSettings] | None = None,
        *,
        tls: bool = True,
        http_port: int = 0,
        provider_port: int = 0,
        limits: Mapping[str, float] | None = None,
        matching_statuses: bool = False,
        clock: Clock | None = None,
        pace: Pace | None = None,
        faults: Iterable[str | Mapping[str, Any]] = (),
        wrong: str | None = None,
        rules: str | PathLike[str] | Iterable[Rule] = (),
        strict: bool = False,
        journal_entries: int = DEFAULT_ENTRIES,
        cors: bool = False,
        record: Live | None = None,
        admin: bool = False,
        admin_port: int = 0,
    ) -> None:
        if admin_port and not admin:
            raise ValueError(f"there is an admin_port, {admin_port}, but no admin API: set admin=True too")
        self._live = record
        self._recorder: Recorder | None = None
        self._has_admin = admin
        standing: Settings = {
            "services": services,
            "limits": limits,
            "matching_statuses": matching_statuses,
            "pace": pace,
            "faults": faults,
            "wrong": wrong,
            "rules": rules,
            "strict": strict,
            "journal_entries": journal_entries,
            "cors": cors,
        }
        self._standing = kept(standing)
        self.services = self._standing["services"] = services_of(self._standing)
        self._clock = clock or Clock()
        super().__init__(Keeper(fresh_state(self._standing), self._clock))
        ports = (http_port, provider_port, admin_port) if admin else (http_port, provider_port)
        self._server = Server(self._keeper, ports, tls=tls)

    def __repr__(self) -> str:
        """Where it is, if it runs, and its services."""
        place = f"at {self.url}" if self._server.is_running else "that does not run"
        return f"<MockHub {place}: {', '.join(service.name for service in self.services) or 'no service'}>"

    # -- scripted answers, and what happened

    def on(self, message: Wish = None, **criteria: Any) -> ActiveRule:
        """Adds a rule for the requests that meet the criteria; the verbs that follow say what they are answered with.

        `hub.on(message="Hello", temperature=0).reply("Hi")`; see `mockserver.rules.Rule` for the criteria and
        `mockserver.rules.rule` for the verbs.
        """
        return self.rules.on(message, **criteria)

    @property
    def rules(self) -> RuleBook:
        """The hub's rules; a reset begins a new book."""
        return cast("RuleBook", self._keeper.state.rules)  # a hub's state has one, a bare state need not

    @property
    def journal(self) -> Journal:
        """What happened at the hub; a reset begins a new journal."""
        return cast("Journal", self._keeper.state.journal)

    @property
    def recorder(self) -> Recorder:
        """What a live hub answered, of a hub that was made with `record`.

        Raises:
            RuntimeError: this one was not.
        """
        from mockserver.recording import Recorder  # here, because few hubs record

        if self._live is None:
            raise RuntimeError("the hub records nothing; make it with record=Live(url)")
        if self._recorder is None:
            self._recorder = Recorder()
        return self._recorder

    # -- the running server

    def start(self) -> Self:
        """Starts the hub; it answers when this returns.

        Raises:
            OSError: a port is taken.
            RuntimeError: the hub runs already.
            ImportError: the extra `mock` is not installed.
        """
        if self._server.is_running:
            raise RuntimeError(f"the hub runs already, at {self.url}; stop it first, or make another one")
        if self._keeper.is_closed:
            self.reset()
        try:
            self._server.start(self._app(), self._admin_app())
        except ImportError as error:
            why = f"a hub that runs as a server needs the package {error.name!r}; run: pip install 'neuroengine[mock]'"
            raise ImportError(why, name=error.name) from error
        return self

    def stop(self) -> None:
        """Stops the hub: answers what waits with code 16, closes every connection and door, removes its files."""
        self._server.stop()

    def reset(self, **changes: Unpack[Settings]) -> None:
        """Makes the hub as new at the same addresses, whatever happened to it.

        What waits is answered with code 16 and every provider's link is closed; counters, streams and quotas begin
        again. Tests that share a running hub begin with this.

        Args:
            **changes: settings that differ from those that the hub was made with, until the next reset.

        Raises:
            ValueError: as when a hub is made; then the hub stays as it was.
        """
        settings = self._standing | changes
        settings["services"] = services = services_of(settings)
        self._keeper.replace(fresh_state(settings), settings.get("clock") or self._clock)
        self.services = services

    def change(self, **changes: Unpack[Settings]) -> None:
        """Lets the hub have other settings while it goes on: no connection, stream or provider is lost.

        What comes from now on finds the new rules, faults, pace, limits and services, and later resets do too. Rules
        and faults take the place of all that were there, also of those that were added since; one that stays as it was
        keeps its counters. A stream that has begun goes on with its text. A service that stays keeps its provider, its
        queue and its counters, unless its key is another one: then the provider has to log in anew. A service that is
        gone answers code 6, also what waited for its provider code 7.

        Args:
            **changes: settings that differ from those that the hub was made with.

        Raises:
            ValueError: as when a hub is made, or a setting can be had only anew (`clock`, `wrong`, `journal_entries`);
                then the hub stays as it was.
        """
        if fixed := changes.keys() - CHANGEABLE:
            raise ValueError(f"{min(fixed)!r} cannot be changed while the hub goes on; reset it, or make another one")
        settings = kept(self._standing | changes)
        settings["services"] = services = services_of(settings)
        with self._keeper as now:
            change_state(self._keeper.state, settings, now)
        self._standing = settings
        self.services = services

    def change_services(self, services: Mapping[str, str] | Iterable[ServiceSettings]) -> None:
        """Lets the hub have these services and no others, until the next reset; everything else stays as it is.

        A service that stays, and one that is gone, is treated as `change` says.
        """
        wanted = services_of({"services": services})
        with self._keeper as now:
            self._keeper.state.change_services(wanted, now)
            self.services = wanted

    def __enter__(self) -> Self:
        """Starts the hub."""
        return self.start()

    def __exit__(self, *exc: object) -> None:
        """Stops the hub."""
        self.stop()

    async def __aenter__(self) -> Self:
        """Starts the hub; other tasks go on meanwhile."""
        from mockserver.from_tasks import started  # here, because it brings asyncio

        await started(self.start, self.stop)
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Stops the hub; other tasks go on meanwhile."""
        from mockserver.from_tasks import finished

        await finished(self.stop)

    # -- time and faults

    @property
    def clock(self) -> Clock:
        """The clock that the hub goes by. It can be advanced, whatever its scale."""
        return self._keeper.clock

    @property
    def faults(self) -> Faults:
        """The faults that befall the hub's exchanges; a reset makes them as they were in the beginning."""
        return cast("Faults", self._keeper.state.faults)  # the state knows them by what it needs of them

    def until_waiting(self, count: int = 1, timeout_s: float = WAITING_S) -> None:
        """Returns as soon as so many requests wait at the hub for their answers: then the clock may be advanced.

        Args:
            count: how many.
            timeout_s: the most time to wait for them, in real seconds.

        Raises:
            TimeoutError: fewer came in time.
        """
        if not self._keeper.wait_until(lambda state: state.waiting >= count, timeout_s):
            raise TimeoutError(f"{self._keeper.state.waiting} requests wait, not {count}, after {timeout_s:g} s")

    # -- addresses

    @property
    def url(self) -> str:
        """The base URL for clients, without a trailing slash."""
        return self._server.url

    @property
    def provider(self) -> str:
        """The address for providers, `host:port`; TLS."""
        return self._server.provider

    @property
    def admin_url(self) -> str:
        """The base URL of the admin API, without a trailing slash.

        Raises:
            RuntimeError: the hub has none, or was not started.
        """
        return self._server.admin_url

    @property
    def ca_file(self) -> str:
        """The path of the PEM file to trust; it is removed when the hub stops."""
        return self._server.ca_file

    def _app(self) -> HubApp | None:
        """The application of the HTTP port, where it is not the hub's own."""
        if self._live is None:
            return None
        from mockserver.recording.app import RecordingApp  # here, because few hubs record

        return RecordingApp(self._keeper, self._live, self.recorder)

    def _admin_app(self) -> AdminApp | None:
        if not self._has_admin:
            return None
        from mockserver.admin.app import AdminApp  # here, because few hubs have one

        return AdminApp(self, self._keeper)
