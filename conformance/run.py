"""One judgement of a hub: pytest in this process, with the suite's own settings and nothing of the caller's."""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

import pytest

from conformance.plugin import OUTLOOK, SUBJECT
from conformance.record import RECORD
from conformance.reports.document import Judgement, build_report, rows_in_scope
from conformance.requirement import Binding, binding
from conformance.settings import SECRETS
from conformance.target import tls_context

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from conformance.expected import Expectation
    from conformance.settings import Settings

HERE: Final = Path(__file__).parent
SUITE: Final = HERE / "suite"
INTERRUPTED: Final = "the run was interrupted"
"""Why a run was stopped that somebody ended."""
OF_THE_CALLER: Final = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS")
"""Variables that would bring the caller's own pytest settings into the judgement."""
WITHOUT: Final = (
    "cacheprovider",
    "capture",
    "faulthandler",
    "junitxml",
    "logging",
    "terminal",
    "threadexception",
    "unraisableexception",
)
"""Parts of pytest that write, take what belongs to the process, or make a crash of what Ctrl-C leaves behind."""


class Progress(Protocol):
    """Is told what happens while it happens."""

    def begin(self, checks: Sequence[Binding]) -> None:
        """The checks that are going to run, in their order."""

    def expect(self, told: str) -> None:
        """The hub was met, and the run will take a while: how long, and what else to choose."""

    def note(self, record: dict[str, Any]) -> None:
        """One check is done."""

    def end(self) -> None:
        """No check comes any more, whatever the reason."""


def run(
    settings: Settings,
    progress: Progress | None = None,
    *,
    expected: Sequence[Expectation] = (),
    require_complete: bool = False,
) -> dict[str, Any]:
    """Judges the hub and returns the report, as the report's schema describes it.

    `expected` are failures that do not fail the run; `require_complete` makes a MUST that could have been judged and
    was not a failure.

    Raises:
        ValueError: the selection holds no requirement of a hub, or the file of authorities cannot be used.
    """
    if not rows_in_scope(settings):
        raise ValueError(f"no requirement of a hub matches {', '.join(settings.select)} in profile {settings.profile}")
    try:
        tls_context(settings)
    except OSError as error:
        raise ValueError(f"the file of authorities {settings.ca_file!r} cannot be used: {error}") from None
    collector = _Collector(progress)
    began, started = time.monotonic(), datetime.now(UTC)
    try:
        with _own_environment(settings.secrets()):
            code = pytest.main(_arguments(settings), plugins=[collector])
    finally:
        if progress:
            progress.end()
    if code in {pytest.ExitCode.INTERNAL_ERROR, pytest.ExitCode.USAGE_ERROR} and not collector.stopped:
        collector.stopped = f"the suite itself failed (pytest's exit code {int(code)})"
    judgement = Judgement(
        records=collector.records,
        bindings=collector.bindings,
        stopped=collector.stopped,
        locked_out=collector.locked_out,
        slowed=collector.slowed,
        answers_plainly=collector.answers_plainly,
        requests=collector.requests,
        started_at=started,
        seconds=time.monotonic() - began,
    )
    return build_report(settings, judgement, expected, require_complete=require_complete)


def collect_bindings() -> list[Binding]:
    """Every check of the suite with the requirement that it judges; nothing is sent."""
    collector = _Collector(None)
    with _own_environment({}):
        pytest.main([*_pytest_arguments(), str(SUITE), "--collect-only"], plugins=[collector])
    if collector.stopped:
        raise ImportError(collector.stopped)
    return collector.bindings


@dataclass
class _Collector:
    """Gathers what the checks report."""

    progress: Progress | None
    records: list[dict[str, Any]] = field(default_factory=list)
    bindings: list[Binding] = field(default_factory=list)
    stopped: str = ""
    locked_out: str = ""
    slowed: str = ""
    answers_plainly: bool = False
    requests: int = 0
    lost: str = ""
    now: Binding | None = None

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.stopped = f"the suite could not be loaded: {report.longrepr}"

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.bindings = [found for item in session.items if (found := binding(item))]
        if self.progress:
            self.progress.begin(self.bindings)

    def pytest_runtestloop(self, session: pytest.Session) -> None:
        told = str(session.config.stash.get(OUTLOOK, ""))
        if self.progress and told:
            self.progress.expect(told)

    def pytest_runtest_protocol(self, item: pytest.Item) -> None:
        self.now = binding(item)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        for name, record in report.user_properties:
            if name == RECORD and isinstance(record, dict):
                self.records.append(record)
                if self.progress:
                    self.progress.note(record)

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        self.lost = getattr(excinfo.value, "msg", "")
        self.stopped = self.stopped or self.lost or INTERRUPTED

    def pytest_internalerror(self, excrepr: object) -> None:
        self.stopped = f"the suite itself failed: {excrepr}"

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        subject = session.config.stash.get(SUBJECT, None)
        if subject is not None:
            self.answers_plainly = subject.answers_plainly
            self.requests = subject.target.sent
            self.stopped = self.stopped or subject.silence
            self.slowed = "" if self.stopped else subject.quota.told
            self.locked_out = subject.desk.locked_out if subject.desk else ""
        if self.lost and self.answers_plainly and self.now:
            self.stopped += f"; {self.now.requirement.id} was being judged by {self.now.name}"


def _arguments(settings: Settings) -> list[str]:
    return [*_pytest_arguments(), *_modules(settings), *settings.arguments()]


def _modules(settings: Settings) -> list[str]:
    """The modules that hold a check of a row in scope; a run on one row spares itself the reading of all others."""
    named = {check.partition("::")[0] for row in rows_in_scope(settings) for check in row.checks}
    return [str(SUITE / f"{name}.py") for name in sorted(named)] or [str(SUITE)]


def _pytest_arguments() -> list[str]:
    ini = ["-c", str(HERE / "pytest.ini"), "--rootdir", str(HERE), "--import-mode=importlib", "--assert=plain"]
    plugins = ["--disable-plugin-autoload", "-p", "conformance.plugin"]
    return [*ini, *plugins, *(f"-pno:{name}" for name in WITHOUT)]


@contextmanager
def _own_environment(secrets: dict[str, str]) -> Generator[None]:
    """With the run's secrets and without the caller's settings of pytest, for as long as the judgement takes."""
    names = (*OF_THE_CALLER, *SECRETS.values())
    kept = {name: os.environ.pop(name) for name in names if name in os.environ}
    os.environ.update(secrets)
    try:
        yield
    finally:
        for name in names:
            os.environ.pop(name, None)
        os.environ.update(kept)
