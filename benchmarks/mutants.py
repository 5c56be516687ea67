"""Judges mutants of the mock hub's state: what the suite finds of small changes that nobody thought of.

    python -m benchmarks.mutants --sample 120 --jobs 4

mutmut makes the mutants of every module of `mockserver/state`: all of a module's in one file, and the environment
chooses among them. They stand in a copy of the package that is put before the real one, and the suite judges each in a
process of its own, by every rule and one seed. Those that only word a sentence otherwise are left out, since sentences
are free. What is drawn follows from a seed, as many of one module as of another. First the hub as it is has to be
clean, and one whose every function fails has to be found.

What was judged is kept in mutants.jsonl, and a later run goes on from there; a line counts as long as its module is the
same. Why a mutant may survive stands in mutants.toml. Exit code: 0 when each has a reason that does, 1 when not.
"""

from __future__ import annotations

import argparse
import contextlib
import difflib
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from itertools import chain, zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from conformance.selftest.matrix import TIMEOUT_S, digest, suite_digest

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Sequence

ROOT: Final = Path(__file__).parents[1]
PACKAGE: Final = "mockserver.state"
RESULTS: Final = Path(__file__).with_suffix(".jsonl")
REASONS: Final = Path(__file__).with_suffix(".toml")
SEED: Final = 1
RUN_S: Final = 240
"""How long the suite may judge one mutant; the process gets a minute more to write its report."""
VERDICTS: Final = {
    "found": "found: a rule is broken",
    "unjudged": "noticed: the suite said that it could not judge, since the hub failed, stopped or kept it waiting",
    "lifeless": "noticed: the hub did not start, or the suite did not end",
    "survived": "survived",
}
_SENTENCE: Final = re.compile(r'"[^"]* [^"]*"')


class Mutant(NamedTuple):
    """A changed function: `key` chooses it, `change` holds its changed lines, `module` names its module's text."""

    name: str
    key: str
    change: str
    module: str


def main() -> None:
    """Judges the mutants that are drawn and not known yet, and says what became of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=int, default=120, metavar="N", help="draw N mutants (default: 120); 0 for all")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="judgements at the same time (default: 2)")
    parser.add_argument("--minutes", type=float, default=600, help="begin no judgement after so long")
    parser.add_argument(
        "--again", action="append", default=[], metavar="WHAT", help="judge a verdict or names again: survived, links.*"
    )
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the results as Markdown")
    arguments = parser.parse_args()
    until = time.monotonic() + arguments.minutes * 60
    with tempfile.TemporaryDirectory() as folder:
        modules = list(mutated(Path(folder)))
        known = still_true(modules)
        drawn = draw(modules, arguments.sample, known)
        again = {
            name
            for name, entry in known.items()
            if any(entry["verdict"] == what or fnmatchcase(name, what) for what in arguments.again)
        }
        open_ones = [mutant for mutant in drawn if mutant.name not in known or mutant.name in again]
        unjudged = check_controls(folder) if open_ones else set()
        with ThreadPoolExecutor(arguments.jobs) as jobs:
            tasks = [jobs.submit(judged_until, until, folder, mutant, unjudged) for mutant in open_ones]
            for done in as_completed(tasks):
                entry = done.result()
                if entry is not None:
                    known[entry["name"]] = entry
                    keep(known)
                    print(entry["name"], entry["verdict"], *entry["found_by"], entry["seconds"], flush=True)
    why = reasons()
    if arguments.markdown is not None:
        arguments.markdown.write_text("\n".join(table(list(known.values()), why)) + "\n", encoding="utf-8")
    if missing := unexplained(known.values(), why):
        sys.exit("\n".join(f"{name} survived, and no reason is known" for name in missing))


# -- the mutants


def mutated(folder: Path) -> Iterator[list[Mutant]]:
    """Copies the package into a folder, with all mutants of the state in it; yields them module by module."""
    from mutmut.mutation.file_mutation import mutate_file_contents
    from mutmut.utils.format_utils import orig_function_and_class_names_from_key

    shutil.copytree(ROOT / "mockserver", folder / "mockserver", ignore=shutil.ignore_patterns("__pycache__"))
    for file in sorted(folder.joinpath(*PACKAGE.split(".")).glob("[!_]*.py")):
        text = file.read_text(encoding="utf-8")
        with contextlib.chdir(ROOT):  # where mutmut reads its settings
            made = mutate_file_contents(file.name, text)
        file.write_text(made.code, encoding="utf-8")
        lines, spans = made.code.splitlines(), made.line_span_by_function_name
        mutants = []
        for key in made.mutant_names:
            function, owner = orig_function_and_class_names_from_key(key)
            whole, _, number = key.rpartition("__mutmut_")
            before, after = (
                [line.replace(name, function) for line in lines[spans[name].start - 1 : spans[name].end]]
                for name in (f"{whole}__mutmut_orig", key)
            )
            name = ".".join(filter(None, [file.stem, owner, f"{function}#{number}"]))
            change = changed_lines(before, after)
            mutants.append(Mutant(name, f"{PACKAGE}.{file.stem}.{key}", change, digest([], text)))
        yield mutants


def changed_lines(before: Sequence[str], after: Sequence[str]) -> str:
    """What differs, a line each, marked by `-` and `+`."""
    differences = (line for line in difflib.ndiff(before, after) if line[0] in "-+")
    return "\n".join(f"{line[0]} {line[2:].strip()}" for line in differences)


def draw(modules: Iterable[Sequence[Mutant]], sample: int, known: Container[str] = ()) -> list[Mutant]:
    """So many mutants by chance, a module after the other in turn, those that are known first; 0 for all."""
    chance = random.Random(SEED)
    telling = [[mutant for mutant in mutants if not is_wording(mutant.change)] for mutants in modules]
    shuffled = [
        sorted(chance.sample(mutants, len(mutants)), key=lambda mutant: mutant.name not in known) for mutants in telling
    ]
    in_turn = [mutant for row in zip_longest(*shuffled) for mutant in row if mutant is not None]
    return in_turn[: sample or None]


def is_wording(change: str) -> bool:
    """Whether nothing but a sentence differs."""
    removed, added = (
        [_SENTENCE.sub('""', line[2:]) for line in change.split("\n") if line[0] == sign] for sign in "-+"
    )
    return removed == added


# -- their judgement


def check_controls(folder: str) -> set[str]:
    """Sees that the copy is what is judged, and right as long as no mutant is chosen; says which rules skip it then.

    Raises:
        SystemExit: it is not so, and no verdict on a mutant would mean anything.
    """
    right, failing = outcome(folder, ""), outcome(folder, "fail")
    if right["verdict"] != "survived" or failing["verdict"] == "survived":
        sys.exit(f"the hub without a mutant: {right}; with all of it failing: {failing}")
    return set(right["unjudged"])


def judged_until(until: float, folder: str, mutant: Mutant, unjudged: set[str]) -> dict[str, Any] | None:
    """What the suite says of a mutant, unless the time is over; `unjudged` rules it cannot judge of the right hub."""
    if time.monotonic() > until:
        return None
    found = outcome(folder, mutant.key)
    return {
        "name": mutant.name,
        "change": mutant.change,
        "module": mutant.module,
        "suite": suite_digest(),
        "date": datetime.now(UTC).date().isoformat(),
        **found,
        "unjudged": sorted(set(found["unjudged"]) - unjudged),
    }


def outcome(folder: str, key: str) -> dict[str, Any]:
    """The verdict on the mutant of this key, the rules that find it, and those that nothing could be said of."""
    command = [sys.executable, "-m", "neuroengine", "conformance", "run", "--profile", "extended"]
    command += ["--seed", str(SEED), "--max-time", str(RUN_S)]
    began = time.monotonic()
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        try:
            done = subprocess.run(
                [*command, "--timeout", str(TIMEOUT_S), "--json", file.name],
                cwd=folder,
                env=os.environ | {"PYTHONPATH": folder, "MUTANT_UNDER_TEST": key, "NO_COLOR": "1"},
                capture_output=True,
                text=True,
                timeout=RUN_S + 60,
                check=False,
            )
            said, text = done.stderr.strip(), file.read()
        except subprocess.TimeoutExpired:
            said, text = "it did not end in time", b""
    seconds = round(time.monotonic() - began, 1)
    if not text:
        return {"verdict": "lifeless", "found_by": [], "unjudged": [], "said": said[-200:], "seconds": seconds}
    return verdict_on(json.loads(text)) | {"seconds": seconds}


def verdict_on(report: dict[str, Any]) -> dict[str, Any]:
    """The same, by the report of the run."""
    found_by, unjudged = (
        [row["id"] for row in report["requirements"] if row["verdict"] in verdicts]
        for verdicts in ({"fail", "warn"}, {"skip", "error"})
    )
    return {
        "verdict": "found" if found_by else "unjudged" if report["exit_code"] else "survived",
        "found_by": found_by,
        "unjudged": unjudged,
        "said": report["stopped"][:200],
    }


# -- what is kept, and what is told of it


def still_true(modules: Iterable[Sequence[Mutant]]) -> dict[str, dict[str, Any]]:
    """The judgements of mutants whose modules are what they were, by the mutants' names."""
    texts = {mutant.name: mutant.module for mutant in chain(*modules)}
    return {entry["name"]: entry for entry in kept() if texts.get(entry["name"]) == entry["module"]}


