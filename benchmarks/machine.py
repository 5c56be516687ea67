"""What the figures were measured on, and with which versions."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

import psutil

from benchmarks.peers.node import PACKAGES, WANTED

DISTRIBUTIONS: Final = (
    "neuroengine",
    "pydantic",
    "httpx",
    "respx",
    "pytest",
    "pytest-httpx",
    "pytest-httpserver",
    "schemathesis",
    "hypothesis",
    "starlette",
    "fastapi",
    "uvicorn",
    "uvloop",
    "httptools",
    "openai",
    "markovify",
)
"""The distributions whose versions change the figures."""

_PROGRAMS: Final = {"node": ["node", "--version"], "java": ["java", "-version"], "wrk": ["wrk", "-v"]}


def machine() -> dict[str, str | int | float]:
    """The machine."""
    return {
        "processor": _processor(),
        "processors": os.cpu_count() or 0,
        "memory_gb": round(psutil.virtual_memory().total / 1e9),
        "system": f"{platform.system()} {platform.release()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
    }


def versions() -> dict[str, str]:
    """What was compared, by name; what is not installed is left out."""
    found = {}
    for name in DISTRIBUTIONS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    for name, command in _PROGRAMS.items():
        if shutil.which(command[0]):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            told = re.search(r"[0-9]+\.[0-9][\w.+-]*", done.stdout + done.stderr)
            found[name] = told[0] if told else "unknown"
    return found | _node_packages()


def _node_packages() -> dict[str, str]:
    manifests = (path / "package.json" for path in PACKAGES.glob("node_modules/*") if path.is_dir())
    scoped = PACKAGES.glob("node_modules/@*/*/package.json")
    wanted = json.loads(WANTED.read_text(encoding="utf-8"))["dependencies"]
    read = (json.loads(path.read_text(encoding="utf-8")) for path in (*manifests, *scoped) if path.is_file())
    return {package["name"]: package["version"] for package in read if package.get("name") in wanted}


def _processor() -> str:
    told = Path("/proc/cpuinfo")
    if told.is_file():
        for line in told.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
