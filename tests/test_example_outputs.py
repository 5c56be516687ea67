"""What the guides show of an example's output is what it prints.

Beside an example lies a file of the same name with the ending `.out`; where the same is written in several languages,
they share it. In it, `…` stands for what differs from run to run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from example_runs import EXAMPLES, PROGRAMS, ROOT, agrees, run

from mockserver import MockHub, ServiceSettings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SERVICES = (
    ServiceSettings("Neuroengine-Large", "KEY", comment="The simulated model"),
    ServiceSettings("MYGPT", "DEMOKEY", offline=True),
    ServiceSettings("Members-Only", "KEY", access_keys=("ACCESS-KEY",), comment="For members"),
)
IN_ANY_ORDER = {"stream_together"}
"""Examples whose lines come as chance has it."""
OUTPUTS = sorted(EXAMPLES.rglob("*.out"))
RUNS = [
    pytest.param(program, output, id=str(program.relative_to(EXAMPLES)))
    for output in OUTPUTS
    for program in sorted(output.parent.glob(f"{output.stem}.*"))
    if program.suffix in PROGRAMS
]


@pytest.fixture(scope="module")
def environment() -> Iterator[dict[str, str]]:
    with MockHub(SERVICES, tls=False, admin=True) as hub:
        yield {
            "NEUROENGINE_URL": hub.url,
            "NEUROENGINE_PROVIDER": hub.provider,
            "NEUROENGINE_KEY": "ACCESS-KEY",
            "SSL_CERT_FILE": hub.ca_file,
            "ADMIN": hub.admin_url,
        }


@pytest.mark.parametrize(("program", "output"), RUNS)
def test_an_example_prints_what_the_guides_show(program: Path, output: Path, environment: dict[str, str]) -> None:
    expected, actual = output.read_text(encoding="utf-8"), run(program, environment)
    if output.stem in IN_ANY_ORDER:
        expected, actual = ("".join(sorted(text.splitlines(keepends=True))) for text in (expected, actual))
    assert agrees(expected, actual), f"{output.relative_to(ROOT)} says:\n{expected}\nand the program printed:\n{actual}"


def test_every_call_of_the_http_api_is_shown_in_three_languages() -> None:
    by_hand = EXAMPLES / "http"
    assert OUTPUTS
    for output in by_hand.glob("*.out"):
        assert {path.suffix for path in by_hand.glob(f"{output.stem}.*")} == {".out", ".sh", ".py", ".mjs"}
    assert {path.stem for path in by_hand.iterdir()} == {path.stem for path in by_hand.glob("*.out")}


def test_dots_stand_for_anything_on_one_line_and_nothing_else_does() -> None:
    assert agrees("status 200, … ms\n", "status 200, 17 ms\n")
    assert not agrees("status 200, … ms\n", "status 200, 17\nms\n")
    assert not agrees("status 200.\n", "status 2000\n")