def kept() -> list[dict[str, Any]]:
    """All judgements that are kept."""
    if not RESULTS.exists():
        return []
    return [json.loads(line) for line in RESULTS.read_text(encoding="utf-8").splitlines()]


def keep(known: dict[str, dict[str, Any]]) -> None:
    """Writes the judgements, in the order of their names."""
    lines = "".join(json.dumps(entry) + "\n" for _, entry in sorted(known.items()))
    RESULTS.write_text(lines, encoding="utf-8")


def reasons() -> dict[str, str]:
    """Why each mutant that survives may do so, by its name."""
    groups = tomllib.loads(REASONS.read_text(encoding="utf-8"))["reason"]
    return {name: group["why"] for group in groups for name in group["mutants"]}


def unexplained(entries: Iterable[dict[str, Any]], why: dict[str, str]) -> list[str]:
    """The mutants that survived without a reason."""
    return [entry["name"] for entry in entries if entry["verdict"] == "survived" and entry["name"] not in why]


def table(entries: Sequence[dict[str, Any]], why: dict[str, str]) -> Iterator[str]:
    """The results in Markdown: how many mutants met which end, and for those that survived why nothing is broken."""
    ends = Counter(entry["verdict"] for entry in entries)
    yield "| what became of them | mutants |"
    yield "|---|--:|"
    for verdict, meaning in VERDICTS.items():
        yield f"| {meaning} | {ends[verdict]} |"
    yield f"| all of these | {ends.total()} |"
    yield ""
    yield "| survivor | change | why nothing is broken |"
    yield "|---|---|---|"
    changes = {entry["name"]: entry["change"] for entry in entries if entry["verdict"] == "survived"}
    for name in sorted(changes, key=lambda name: (why.get(name, ""), name)):
        change = changes[name].replace("\n", " ").replace("|", "\\|")
        yield f"| `{name}` | `{change}` | {why.get(name, 'not known yet')} |"


if __name__ == "__main__":
    main()
