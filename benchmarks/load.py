"""Requests a second and how long they take, by wrk."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from benchmarks.process import Process

MISSING: Final = "wrk is not installed (on Debian: apt install wrk)"

PATIENCE_S: Final = 60
"""How long an answer may take. Unit: seconds."""

_SCRIPT: Final = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = %s
function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '\\n{"requests": %%d, "seconds": %%f, "p50_ms": %%f, "p99_ms": %%f, "errors": %%d}\\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
"""


class Load(NamedTuple):
    """What a server bore."""

    requests_s: float
    """Requests a second."""
    p50_ms: float
    p99_ms: float
    cpu_ms: float
    """The server's processor time a request, in milliseconds."""
    requests: int


def is_there() -> bool:
    """Whether wrk is installed."""
    return shutil.which("wrk") is not None


def drive(url: str, body: bytes, process: Process, *, connections: int, seconds: float) -> Load:
    """Posts a body as often as a server takes it, over so many connections that are kept open.

    Where a busy machine has not even opened the connections in that time, it gets twice as much.

    Raises:
        RuntimeError: a request failed: then the figures mean nothing.
    """
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "post.lua"
        script.write_text(_SCRIPT % json.dumps(body.decode()), encoding="utf-8")
        shape = ["-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", f"--timeout={PATIENCE_S}s"]
        command = ["wrk", *shape, "-s", str(script), url]
        before = process.cpu_s
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + PATIENCE_S)
        cpu_s = process.cpu_s - before
    told = json.loads(done.stdout.splitlines()[-1])
    count = told["requests"]
    if not count and not told["errors"] and seconds < PATIENCE_S:
        return drive(url, body, process, connections=connections, seconds=2 * seconds)
    if told["errors"] or not count:
        raise RuntimeError(f"{url}: {told['errors']} of {count} requests failed at {connections} connections")
    return Load(count / told["seconds"], told["p50_ms"], told["p99_ms"], cpu_s / count * 1000, count)
