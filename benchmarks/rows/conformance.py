"""The conformance suite against the mock hub: how long a judgement takes, what it tries a second, what wrong hubs cost.

The peer is `schemathesis run` with the project's OpenAPI document, on the same hub. A case is a request that is judged;
a check of ours sends one or many.
"""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from functools import partial
from importlib.resources import as_file
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Final, NamedTuple

from benchmarks.hub_process import hub_process
from benchmarks.measure import Row, at_least, at_most, ratios, row, take_turns
from benchmarks.process import PYTHON
from conformance import Settings, catalogue, run
from mockserver.wrong import WRONG_HUBS
from neuroengine import spec
from neuroengine.cli.conformance.embedded import embedded_hub

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.measure import Effort

PEER: Final = "schemathesis run"
ALONE: Final = "core, from the client's end alone"
SECONDS: Final = {"smoke": None, ALONE: 10.0, "core": 30.0, "extended": 60.0}
"""The profiles, and how long each may take; at its own hub the suite also logs in as a provider."""


class Judged(NamedTuple):
    """One judgement as a program that was run."""

    seconds: float
    cases: int

    @property
    def cases_s(self) -> float:
        """Cases a second, from the program's start to its end."""
        return self.cases / self.seconds


def measure(effort: Effort) -> Iterator[Row]:
    """Each profile's time, cases a second beside schemathesis, and wrong hubs found a second."""
    with tempfile.TemporaryDirectory() as folder:
        turns = {PEER: partial(_by_peer, 5 if effort.quick else 100)} | {
            profile: partial(_alone if profile == ALONE else _by_us, profile, Path(folder))
            for profile in (["smoke"] if effort.quick else SECONDS)
        }
        judged = take_turns(turns, effort.of(2, 1))
    peer = [one.cases_s for one in judged[PEER]]
    yield row(f"{PEER}: time", [one.seconds for one in judged[PEER]], "s")
    yield row(f"{PEER}: cases a second", peer, "1/s")
    for profile, found in judged.items():
        if profile == PEER:
            continue
        limit = SECONDS[profile]
        goal = None if limit is None else at_most(limit)
        yield row(f"profile {profile}: time", [one.seconds for one in found], "s", goal=goal)
        cases = [one.cases_s for one in found]
        yield row(f"profile {profile}: cases a second", cases, "1/s", goal=None if limit is None else at_least(300))
        yield row(f"profile {profile}: cases a second", ratios(cases, peer), "x", against=PEER)
    yield from _wrong_hubs(effort.of(24, 2))


def _by_us(profile: str, folder: Path, *more: str) -> Judged:
    """`neuroengine conformance run` of the embedded mock hub, as a newcomer runs it, unless more is said."""
    report = folder / "report.json"
    words = ["conformance", "run", "--profile", profile, "--seed", "1", "--json", str(report)]
    seconds, _ = _timed([PYTHON, "-m", "neuroengine", *words, *more])
    told = json.loads(report.read_text(encoding="utf-8"))
    assert told["conforms"], f"the mock hub does not conform: {told['counts']}"
    return Judged(seconds, told["requests"])


def _alone(_: str, folder: Path) -> Judged:
    """The profile core at a hub of which the suite is told nothing but the address, as its peer is."""
    with hub_process(services={"MYGPT": "KEY"}) as hub:
        return _by_us("core", folder, hub.url, "--service", "MYGPT")


def _by_peer(examples: int) -> Judged:
    with as_file(spec.root().joinpath("openapi.json")) as document, hub_process(services={"MYGPT": "KEY"}) as hub:
        program = str(Path(PYTHON).with_name("schemathesis"))
        quiet = ["--max-failures", "1000", "--continue-on-failure", "--suppress-health-check", "all"]
        command = [program, "run", str(document), "--url", hub.url, "--seed", "1", "--max-examples", str(examples)]
        seconds, said = _timed([*command, *quiet])
    generated = re.search(r"([0-9]+) generated", said)
    assert generated, said
    return Judged(seconds, int(generated[1]))


def _timed(command: Sequence[str]) -> tuple[float, str]:
    """How long a program ran, and what it said; it may find fault with the hub."""
    with tempfile.TemporaryDirectory() as empty:
        began = perf_counter()
        done = subprocess.run(command, cwd=empty, capture_output=True, text=True, timeout=300, check=False)
        seconds = perf_counter() - began
    assert done.returncode in {0, 1}, done.stdout + done.stderr
    return seconds, done.stdout


def _wrong_hubs(count: int) -> Iterator[Row]:
    """So many of the wrong hubs, evenly chosen, each judged by the requirement that it breaks."""
    rows = catalogue()
    wrong = [one for one in WRONG_HUBS.values() if rows[one.breaks].checks]
    chosen = wrong[:: max(1, len(wrong) // count)][:count]
    seconds, found = [], 0
    for one in chosen:
        began = perf_counter()
        with embedded_hub(one.name) as told:
            (judged,) = run(Settings(profile="extended", select=(one.breaks,), seed=1, timeout=5.0, **told))[
                "requirements"
            ]
        found += judged["verdict"] in {"fail", "warn"}
        seconds.append(perf_counter() - began)
    yield row(f"{len(chosen)} wrong hubs: found", [100 * found / len(chosen)], "%", goal=at_least(100))
    yield row("wrong hubs found a second", [found / sum(seconds)], "1/s")
    yield row("time to judge a wrong hub", seconds, "s")
