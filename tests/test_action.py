"""The GitHub Action: its steps run as they stand, by bash, and its words are options that the command has."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from mockserver import MockHub
from neuroengine.cli.conformance.run import run

ROOT = Path(__file__).parents[1]
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
JUDGE: dict[str, Any] = next(step for step in ACTION["runs"]["steps"] if step.get("id") == "judge")


def judged(folder: Path, **inputs: str) -> tuple[int, str, str]:
    """Runs the step as a runner does; the exit code, its outputs and the summary."""
    program = folder / "neuroengine" / "bin" / "neuroengine"
    program.parent.mkdir(parents=True)
    program.symlink_to(Path(sys.executable).with_name("neuroengine"))
    output, summary = folder / "output", folder / "summary"
    given = dict.fromkeys(JUDGE["env"], "") | {"PROFILE": ACTION["inputs"]["profile"]["default"]} | inputs
    runner = {"RUNNER_TEMP": str(folder), "GITHUB_OUTPUT": str(output), "GITHUB_STEP_SUMMARY": str(summary)}
    done = subprocess.run(
        ["/bin/bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", JUDGE["run"]],
        env=os.environ | given | runner,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert "Traceback" not in done.stderr
    texts = [file.read_text(encoding="utf-8") if file.exists() else "" for file in (output, summary)]
    return done.returncode, texts[0], texts[1]


def test_a_right_hub_passes_and_leaves_a_report_in_every_form(tmp_path: Path) -> None:
    with MockHub(services={"First": "KEY"}, tls=False) as hub:
        code, output, summary = judged(
            tmp_path, TARGET=hub.url, SERVICE="First", ARGUMENTS="--select 'NE-HTTP-00?' --seed 3"
        )
    assert code == 0, summary
    assert "exit-code=0\n" in output
    assert "CONFORMING as far as it was judged" in summary
    folder = Path(re.findall("report=(.*)", output)[0])
    assert sorted(file.name for file in folder.iterdir()) == [
        "badge.svg",
        "report.ctrf.json",
        "report.html",
        "report.json",
        "report.md",
        "report.xml",
    ]


def test_a_wrong_hub_fails_and_the_summary_says_why(tmp_path: Path) -> None:
    known = tmp_path / "known.toml"
    known.write_text('[[expected]]\nid = "NE-ERR-001"\nreason = "Ticket 42."\n', encoding="utf-8")
    words = {"SERVICE": "First", "ARGUMENTS": "--select NE-ERR-001"}
    with MockHub(services={"First": "KEY"}, tls=False, wrong="unknown_service_is_empty") as hub:
        code, output, summary = judged(tmp_path / "new", TARGET=hub.url, **words)
        assert (code, "exit-code=1\n" in output) == (1, True)
        assert "FAIL NE-ERR-001" in summary
        code, output, summary = judged(tmp_path / "known", TARGET=hub.url, EXPECTED=str(known), **words)
    assert (code, "exit-code=0\n" in output) == (0, True)
    assert "Broken as expected: NE-ERR-001" in summary


def test_wrong_words_are_wrong_usage(tmp_path: Path) -> None:
    code, output, summary = judged(tmp_path, TARGET="ftp://hub.example", SERVICE="First")
    assert (code, output.splitlines()[0], summary) == (2, "exit-code=2", "")


def test_every_option_that_the_action_uses_is_one_of_the_command() -> None:
    known = {option for parameter in run.params for option in parameter.opts}
    used = set(re.findall(r"--[a-z-]+", JUDGE["run"]))
    assert used <= known
    told = " ".join(described["description"] for described in ACTION["inputs"].values())
    assert set(re.findall(r"--[a-z-]+", told)) <= known


def test_nothing_in_the_arguments_is_run(tmp_path: Path) -> None:
    code, _, _ = judged(tmp_path, ARGUMENTS="--select 'NE-HTTP-001; touch x' $(touch y) `touch z`")
    assert code == 2
    assert not {"x", "y", "z"} & {file.name for file in tmp_path.iterdir()}


@pytest.mark.parametrize("name", ACTION["inputs"])
def test_every_input_is_used(name: str) -> None:
    assert f"inputs.{name} " in (ROOT / "action.yml").read_text(encoding="utf-8")
