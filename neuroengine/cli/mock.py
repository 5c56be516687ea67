"""`neuroengine mock`: a mock hub until Ctrl-C or SIGTERM.

Exit codes: 0 it ran, or the settings are right; 2 a flag, a configuration or a rule file is wrong; 3 a port is taken,
or a file cannot be written.
"""

from __future__ import annotations

import signal
import sys
from contextlib import ExitStack
from importlib import import_module
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import click

from neuroengine.cli.console import EXIT_UNREACHABLE, EXIT_USAGE, fail
from neuroengine.cli.mock_flags import MockCommand, data_of, mock_options
from neuroengine.cli.mock_words import Words, say_faults, say_wrong

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from types import ModuleType

    from mockserver import MockHub
    from mockserver.config import Config


@click.command(name="mock", cls=MockCommand)
@mock_options
def command(
    config_file: Path | None, *, check: bool, list_faults: bool, list_wrong: bool, as_json: bool, **flags: Any
) -> None:
    """Run a mock hub on this machine until Ctrl-C.

    A service is answered by the simulated model until a provider first logs in to it, from then on by providers only.

    The configuration and the rule files are watched: what changes in them is applied while the hub goes on. SIGHUP has
    them read at once, unless a terminal holds the command.
    """
    package = _package()
    if list_faults:
        shapes = import_module(f"{package.__name__}.admin.shapes")
        faults = import_module(f"{package.__name__}.faults").FAULTS
        say_faults(faults, shapes.known_fault, as_json=as_json)
    if list_wrong:
        say_wrong(import_module(f"{package.__name__}.wrong").WRONG_HUBS, as_json=as_json)
    if list_faults or list_wrong:
        return
    run = _Run(package, config_file, data_of(flags), as_json=as_json)
    if check:
        click.echo(f"{config_file or 'the flags'}: right ({run.config})")
        return
    run.until_stopped()


def _package() -> ModuleType:
    """Our own `mockserver`, also where the folder has another one."""
    from neuroengine.sibling import mockserver

    try:
        return mockserver()
    except ImportError as error:
        fail(str(error), EXIT_USAGE)


class _Run:
    """One run of a hub: it is made, announced, changed with its files, and stopped."""

    def __init__(self, package: ModuleType, file: Path | None, flags: dict[str, Any], *, as_json: bool) -> None:
        self._package = package
        self._file = file
        self._flags = flags
        self._part = import_module(f"{package.__name__}.config")
        given = {entry["name"] for entry in flags.get("services", ()) if "key" in entry}
        self._words = Words(as_json=as_json, own_key=self._part.DEFAULT_KEY, shown_keys=given)
        try:
            self.config = self._read()
            self.hub = self._made()
        except ValueError as error:
            if file is not None and str(error).startswith(f"{file}: "):
                fail(str(error), EXIT_USAGE)
            raise click.UsageError(str(error)) from None

    def _read(self) -> Config:
        config: Config = self._part.read_config(self._file, self._flags)
        return config

    def _made(self) -> MockHub:
        config = self.config
        options: dict[str, Any] = {**config.settings}
        if config.clock_scale != 1:
            options["clock"] = self._package.Clock(scale=config.clock_scale)
        if config.record is not None:
            live = import_module(f"{self._package.__name__}.recording").Live
            record = config.record
            options["record"] = live(record.url, ca_file=record.ca_file, insecure=record.insecure)
        hub: MockHub = self._package.MockHub(
            tls=config.tls,
            http_port=config.http_port,
            provider_port=config.provider_port,
            admin=config.admin,
            admin_port=config.admin_port,
            **options,
        )
        return hub

    def until_stopped(self) -> None:
        """Runs the hub until a signal ends it."""
        # A handler may run in the middle of any wait, and an event's lock would then be held already.
        stopped: SimpleQueue[int] = SimpleQueue()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda number, _: stopped.put(number))
        try:
            self.hub.start()
        except OSError as error:
            fail(error.strerror or str(error), EXIT_UNREACHABLE)
        try:
            with ExitStack() as stack:
                if self.config.files:
                    watcher = stack.enter_context(self._part.Watcher(self.config.files, self._reload))
                    # A terminal that is closed sends the same signal, and must not leave a hub behind.
                    if hasattr(signal, "SIGHUP") and not sys.stdin.isatty():
                        signal.signal(signal.SIGHUP, lambda *_: watcher.look_now())
                self._words.announce(self.hub, self.config)
                stopped.get()
        finally:
            self.hub.stop()
        self._write()

    def _reload(self) -> Iterable[Path]:
        """Applies what the files say now; where they are wrong, everything stays as it was."""
        before = self.config
        try:
            config = self._read()
            self.hub.change(**{name: config.settings[name] for name in self._part.CHANGEABLE})  # type: ignore[literal-required]  # names of settings
        except ValueError as error:
            self._words.refused(str(error))
            return before.files
        except Exception as error:  # noqa: BLE001 - a thread that nobody watches must not end in silence
            self._words.refused(f"{type(error).__name__}: {error}")
            return before.files
        if config.clock_scale != before.clock_scale:
            self.hub.clock.scale = config.clock_scale
        self.config = config
        self._words.applied(config, self.hub, self._part.waiting(before, config))
        return config.files

    def _write(self) -> None:
        """Writes what the hub has to leave behind."""
        config = self.config
        try:
            if config.journal_file is not None:
                self.hub.journal.write_har(config.journal_file, self.hub.url)
            if config.record is not None:
                recorder = self.hub.recorder
                rules, services = recorder.write(config.record.to, timings=config.record.timings)
                self._words.recorded(config.record.to, rules, services, recorder.left_out)
        except (OSError, ValueError) as error:
            fail(str(error), EXIT_UNREACHABLE)
