"""`python -m benchmarks [ITEM ...] [--quick] [--json FILE] [--soak SECONDS]`: measures the items, or all of them.

With `--json`, what is measured takes its place in the file, and what is not stays there as it was. `--page` writes the
page of the documentation from the committed results, and measures nothing; with `--check` it fails where the page is
not what they say.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import traceback
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from benchmarks.measure import Effort, load
from benchmarks.results import Results, read_results
from benchmarks.rows import ITEMS, measure
from benchmarks.table import line, write_page

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Does what the arguments say; returns the exit code."""
    parser = argparse.ArgumentParser("benchmarks", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("items", nargs="*", metavar="ITEM", help=f"what to measure: {', '.join(ITEMS)}; else all")
    parser.add_argument("--quick", action="store_true", help="see that all runs; the figures mean little")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to write the results")
    parser.add_argument("--soak", type=float, default=120.0, metavar="SECONDS", help="how long the soak lasts")
    parser.add_argument("--page", action="store_true", help="write the page of the documentation, measure nothing")
    parser.add_argument("--check", action="store_true", help="with --page: write nothing, fail where it is stale")
    given = parser.parse_args(arguments)
    if unknown := set(given.items) - set(ITEMS):
        parser.error(f"there is no item {min(unknown)!r}; there are {', '.join(ITEMS)}")
    if given.page:
        stale = write_page(check=given.check)
        for path in stale:
            sys.stdout.write(f"{'stale' if given.check else 'written'}: {path}\n")
        return 1 if given.check and stale else 0
    failed = _run(given.items or list(ITEMS), Effort(quick=given.quick, soak_s=given.soak), given.json)
    if failed:
        sys.stdout.write(f"not measured to their end: {', '.join(failed)}\n")
    return 1 if failed else 0


def _run(items: Sequence[str], effort: Effort, file: Path | None) -> list[str]:
    """Measures the items; returns those that could not be measured to their end."""
    from benchmarks.machine import machine, versions  # here, because the page needs none of it

    # Where it is set, all that is started compiles all that it imports, and every start is twice as long as it is.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that whoever was started is ended too
    results = read_results(file) if file is not None and file.exists() else Results({}, {})
    results.machine, results.versions = machine(), versions()
    failed: list[str] = []
    for item in items:
        began, found = perf_counter(), []
        sys.stdout.write(f"== {ITEMS[item]}\n")
        try:
            for row in measure(item, effort):
                found.append(row.under(load()))
                sys.stdout.write(line(found[-1]) + "\n")
                sys.stdout.flush()
        except Exception:  # noqa: BLE001 - what went wrong with one item must not cost the others
            failed.append(item)
            sys.stderr.write(traceback.format_exc())
        for note in effort.notes:
            sys.stdout.write(f"   ! {note}\n")
        effort.notes.clear()
        sys.stdout.write(f"   {perf_counter() - began:.0f} s\n")
        results.put(item, found)
        if file is not None:
            file.write_text(results.as_json(), encoding="utf-8")
    return failed


if __name__ == "__main__":
    sys.exit(main())
