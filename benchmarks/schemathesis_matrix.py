"""Side by side: which wrong hubs the suite finds, and which `schemathesis run` finds by the project's OpenAPI document.

    python -m benchmarks.schemathesis_matrix --sample 40

Both get the same hubs on the same machine, one after the other. The hubs answer errors with HTTP statuses, so that what
schemathesis judges by is there; it is told the service's name, and else left at its defaults. A wrong hub counts as
found by it where it reports anything that it does not report of the faultless hub. Hubs that are wrong towards
providers are left out: no tool that reads an OpenAPI document could find them.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import sysconfig
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from conformance import Settings, catalogue, run
from conformance.selftest.matrix import suite_digest
from mockserver.wrong import WRONG_HUBS
from neuroengine.cli.conformance.embedded import embedded_hub

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parents[1]
RESULTS: Final = Path(__file__).with_suffix(".json")
SEED: Final = 1
DEADLINE_S: Final = 240
Reports = list[tuple[str, str]]


def main() -> None:
    """Judges the hubs, and writes the results beside this program."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=int, default=0, metavar="N", help="N wrong hubs by chance; 0 for all")
    parser.add_argument("--minutes", type=float, default=600, help="begin no hub after so long")
    arguments = parser.parse_args()
    names = sorted(name for name, wrong in WRONG_HUBS.items() if is_over_http(wrong.breaks))
    drawn = random.Random(SEED).sample(names, arguments.sample or len(names))
    until = time.monotonic() + arguments.minutes * 60
    false_alarms, version, right_s = schemathesis(None)
    default_alarms, _, _ = schemathesis(None, matching_statuses=False)
    judged: list[dict[str, Any]] = []
    for name in drawn:
        if time.monotonic() > until:
            break
        judged.append(side_by_side(name, false_alarms))
        print(judged[-1], flush=True)
        write(names, judged, [version, false_alarms, default_alarms, right_s])


def is_over_http(row: str) -> bool:
    """Whether a requirement is judged without a login at the provider port."""
    return "provider" not in catalogue()[row].needs


def side_by_side(name: str, false_alarms: Reports) -> dict[str, Any]:
    """What both say of a wrong hub, and how long they take."""
    breaks = WRONG_HUBS[name].breaks
    began = time.monotonic()
    with embedded_hub(name, matching_statuses=True) as told:
        report = run(Settings(profile="extended", select=(breaks,), seed=SEED, timeout=10.0, **told))
    suite_s = time.monotonic() - began
    reported, _, schemathesis_s = schemathesis(name)
    return {
        "name": name,
        "breaks": breaks,
        "suite": report["requirements"][0]["verdict"] in {"fail", "warn"},
        "suite_s": round(suite_s, 1),
        "schemathesis": sorted(f"{code} {where}" for code, where in set(reported) - set(false_alarms)),
        "schemathesis_s": round(schemathesis_s, 1),
    }


def schemathesis(wrong: str | None, *, matching_statuses: bool = True) -> tuple[Reports, str, float]:
    """What schemathesis reports of a hub, as pairs of its code and the operation; its version; and the seconds."""
    program = Path(sysconfig.get_path("scripts"), "st")
    with tempfile.TemporaryDirectory() as folder, embedded_hub(wrong, matching_statuses=matching_statuses) as told:
        config, report = Path(folder, "schemathesis.toml"), Path(folder, "report.json")
        config.write_text(f'[parameters]\n"path.service" = "{told["service"]}"\n', encoding="utf-8")
        words = ["--config-file", str(config), "run", str(ROOT / "spec" / "openapi.json"), "--url", told["url"]]
        options = ["--seed", str(SEED), "--continue-on-failure", "--request-timeout", "10"]
        began = time.monotonic()
        subprocess.run(
            [str(program), *words, *options, "--report-json-path", str(report)],
            cwd=folder,
            env=os.environ | {"NO_COLOR": "1"},
            capture_output=True,
            timeout=DEADLINE_S,
            check=False,
        )
        seconds = time.monotonic() - began
        found = json.loads(report.read_text(encoding="utf-8"))
    failures = [(failure["code"], where) for failure in found["failures"] for where in failure["operations"]]
    return failures, found["schemathesis_version"], seconds


def write(names: list[str], judged: list[dict[str, Any]], about: list[Any]) -> None:
    """Writes what was found so far."""
    version, false_alarms, default_alarms, right_s = about
    results = {
        "date": datetime.now(UTC).date().isoformat(),
        "suite": suite_digest(),
        "python": sys.version.split()[0],
        "processors": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "schemathesis": version,
        "seed": SEED,
        "false_alarms": [" ".join(alarm) for alarm in false_alarms],
        "false_alarms_with_status_200": [" ".join(alarm) for alarm in default_alarms],
        "right_hub_s": round(right_s, 1),
        "wrong_hubs_over_http": len(names),
        "judged": len(judged),
        "found_by_suite": sum(each["suite"] for each in judged),
        "found_by_schemathesis": sum(bool(each["schemathesis"]) for each in judged),
        "suite_s": round(sum(each["suite_s"] for each in judged), 1),
        "schemathesis_s": round(sum(each["schemathesis_s"] for each in judged), 1),
        "hubs": judged,
    }
    RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


def table(results: dict[str, Any]) -> Iterator[str]:
    """The results as a Markdown table: a line a hub, the totals last."""
    yield "| requirement | wrong hub | suite | seconds | schemathesis | seconds |"
    yield "|---|---|---|--:|---|--:|"
    for hub in sorted(results["hubs"], key=lambda hub: (hub["breaks"], hub["name"])):
        suite, other = ("found" if hub["suite"] else "missed"), ", ".join(hub["schemathesis"]) or "missed"
        yield f"| {hub['breaks']} | `{hub['name']}` | {suite} | {hub['suite_s']} | {other} | {hub['schemathesis_s']} |"
    suite, other = (f"{results[f'found_by_{who}']} of {results['judged']}" for who in ("suite", "schemathesis"))
    yield f"| | all of these | {suite} | {results['suite_s']} | {other} | {results['schemathesis_s']} |"


if __name__ == "__main__":
    main()
