"""`neuroengine conformance`: what it prints, writes and exits with."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result
from patience import DEADLINE_S

from conformance.selftest.null_hubs import null_hub
from mockserver import MockHub
from neuroengine import spec
from neuroengine.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[1]
SERVICE = "First"


@pytest.fixture(scope="module")
def hub() -> Iterator[MockHub]:
    with MockHub(services={SERVICE: "KEY1", "Second": "KEY2"}) as hub:
        yield hub


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def neuroengine(*words: str) -> Result:
    result = CliRunner().invoke(main, ["conformance", *words])
    assert "Traceback" not in result.output
    return result


def judge(hub: MockHub, *words: str, select: str = "NE-HTTP-*") -> Result:
    return neuroengine("run", hub.url, "--service", SERVICE, "--ca-file", hub.ca_file, "--select", select, *words)


def test_a_judgement_ends_with_the_verdict_and_how_much_was_judged(hub: MockHub) -> None:
    result = judge(hub, "--seed", "5")
    assert result.exit_code == 0
    assert "service First" in result.output
    assert "profile core, seed 5" in result.output
    assert "CONFORMING as far as it was judged: 1 of 1 MUSTs were judged." in result.output
    assert "requests in" in result.output.splitlines()[-1]


def test_the_service_may_stand_in_the_url(hub: MockHub) -> None:
    words = ("--ca-file", hub.ca_file, "--select", "NE-HTTP-001")
    assert neuroengine("run", f"{hub.url}/{SERVICE}", *words).exit_code == 0
    assert neuroengine("run", f"{hub.url}/{SERVICE}/", "--service", SERVICE, *words).exit_code == 0


def test_the_scheme_may_be_left_out(hub: MockHub) -> None:
    words = ("--service", SERVICE, "--insecure", "--select", "NE-HTTP-001")
    assert neuroengine("run", hub.url.removeprefix("https://"), *words).exit_code == 0


def test_reports_are_written_where_they_are_asked_for_and_nothing_else_is(hub: MockHub, empty_folder: Path) -> None:
    result = judge(hub, "--json", "report.json", "--junit", "report.xml")
    assert sorted(path.name for path in empty_folder.iterdir()) == ["report.json", "report.xml"]
    report = json.loads((empty_folder / "report.json").read_text(encoding="utf-8"))
    assert report["exit_code"] == result.exit_code == 0
    assert (empty_folder / "report.xml").read_bytes().startswith(b"<?xml")
    assert "report: report.json" in result.output


def test_without_a_target_the_embedded_hub_is_judged_and_a_report_is_left(empty_folder: Path) -> None:
    result = neuroengine("run", "--profile", "smoke")
    assert result.exit_code == 0
    assert "the embedded mock hub at http://127.0.0.1:" in result.output
    report = json.loads((empty_folder / "conformance-report.json").read_text(encoding="utf-8"))
    assert report["settings"]["limits"]["stream_idle_s"] == 1.0
    assert report["counts"]["pass"] > 10


def test_smoke_sends_at_most_twenty_requests_and_judges_every_row_it_names(hub: MockHub, empty_folder: Path) -> None:
    assert judge(hub, "--profile", "smoke", "--json", "r.json", select="*").exit_code == 0
    report = json.loads((empty_folder / "r.json").read_text(encoding="utf-8"))
    assert report["requests"] <= 20
    assert report["counts"]["skip"] == report["counts"]["error"] == 0


def test_a_budget_of_requests_is_kept_and_binding_rows_come_first(hub: MockHub, empty_folder: Path) -> None:
    words = ("--max-requests", "40", "--json", "r.json")
    judge(hub, *words, select="NE-*")
    report = json.loads((empty_folder / "r.json").read_text(encoding="utf-8"))
    assert report["requests"] <= 40
    reasons = {entry["id"]: entry["reason"] for entry in report["requirements"]}
    assert "budget of 40 requests" in reasons["NE-HTTP-002"]
    assert reasons["NE-HTTP-001"] == ""


def test_a_wrong_hub_exits_1_and_shows_the_breach_with_a_line_to_repeat_it() -> None:
    with MockHub(services={SERVICE: "KEY1"}, wrong="unknown_service_is_empty") as wrong:
        result = judge(wrong, select="NE-ERR-001")
        assert result.exit_code == 1
        assert "FAIL NE-ERR-001 MUST: Failure is not zero" in result.output
        assert f"--cacert {wrong.ca_file}" in result.output
        assert "NOT CONFORMING: 1 MUSTs are broken; 1 of 1 MUSTs were judged." in result.output
    with MockHub(services={SERVICE: "KEY1"}, wrong="names_folded") as wrong:
        result = judge(wrong, select="NE-HTTP-005")
        assert result.exit_code == 0
        assert "WARN NE-HTTP-005 SHOULD" in result.output


def test_require_complete_fails_when_a_binding_row_was_not_judged(hub: MockHub) -> None:
    assert judge(hub, "--require-complete", select="NE-HTTP-001").exit_code == 0
    result = judge(hub, "--require-complete", select="NE-[HF][TW]*-001")
    assert result.exit_code == 1
    assert "NOT COMPLETE: 1 of 2 MUSTs were judged. The others: needs provider access" in result.output


def test_level_must_leaves_the_recommendations_out(hub: MockHub, empty_folder: Path) -> None:
    judge(hub, "--level", "must", "--json", "r.json")
    report = json.loads((empty_folder / "r.json").read_text(encoding="utf-8"))
    assert [entry["id"] for entry in report["requirements"]] == ["NE-HTTP-001"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["run", "ftp://hub.example", "--service", "A"], "is no URL of a hub; write https://"),
        (["run", "https://user@hub.example", "--service", "A"], "holds a user, a query or a fragment"),
        (["run", "https://hub.example:99999", "--service", "A"], "is no URL"),
        (["run", "https://hub.example", "--service", "a b"], "'a b' holds a space"),
        (["run", "https://hub.example/ä", "--service", "A"], "write it percent-encoded"),
        (["run", "https://hub.example", "--service", "A", "--second-service", "Ä"], "'Ä' holds"),
        (["run", "https://hub.example"], "Say --service NAME"),
        (["run", "--service", "A"], "belongs to a TARGET"),
        (["run", "http://127.0.0.1:9", "--service", "A", "--select", "NE-NONE-*"], "no requirement of a hub matches"),
        (["run", "http://127.0.0.1:9", "--service", "A", "--limit", "patience=3"], "there is no limit 'patience'"),
        (["run", "http://127.0.0.1:9", "--service", "A", "--limit", "end_kept_s"], "not of the form NAME=NUMBER"),
        (["run", "http://127.0.0.1:9", "--service", "A", "--limit", "end_kept_s=0"], "must be above 0"),
        (["run", "http://127.0.0.1:9", "--service", "A", "--timeout", "0"], "0.0 is not in the range"),
        (["run", "https://127.0.0.1:9", "--service", "A", "--ca-file", "none.pem"], "none.pem' cannot be used"),
        (["run", "http://127.0.0.1:9", "--service", "A", "--json", "no/r.json"], "does not exist"),
        (["run", "--no-such-flag"], "No such option"),
    ],
)
def test_a_wrong_command_line_gets_one_sentence_and_exit_code_2(words: list[str], sentence: str) -> None:
    result = neuroengine(*words)
    assert result.exit_code == 2
    assert sentence in " ".join(result.stderr.split())


def test_a_closed_port_exits_3_and_still_writes_the_report(empty_folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    result = neuroengine("run", url, "--service", "A", "--json", "r.json")
    assert result.exit_code == 3
    assert "NOT JUDGED: the hub at" in result.output
    assert "Is the address right, and is the hub running?" in result.output
    assert json.loads((empty_folder / "r.json").read_text(encoding="utf-8"))["exit_code"] == 3


def test_an_untrusted_certificate_is_told_with_the_way_out(hub: MockHub) -> None:
    result = neuroengine("run", hub.url, "--service", SERVICE)
    assert result.exit_code == 3
    assert "Give the authority with --ca-file PEM" in result.output


def test_tls_spoken_to_a_plain_port_is_told_with_the_way_out() -> None:
    with MockHub(services={SERVICE: "KEY1"}, tls=False) as plain:
        result = neuroengine("run", plain.url.replace("http:", "https:"), "--service", SERVICE)
    assert result.exit_code == 3
    assert "write http://" in result.output


def test_an_unknown_service_exits_3_with_the_names_that_there_are(hub: MockHub) -> None:
    result = neuroengine("run", hub.url, "--service", "Frist", "--ca-file", hub.ca_file)
    assert result.exit_code == 3
    assert "The hub lists First, Second" in result.output


def test_an_interrupt_still_writes_the_report(empty_folder: Path) -> None:
    program = "import sys; from neuroengine.cli import main; main(sys.argv[1:])"
    with null_hub("hang") as hub:
        words = ["conformance", "run", hub.url, "--service", "A", "--json", "r.json", "--timeout", "60"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
        with subprocess.Popen(
            [sys.executable, "-c", program, *words],
            cwd=empty_folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                assert process.stdout is not None
                assert process.stderr is not None
                assert "Judging" in process.stdout.readline()
                assert hub.asked.wait(DEADLINE_S)
                process.send_signal(signal.SIGINT)
                assert process.wait(DEADLINE_S) == 3
                assert "Traceback" not in process.stderr.read()
            finally:
                process.kill()
    report = json.loads((empty_folder / "r.json").read_text(encoding="utf-8"))
    assert report["stopped"] == "the run was interrupted"
    assert report["exit_code"] == 3


def test_list_shows_the_rows_that_the_filters_leave() -> None:
    rows = spec.requirements()
    assert len(neuroengine("list").output.splitlines()) == len(rows)
    client = neuroengine("list", "--role", "client", "--level", "must", "--profile", "core").output.splitlines()
    wanted = [r["id"] for r in rows if (r["role"], r["level"], r["profile"]) == ("client", "MUST", "core")]
    assert [line.split()[0] for line in client] == wanted
    judged = [line for line in neuroengine("list", "--role", "hub").output.splitlines() if " judged  " in line]
    assert len(judged) == len([row for row in rows if "checks" in row])


@pytest.mark.parametrize(
    ("words", "is_wanted"),
    [
        (["--area", "stream"], lambda row: row["id"].startswith("NE-STREAM-")),
        (["--needs", "provider"], lambda row: "provider" in row.get("needs", [])),
        (["--needs", "none", "--role", "hub"], lambda row: row["role"] == "hub" and not row.get("needs")),
        (["--state", "untestable"], lambda row: "untestable" in row),
        (["--state", "judged"], lambda row: "checks" in row),
        (["ne-http-00[12]"], lambda row: row["id"] in {"NE-HTTP-001", "NE-HTTP-002"}),
    ],
)
def test_list_leaves_what_its_filters_name(words: list[str], is_wanted: Callable[[dict[str, Any]], bool]) -> None:
    listed = json.loads(neuroengine("list", *words, "--json").output)
    assert [row["id"] for row in listed] == [row["id"] for row in spec.requirements() if is_wanted(row)] != []
    assert {row["state"] for row in listed} <= {"judged", "untestable", "pending"}


def test_rows_of_the_other_roles_are_listed_as_not_judged_yet() -> None:
    for role in ("client", "provider"):
        lines = neuroengine("list", "--role", role, "--state", "pending").output.splitlines()
        assert len(lines) > 10
        assert all(" not judged yet " in line for line in lines)


@pytest.mark.parametrize("words", [("--help",), ("list",), ("run", "--help")])
def test_what_judges_nothing_loads_nothing_heavy(words: tuple[str, ...]) -> None:
    heavy = ("pytest", "hypothesis", "rich", "jinja2", "jsonschema", "httpx", "pydantic", "asyncio", "tomlkit")
    program = (
        "import sys\nfrom neuroengine.cli import main\n"
        "try:\n    main(sys.argv[1:])\n"
        f"except SystemExit:\n    sys.exit(repr([name for name in {heavy!r} if name in sys.modules]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "conformance", *words], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stderr.strip() == "[]"
