"""The mock hub itself, as its command line starts it: a scripted reply to the request that the peers answer too."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from benchmarks.peers import KEY, MESSAGE, REPLY, SERVICE
from benchmarks.process import PYTHON

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def command(port: int, folder: Path, *more: str, tls: bool = False) -> Sequence[str]:
    """`neuroengine mock` with one rule: the whole path from parsing to the journal."""
    rules = {"rules": [{"when": {"message": MESSAGE}, "then": REPLY}]}
    file = folder / "rules.json"
    file.write_text(json.dumps(rules), encoding="utf-8")
    settings = ["--service", f"{SERVICE}={KEY}", "--rules", str(file), "--tls" if tls else "--no-tls"]
    return [PYTHON, "-m", "neuroengine", "mock", "--http-port", str(port), *settings, *more]
