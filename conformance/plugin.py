"""The suite as a pytest plugin: by `neuroengine conformance run`, or `pytest --pyargs conformance --ne-target URL`.

It takes the settings as options, lets only the checks of the chosen rows run, and turns what each check did into a
plain record on its report, so that records travel from xdist's workers too. Laws: a breach is reported only when the
check breaks again on a second run and the hub still answers a plain request (unless just that is broken), or the check
itself has seen to it that a second run would show nothing more; a check that required nothing passes nothing.
"""

from __future__ import annotations

import dataclasses
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final

import pytest

from conformance.deadline import ends_within
from conformance.evidence import Violation, not_judged
from conformance.judge import Judge
from conformance.outlook import Outlook, outlook
from conformance.record import RECORD, record
from conformance.redaction import without_secrets
from conformance.requirement import MARK, THOROUGH, Binding, binding
from conformance.settings import Settings, options, read_options
from conformance.subject import TRIES, Subject
from conformance.target import Target

if TYPE_CHECKING:
    from collections.abc import Generator

    from conformance.catalogue import Requirement


AREAS_LAST: Final = ("ERR", "ANS")
"""Areas whose checks look back at the whole run."""
AREAS_DEAR: Final = ("STREAM", "RESUME")
"""Areas whose checks send many requests each."""
SUBJECT: Final = pytest.StashKey[Subject]()
"""Where the session's configuration holds the hub under judgement, once it was met."""
OUTLOOK: Final = pytest.StashKey[Outlook]()
"""And what the run has before it then."""
_settings: Final = pytest.StashKey[Settings | None]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Takes each setting as an option."""
    group = parser.getgroup("conformance", "judging a Neuroengine hub")
    for name, shape in options():
        group.addoption(name, **shape)


def pytest_configure(config: pytest.Config) -> None:
    """Reads the settings."""
    config.addinivalue_line("markers", f"{MARK}(requirement, in_smoke): what a check judges")
    config.addinivalue_line("markers", f"{THOROUGH}: not for a hub that is to be spared")
    try:
        settings = read_options(config.option)
        config.stash[_settings] = settings and _share(settings, config)
    except ValueError as error:
        raise pytest.UsageError(str(error)) from None


def _share(settings: Settings, config: pytest.Config) -> Settings:
    """What one of several processes of pytest-xdist may send, so that together they keep to the run's bounds.

    Raises:
        ValueError: they would log in as providers of one service, and throw each other out.
    """
    processes = getattr(config, "workerinput", {}).get("workercount", config.getoption("numprocesses", None) or 1)
    if not isinstance(processes, int) or processes == 1:
        return settings
    if settings.provider:
        raise ValueError("the suite can log in as a provider only once: leave out -n, or --ne-provider")
    rate, most = settings.rate / processes, settings.max_requests // processes
    return dataclasses.replace(settings, rate=rate, max_requests=most)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keeps the checks of the chosen rows; where requests are counted, binding and cheap rows come first."""
    settings = config.stash[_settings]
    bound = {item: found for item in items if (found := binding(item))}
    if settings is None:
        return
    left_out = [item for item, found in bound.items() if not is_chosen(found, settings)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in set(left_out)]

    _order(items, is_short=bool(settings.max_requests))


def _order(items: list[pytest.Item], *, is_short: bool) -> None:
    """What looks back comes last; where the run may end before, what binds and costs little comes first."""

    def place(item: pytest.Item) -> tuple[bool, bool, bool]:
        found = binding(item)
        if found is None:
            return False, False, False
        row = found.requirement
        return is_short and row.level != "MUST", is_short and row.area in AREAS_DEAR, row.area in AREAS_LAST

    items.sort(key=place)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> None:
    """Meets the hub, and orders the checks by what it can be asked in the run's time; xdist's workers keep theirs."""
    config = session.config
    settings = config.stash[_settings]
    found = [bound for item in session.items if (bound := binding(item))]
    if settings is None or not found or config.option.collectonly or hasattr(config, "workerinput"):
        return
    subject = _met(settings, config)
    rows = {each.requirement.id: each.requirement for each in found}
    config.stash[OUTLOOK] = outlook(settings, rows.values(), subject.answer_s)
    if config.stash[OUTLOOK].is_too_long:
        _order(session.items, is_short=True)


def _met(settings: Settings, config: pytest.Config) -> Subject:
    """The hub, met: the run ends where it cannot be."""
    target = Target(settings)
    try:
        subject = config.stash[SUBJECT] = Subject(settings, target)
        subject.meet()
    except BaseException:
        config.stash.get(SUBJECT, target).close()
        raise
    return subject


