"""The project's tasks, as nox sessions: `python3 dev.py TASK`, or `nox -s TASK` where nox is installed.

What a session installs stands in pyproject.toml: the package's extras and the dependency groups.
"""

from __future__ import annotations

import json
import os
import shutil
import tarfile
import tempfile
import zipfile
from pathlib import Path

import nox

nox.needs_version = ">=2026.10"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.download_python = "never"
nox.options.reuse_venv = "yes"
nox.options.sessions = ["lint", "types", "tests", "generate", "wheel", "conformance"]

PROCESSES = "6"
"""In how many processes the tests run: most of them wait for something, so more than there are processors."""
JUDGEMENTS = "6"
"""How many hubs the self-test judges at the same time: each judgement mostly waits for its hub's limits."""
PROJECT = nox.project.load_toml("pyproject.toml")
REPORT = Path("conformance-report.json")
JUNIT = Path("conformance-report.xml")
PAGE = Path("conformance-report.html")
DIST = Path("dist")
NODE_PEERS = Path(".nox") / "peers"


@nox.session
def conformance(session: nox.Session) -> None:
    """Judge a hub, by default the embedded mock hub; write a report. Arguments go to `neuroengine conformance run`."""
    session.install("-e", ".[all]")
    REPORT.unlink(missing_ok=True)
    try:
        files = ("--json", str(REPORT), "--html", str(PAGE), "--junit", str(JUNIT))
        session.run("neuroengine", "conformance", "run", *files, *session.posargs)
    finally:
        if REPORT.exists():
            session.log(
                f"The report is in {REPORT.resolve()}; to read in {PAGE.resolve()}; JUnit XML in {JUNIT.resolve()}"
            )


@nox.session
def tests(session: nox.Session) -> None:
    """Run all tests; arguments go to pytest."""
    _install_tests(session)
    session.run("pytest", "-n", PROCESSES, *session.posargs)


@nox.session(python=nox.project.python_versions(PROJECT), default=False)
def matrix(session: nox.Session) -> None:
    """Run all tests on one supported Python, as in `matrix-3.12`; arguments go to pytest."""
    _install_tests(session)
    session.run("pytest", "-n", PROCESSES, *session.posargs)


@nox.session(default=False)
def coverage(session: nox.Session) -> None:
    """Run all tests and list the lines and branches that none of them reaches; arguments go to pytest."""
    _install_tests(session)
    session.run("coverage", "erase")
    session.run("coverage", "run", "-m", "pytest", *session.posargs)
    session.run("coverage", "combine", "--quiet")
    session.run("coverage", "report", "--show-missing", "--skip-covered")


@nox.session(default=False)
def selftest(session: nox.Session) -> None:
    """Judge the suite by every known hub, over 200 seeds the right one; 100,000 cases of framing, 5,000 streams.

    What was judged is kept in selftest.jsonl, and a later run goes on from there. Arguments go to `neuroengine
    conformance selftest`.
    """
    _install_tests(session)
    amount = ("--seeds", "200", "--variant-seeds", "10", "--wrong-seeds", "3", "--jobs", JUDGEMENTS)
    session.run("neuroengine", "conformance", "selftest", *amount, "--markdown", "selftest.md", *session.posargs)
    session.run(
        "pytest",
        "-n",
        "2",
        "tests/test_frames.py",
        "tests/test_provider_link.py",
        "tests/test_stream_faults.py",
        "tests/test_stream_proxy.py",
        env={"NE_EXAMPLES": "100000", "NE_STREAMS": "5000"},
    )


