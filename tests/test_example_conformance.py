"""The examples around the suite: its use from Python and pytest, and the jobs for CI systems."""

from __future__ import annotations

import re
import shlex
import shutil
from typing import TYPE_CHECKING, Any

import yaml
from doc_blocks import parse_command
from example_runs import EXAMPLES, ROOT
from strangers import run_pytest

if TYPE_CHECKING:
    from pathlib import Path

FILES = EXAMPLES / "conformance"


def suite_commands(scripts: list[str]) -> list[list[str]]:
    """The words of each line that starts the suite."""
    return [shlex.split(script) for script in scripts if script.startswith("neuroengine conformance run")]


def document(name: str) -> Any:
    return yaml.safe_load((FILES / name).read_text(encoding="utf-8"))


def test_a_hub_is_judged_among_other_tests(tmp_path: Path) -> None:
    shutil.copy(FILES / "test_my_hub.py", tmp_path)
    outcome = run_pytest(tmp_path)
    assert outcome.counts == {"passed": 1}, outcome.output


def test_the_job_for_github_runs_a_command_that_can_be_parsed() -> None:
    (job,) = document("github.yml")["jobs"].values()
    (command,) = suite_commands([step.get("run", "") for step in job["steps"]])
    parse_command(command[1:])


def test_the_job_by_the_action_gives_it_what_it_takes() -> None:
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    (job,) = document("github-action.yml")["jobs"].values()
    (step,) = (step for step in job["steps"] if "neuroengine" in step.get("uses", ""))
    assert step["with"].keys() <= action["inputs"].keys()
    parse_command(["conformance", "run", step["with"]["target"], *shlex.split(step["with"]["arguments"])])
    outputs = re.findall(r"steps\.judge\.outputs\.([\w-]+)", (FILES / "github-action.yml").read_text(encoding="utf-8"))
    assert outputs
    assert set(outputs) <= action["outputs"].keys()


def test_the_job_for_gitlab_runs_a_command_that_can_be_parsed() -> None:
    (job,) = (job for job in document("gitlab.yml").values() if "script" in job)
    (command,) = suite_commands(job["script"])
    parse_command(command[1:])