def is_chosen(found: Binding, settings: Settings) -> bool:
    """Whether a check belongs to the profile, the level and the selection."""
    row = found.requirement
    return (
        (found.in_smoke if settings.profile == "smoke" else row.profile in {"core", settings.profile})
        and not (found.is_thorough and (settings.rate or settings.max_requests))
        and (settings.level == "should" or row.level == "MUST")
        and (not settings.cases or found.name in settings.cases)
        and (not settings.select or any(fnmatchcase(row.id, pattern) for pattern in settings.select))
    )


@pytest.fixture(scope="session")
def subject(pytestconfig: pytest.Config) -> Generator[Subject]:
    """The hub under judgement, met before anything is judged."""
    settings = pytestconfig.stash[_settings]
    if settings is None:
        raise pytest.UsageError("the suite needs a hub to judge: --ne-target URL --ne-service NAME")
    subject = pytestconfig.stash[SUBJECT] if SUBJECT in pytestconfig.stash else _met(settings, pytestconfig)
    try:
        yield subject
        subject.part()
    finally:
        subject.close()


@pytest.fixture
def judge(subject: Subject, request: pytest.FixtureRequest) -> Generator[Judge]:
    """What a check holds in its hands."""
    judge = Judge(subject, request.node.name)
    yield judge
    judge.finish()


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Runs a check; one that finds a breach is run again before it is believed."""
    judge = pyfuncitem.funcargs.get("judge")
    found = binding(pyfuncitem)
    if not isinstance(judge, Judge) or found is None:
        return None
    if "provider" in found.requirement.needs:
        _ = judge.desk  # what else the check needs is of no use before
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}  # noqa: SLF001 - pytest's own hook reads it too

    def check() -> None:
        judge.subject.timeline.begin()
        seconds = judge.subject.target.begin_case()
        with ends_within(seconds, judge.subject.target.over):
            try:
                pyfuncitem.obj(**arguments)
            finally:
                judge.finish()

    try:
        check()
    except Violation as first:
        if first.is_final:
            raise
        try:
            check()
        except Violation as second:
            second.is_flaky = False
            _still_answers(judge)
            raise
        first.is_flaky = True
        raise
    if not judge.judged:
        not_judged("the check had nothing to judge")
    return True


def _still_answers(judge: Judge) -> None:
    """A hub that answers no plain request any more has another trouble than the one under judgement.

    That is none where the suite itself is the one who would answer, and is not let in.
    """
    desk, settings = judge.subject.desk, judge.settings
    is_alone = desk is not None and bool(desk.refusal) and settings.provided == settings.service
    if not judge.subject.answers_plainly or is_alone:
        return
    for _ in range(TRIES):
        exchange = judge.subject.ask_plainly()
        if exchange.is_success:
            return
    not_judged(f"the hub stopped to answer plain requests ({exchange.describe()})")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Puts the check's record on its report."""
    report = yield
    found, settings = binding(item), item.config.stash[_settings]
    if found is None or settings is None:
        return report
    if call.when == "call" or report.outcome != "passed":
        done = record(item, found, report, call, settings)
        report.user_properties.append((RECORD, done))
        if done["breach"]:
            _tell(report, found.requirement, done)
    _keep_secrets(report, settings)
    return report


def _keep_secrets(report: pytest.TestReport, settings: Settings) -> None:
    """Takes keys out of pytest's own report: out of an error's locals, or of what was printed."""
    names = settings.variables()
    if any(secret in str(report.longrepr) for secret in names):
        if isinstance(report.longrepr, tuple):
            file, line, reason = report.longrepr
            report.longrepr = file, line, without_secrets(reason, names)
        else:
            report.longrepr = without_secrets(str(report.longrepr), names)
    report.sections = [(title, without_secrets(text, names)) for title, text in report.sections]


def _tell(report: pytest.TestReport, row: Requirement, done: dict[str, Any]) -> None:
    """Says in pytest's own report what was broken. A breach fails a test only if it is binding, and shows again."""
    breach = done["breach"]
    report.longrepr = f"{row.id} {row.level}: {row.sentence}\n{done['reason']}"
    report.sections.append(("repeat it with", breach["reproduce"]))
    if row.level != "MUST" or breach["flaky"]:
        report.outcome = "skipped"
        report.wasxfail = f"{row.id} {row.level}{', not seen again' if breach['flaky'] else ''}: {done['reason']}"
