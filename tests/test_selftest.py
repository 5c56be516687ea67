"""The self-test: hubs whose verdict is known, what is said of a verdict that is wrong, and the page of the results."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from doc_blocks import DOCS, ROOT

from benchmarks.schemathesis_matrix import table
from conformance import catalogue
from conformance.selftest.findings import KINDS, results_markdown, summary
from conformance.selftest.hubs import KnownHub
from conformance.selftest.matrix import Matrix, Task, judged
from conformance.selftest.null_hubs import NULL_HUBS, null_hubs
from conformance.selftest.variants import VARIANTS
from neuroengine.cli import main
from neuroengine.cli.conformance.known_hubs import known_hubs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PAGE = DOCS / "reference" / "kill-matrix.md"
RESULTS = DOCS / "reference" / "kill-matrix.jsonl"
MARK = "<!-- results: made by `neuroengine conformance selftest --markdown` -->\n"


def report(verdict: str, *, flaky: bool = False) -> dict[str, Any]:
    """A report on one requirement."""
    breaches = [{"flaky": flaky, "actual": "something else"}] if verdict in {"fail", "warn"} else []
    row = {"id": "NE-HTTP-001", "verdict": verdict, "reason": "", "breaches": breaches}
    return {"requirements": [row], "conforms": verdict != "fail"}


def hub(kind: Any) -> KnownHub:
    return KnownHub("some", kind, never, breaks="NE-HTTP-001")


def kept(file: Path) -> list[dict[str, Any]]:
    """The judgements in a file of lines."""
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


@contextmanager
def never() -> Iterator[dict[str, Any]]:
    raise AssertionError("this hub must not be started")
    yield {}


@pytest.mark.parametrize(
    ("kind", "verdict", "objection"),
    [
        ("wrong", "fail", ""),
        ("wrong", "pass", "NE-HTTP-001 is pass, not fail: "),
        ("wrong", "skip", "NE-HTTP-001 is skip, not fail: "),
        ("wrong", "warn", "NE-HTTP-001 is warn, not fail: something else"),
        ("variant", "pass", ""),
        ("variant", "skip", ""),
        ("variant", "warn", "NE-HTTP-001 warn: something else"),
        ("right", "fail", "NE-HTTP-001 fail: something else"),
        ("right", "error", "NE-HTTP-001 error: "),
        ("null", "fail", ""),
        ("null", "pass", "it passed NE-HTTP-001"),
    ],
)
def test_a_verdict_is_objected_to_unless_it_is_what_the_kind_of_hub_asks_for(
    kind: str, verdict: str, objection: str
) -> None:
    assert hub(kind).objection(report(verdict)) == objection


def test_a_wrong_hub_that_was_caught_once_is_not_found() -> None:
    assert hub("wrong").objection(report("fail", flaky=True)) == "NE-HTTP-001 was seen broken only once"


def test_what_is_known_is_not_judged_again_and_counts_for_the_same_hubs_alone(tmp_path: Path) -> None:
    file = tmp_path / "known.jsonl"
    (null,) = (known for known in null_hubs() if known.name == "hang-up")
    entry = Matrix(file, "as they are").keep(judged(null, 7, whole=True))
    assert (entry["kind"], entry["name"], entry["seed"], entry["objection"]) == ("null", "hang-up", 7, "")
    assert Matrix(file, "as they are").entries == {Task("null", "hang-up", 7, whole=True): entry}
    assert Matrix(file, "changed").entries == {}


def test_the_command_judges_what_is_named_and_says_what_it_found(tmp_path: Path) -> None:
    file, page = tmp_path / "known.jsonl", tmp_path / "known.md"
    words = ["conformance", "selftest", "--only", "hang-up", "--only", "NE-ANS-013", "--only", "over-tls"]
    done = CliRunner().invoke(main, [*words, "--file", str(file), "--markdown", str(page), "--kind", "null"])
    assert done.exit_code == 0, done.output
    assert "0 of 0 wrong hubs found, 0 wrong verdicts in 1 judgements" in done.output
    assert "| `hang-up` | 1 | 1 |" in page.read_text(encoding="utf-8")
    assert CliRunner().invoke(main, ["conformance", "selftest", "--only", "no-such"]).exit_code == 2


def test_several_judgements_at_the_same_time_are_kept_like_one_after_the_other(tmp_path: Path) -> None:
    files = [tmp_path / "one.jsonl", tmp_path / "two.jsonl"]
    for jobs, file in enumerate(files, 1):
        words = ["conformance", "selftest", "--only", "hang-up", "--only", "reset", "--kind", "null"]
        done = CliRunner().invoke(main, [*words, "--file", str(file), "--jobs", str(jobs)])
        assert done.exit_code == 0, done.output
    one, two = (sorted((entry["name"], entry["found_by"]) for entry in kept(file)) for file in files)
    assert one == two
    assert [name for name, _ in one] == ["hang-up", "reset"]


@pytest.mark.skipif(sys.platform == "win32", reason="the system has no signals for groups of processes")
@pytest.mark.parametrize(("jobs", "how"), [(1, "Ctrl-C"), (2, "Ctrl-C"), (2, "SIGTERM")])
def test_an_early_end_ends_every_judgement_and_keeps_those_that_were_done(jobs: int, how: str, tmp_path: Path) -> None:
    file, slow = tmp_path / "known.jsonl", ["hang", "trickle", "trickle-body"]
    only = [word for name in ("hang-up", *slow) for word in ("--only", name)]
    words = ["conformance", "selftest", *only, "--jobs", str(jobs), "--file", str(file)]
    with subprocess.Popen(
        [sys.executable, "-m", "neuroengine", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert "hang-up" in process.stdout.readline()
            if how == "Ctrl-C":
                os.killpg(process.pid, signal.SIGINT)  # a terminal sends it to all of them
            else:
                process.send_signal(signal.SIGTERM)
            _, errors = process.communicate(timeout=60)  # so all who could write there are gone
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 130
    assert "Traceback" not in errors
    names = [entry["name"] for entry in kept(file)]
    assert names[0] == "hang-up"
    assert set(slow) - set(names)


def test_there_are_enough_known_hubs_and_each_has_a_name_of_its_own() -> None:
    with known_hubs() as known:
        names = {kind: [hub.name for hub in known if hub.kind == kind] for kind in KINDS}
        broken = {hub.breaks for hub in known if hub.kind == "wrong"}
    assert len(names["wrong"]) >= 80
    assert len(names["variant"]) >= 16
    assert len(names["null"]) >= 12
    assert names["right"] == ["mock-hub"]
    assert all(len(set(of_kind)) == len(of_kind) for of_kind in names.values())
    assert set(VARIANTS) <= set(names["variant"])
    assert set(NULL_HUBS) == set(names["null"])
    checked = {row.id for row in catalogue().values() if row.role == "hub" and row.level == "MUST" and row.checks}
    assert checked - broken == set()


def test_the_page_shows_the_results_that_are_kept() -> None:
    entries = kept(RESULTS)
    shown = PAGE.read_text(encoding="utf-8").partition(MARK)[2]
    assert shown == "\n" + "\n".join(results_markdown(entries)) + "\n"
    assert summary(entries)["musts_without_wrong_hub"] == []


def test_the_page_shows_what_was_measured_of_another_tool() -> None:
    measured = json.loads((ROOT / "benchmarks" / "schemathesis_matrix.json").read_text(encoding="utf-8"))
    assert "\n".join(table(measured)) in PAGE.read_text(encoding="utf-8")
    assert all(hub["suite"] for hub in measured["hubs"])