@nox.session(default=False)
def mutation(session: nox.Session) -> None:
    """Judge mutants of the mock hub's state by the whole suite; arguments go to `python -m benchmarks.mutants`."""
    session.install("-e", ".[all]", *_groups("mutation"))
    session.run("python", "-m", "benchmarks.mutants", "--jobs", "4", "--markdown", "mutants.md", *session.posargs)


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """Measure speed, memory and endurance against peers; arguments go to `python -m benchmarks`: items, --json FILE."""
    session.install("-e", ".[all]", *_groups("bench"))
    if shutil.which("npm"):
        NODE_PEERS.mkdir(parents=True, exist_ok=True)
        shutil.copy(Path("benchmarks") / "peers" / "package.json", NODE_PEERS)
        session.run(
            "npm", "install", "--no-package-lock", "--no-audit", "--prefix", str(NODE_PEERS), external=True, silent=True
        )
    if not shutil.which("wrk") and shutil.which("apt-get") and os.geteuid() == 0:
        session.run("apt-get", "install", "-y", "wrk", external=True, silent=True)
    session.run("python", "-m", "benchmarks", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, formatting, spelling, the layering, the schemas, and the OpenAPI document."""
    session.install(*_groups("lint"))
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("codespell")
    session.run("lint-imports", "--no-logo")
    schemas = sorted(str(path) for path in Path("spec").rglob("*.schema.json"))
    session.run("check-jsonschema", "--check-metaschema", *schemas)
    session.run("openapi-spec-validator", "spec/openapi.json", "spec/mock/admin.openapi.json")


@nox.session
def types(session: nox.Session) -> None:
    """Check the types strictly."""
    session.install("-e", ".[all]", *_groups("types"))
    session.run("mypy", *session.posargs)


@nox.session
def generate(session: nox.Session) -> None:
    """Write all that is generated from spec/; with --check, write nothing and fail when something is stale."""
    session.install(*_groups("generate"))
    session.run("python", "-m", "tools.generate", *session.posargs)


@nox.session(default=False)
def docs(session: nox.Session) -> None:
    """Build the documentation into site/; check links, anchors, snippets, spelling, and that nothing is missing."""
    _install_tests(session)
    session.run("mkdocs", "build", "--strict", env={"NO_MKDOCS_2_WARNING": "1"})
    session.run("codespell", "docs", *(str(path) for path in Path("site").rglob("*.md")))
    session.run("pytest", *sorted(str(path) for path in Path("tests").glob("test_docs*.py")), *session.posargs)


@nox.session(default=False)
def browser(session: nox.Session) -> None:
    """Look at every page of the documentation in Chromium, which Debian gives if need be; arguments go to pytest."""
    session.install("-e", ".[all,docs]", *_groups("browser"))
    if not shutil.which("chromium"):
        session.run("apt-get", "update", external=True, silent=True)
        session.run("apt-get", "install", "--yes", "--no-install-recommends", "chromium", external=True, silent=True)
    session.run("pytest", "-n", "3", "tests/browser", *session.posargs)


@nox.session(default=False)
def build(session: nox.Session) -> None:
    """Build the sdist, and from it the wheel, into dist/, and compare the spec inside with spec/."""
    session.install("build", *PROJECT["build-system"]["requires"])
    for old in DIST.glob("neuroengine-*"):
        old.unlink()
    session.run("python", "-m", "build", "--no-isolation", "--outdir", str(DIST))
    files = (path for path in Path("spec").rglob("*") if path.is_file())
    spec = {path.relative_to("spec").as_posix(): path.read_bytes() for path in files}
    for artifact in ("wheel", "sdist"):
        shipped = _shipped_spec(_artifact(artifact))
        differing = sorted(name for name in spec.keys() | shipped.keys() if spec.get(name) != shipped.get(name))
        if differing:
            session.error(f"the {artifact}'s spec differs from spec/ in: {', '.join(differing)}")
        session.log(f"The {artifact} holds the {len(shipped)} files of spec/, byte by byte")


@nox.session(requires=["build"], reuse_venv=False)
@nox.parametrize("artifact", ["wheel", "sdist"])
def wheel(session: nox.Session, artifact: str) -> None:
    """Install the built wheel and sdist into fresh environments, and use each from an empty folder."""
    target = _artifact(artifact).resolve()
    session.install(str(target))
    with tempfile.TemporaryDirectory() as empty, session.chdir(empty):
        session.run("neuroengine", "--version")
        session.run("neuroengine", "spec", "list")
        session.install(f"neuroengine[all] @ {target.as_uri()}")
        session.run(
            "neuroengine", "conformance", "run", "--profile", "smoke", "--json", REPORT.name, "--html", PAGE.name
        )
        if not json.loads(REPORT.read_text(encoding="utf-8")):
            session.error(f"the report of the {artifact} is empty")


def _install_tests(session: nox.Session) -> None:
    """The package in place, and all that the tests use; they also run the linter of the layers and the generators."""
    session.install("-e", ".[all,docs]", *_groups("test", "lint", "generate"))


def _groups(*names: str) -> tuple[str, ...]:
    """The requirements of the dependency groups."""
    return tuple(nox.project.dependency_groups(PROJECT, *names))


def _artifact(artifact: str) -> Path:
    """The one built file of the kind `wheel` or `sdist`."""
    (found,) = DIST.glob({"wheel": "neuroengine-*.whl", "sdist": "neuroengine-*.tar.gz"}[artifact])
    return found


def _shipped_spec(artifact: Path) -> dict[str, bytes]:
    """The files of the spec inside a built wheel or sdist, by their paths below spec/."""
    if artifact.suffix == ".whl":
        with zipfile.ZipFile(artifact) as archive:
            content = {name: archive.read(name) for name in archive.namelist()}
        folder = "neuroengine/_spec/"
    else:
        with tarfile.open(artifact) as archive:
            members = ((member.name, archive.extractfile(member)) for member in archive.getmembers())
            content = {name: file.read() for name, file in members if file}
        folder = artifact.name.removesuffix(".tar.gz") + "/spec/"
    return {name.removeprefix(folder): data for name, data in content.items() if name.startswith(folder)}
