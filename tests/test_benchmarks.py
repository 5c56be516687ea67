"""The benchmarks: how figures are got and shown; that all of them run is `nox -s bench -- --quick`."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from benchmarks import table
from benchmarks.__main__ import main
from benchmarks.fit import grows, power
from benchmarks.ledger import WHOLE, Ledger, reply_to
from benchmarks.measure import Effort, Goal, at_least, at_most, cost, missing, percentile, ratios, row, take_turns
from benchmarks.plot import svg
from benchmarks.results import Results, read_results
from benchmarks.rows import ITEMS
from benchmarks.soak import soak

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LEDGER_MESSAGE = "w1 3"
CURVE = grows("streams: time", [[(10, 1.0), (100, 11.0)], [(10, 2.0), (100, 20.0)]], ("streams", "s"))


# -- turns, ratios, rows


def test_contestants_take_turns_and_every_round_begins_with_another_one() -> None:
    order: list[str] = []

    def contestant(name: str) -> Callable[[], int]:
        def run() -> int:
            order.append(name)
            return len(order)

        return run

    samples = take_turns({name: contestant(name) for name in "abc"}, rounds=3)
    assert "".join(order) == "abcbcacab"
    assert samples == {"a": [1, 6, 8], "b": [2, 4, 9], "c": [3, 5, 7]}


def test_a_ratio_is_taken_within_a_round() -> None:
    assert ratios([1.0, 20.0], [2.0, 40.0]) == [0.5, 0.5]
    with pytest.raises(ValueError, match="longer"):
        ratios([1.0], [2.0, 40.0])


def test_a_row_holds_the_median_and_the_least_and_the_most() -> None:
    found = row("what", [3.0, 1.0, 2.0], "x", against="whom", goal=at_most(2))
    assert (found.median, found.spread, found.rounds, found.met) == (2.0, (1.0, 3.0), 3, True)


@pytest.mark.parametrize(
    ("goal", "value", "is_met"),
    [(at_least(2), 2.0, True), (at_least(2), 1.99, False), (at_most(2), 2.0, True), (at_most(2), 2.01, False)],
)
def test_a_goal_is_met_from_its_side_and_says_itself(goal: Goal, value: float, is_met: bool) -> None:
    assert goal.met_by(value) is is_met
    assert Goal.read(str(goal)) == goal


def test_what_was_not_measured_meets_nothing() -> None:
    assert missing("what", "no wrk", goal=at_least(1)).met is None


def test_a_cost_is_that_of_one_call() -> None:
    calls: list[None] = []
    found = cost(lambda: calls.append(None), 1000)
    assert len(calls) == 1000
    assert 0 < found.cpu_s < 1
    assert percentile([float(number) for number in range(101)], 99) == 99


# -- curves


@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0, 2.0])
def test_a_power_is_found_again(exponent: float) -> None:
    assert power([(x, 3 * x**exponent) for x in (1.0, 10.0, 50.0, 1000.0)]) == pytest.approx(exponent)


def test_a_curve_shows_the_medians_and_is_judged_by_its_power() -> None:
    assert CURVE.points == ((10, 1.5), (100, 15.5))
    assert CURVE.median == pytest.approx(1.0207, abs=1e-3)
    assert CURVE.met
    square = grows("rules", [[(1.0, 1.0), (10.0, 100.0)]], ("rules", "ms"))
    assert square.met is False


def test_a_picture_is_xml_that_names_what_it_shows_and_draws_every_point() -> None:
    picture = ET.fromstring(svg(CURVE))  # noqa: S314 - it was made here
    names = Counter(part.tag.rpartition("}")[2] for part in picture.iter())
    assert names["circle"] == 2
    assert names["polyline"] == 1
    assert "".join(picture.itertext()).count("streams") == 3


# -- results and their page


def results() -> Results:
    found = Results({"processors": 2}, {"httpx": "0.28"})
    found.put(
        "http", [row("requests", [1.0, 2.0], "x", against="bare", goal=at_least(3)).under(0.5), missing("p", "no")]
    )
    found.put("growth", [CURVE.under(0.25)])
    return found


def test_results_have_the_published_shape_and_come_back_from_their_file(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    file.write_text(results().as_json(), encoding="utf-8")
    data = json.loads(file.read_text(encoding="utf-8"))
    assert data.keys() == {"machine", "versions", "rows"}
    first = data["rows"][0]
    assert {name: first[name] for name in ("name", "goal", "median", "spread", "unit", "met")} == {
        "name": "requests",
        "goal": "≥ 3",
        "median": 1.5,
        "spread": [1.0, 2.0],
        "unit": "x",
        "met": False,
    }
    assert read_results(file).as_json() == results().as_json()


def test_the_page_is_what_the_committed_results_say() -> None:
    assert table.write_page(check=True) == []


def test_the_page_shows_every_item() -> None:
    text = table.TEXT.read_text(encoding="utf-8")
    assert [item for item in ITEMS if f"<!-- rows {item} -->" not in text] == []
    assert read_results(table.RESULTS).items.keys() == ITEMS.keys()


def test_a_page_that_is_stale_is_written_anew(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, file in (("RESULTS", "results.json"), ("TEXT", "page.md"), ("DOCS", "docs")):
        monkeypatch.setattr(table, name, tmp_path / file)
    (tmp_path / "results.json").write_text(results().as_json(), encoding="utf-8")
    (tmp_path / "page.md").write_text("<!-- goals -->\n<!-- rows http -->\n<!-- rows soak -->\n", encoding="utf-8")
    (tmp_path / "docs").mkdir()
    page, picture = tmp_path / "docs" / "benchmarks.md", tmp_path / "docs" / "benchmarks" / "streams-time.svg"
    assert table.write_page(check=True) == [page, picture]
    assert not page.exists()
    assert table.write_page(check=False) == [page, picture]
    assert table.write_page(check=True) == []
    shown = page.read_text(encoding="utf-8")
    assert "1 of 2 goals are met." in shown
    assert "| requests | bare | ≥ 3 | 1.5 × | 1 to 2 | **no** |" in shown  # noqa: RUF001 - the sign itself
    assert "not measured: no" in shown
    assert shown.endswith("Not measured yet.\n")
    assert picture.read_text(encoding="utf-8") == svg(CURVE.under(0.25))


# -- the ledger


def ledger() -> Ledger:
    found = Ledger()
    found.begin(LEDGER_MESSAGE, reply_to(LEDGER_MESSAGE))
    return found


def test_a_ledger_takes_one_outcome_for_each_request() -> None:
    kept = ledger()
    kept.end(LEDGER_MESSAGE, WHOLE, "w1.0 w1.1 w1.2")
    kept.check_calls(Counter([LEDGER_MESSAGE]), gone=set())
    kept.finish()
    assert (kept.violations, kept.count, kept.tokens, kept.outcomes) == ([], 1, 3, Counter({WHOLE: 1}))


@pytest.mark.parametrize("text", ["w1.0 w1.1", "w1.0 w1.0 w1.1 w1.2", "w1.1 w1.0 w1.2", "w2.0 w2.1 w2.2", ""])
def test_a_ledger_sees_tokens_that_are_lost_doubled_out_of_place_or_of_others(text: str) -> None:
    kept = ledger()
    kept.end(LEDGER_MESSAGE, WHOLE, text)
    assert len(kept.violations) == 1


def test_a_ledger_takes_the_beginning_of_a_reply_before_an_error_and_nothing_else() -> None:
    kept = ledger()
    kept.end(LEDGER_MESSAGE, "code 13", "w1.0 w1.1")
    assert kept.violations == []
    other = ledger()
    other.end(LEDGER_MESSAGE, "code 13", "w1.1")
    assert len(other.violations) == 1


def test_a_ledger_sees_outcomes_that_are_missing_or_too_many() -> None:
    kept = ledger()
    kept.finish()
    assert kept.violations == ["'w1 3' never had an outcome"]
    kept = ledger()
    for _ in range(2):
        kept.end(LEDGER_MESSAGE, "left")
    assert len(kept.violations) == 1
    kept.begin(LEDGER_MESSAGE, "")
    assert len(kept.violations) == 2


@pytest.mark.parametrize(
    ("calls", "violations"),
    [({LEDGER_MESSAGE: 2}, 1), ({}, 1), ({LEDGER_MESSAGE: 1, "w9 1": 1}, 1), ({LEDGER_MESSAGE: 1}, 0)],
)
def test_a_ledger_compares_with_what_providers_were_asked(calls: dict[str, int], violations: int) -> None:
    kept = ledger()
    kept.end(LEDGER_MESSAGE, WHOLE, reply_to(LEDGER_MESSAGE))
    kept.check_calls(Counter(calls), gone=set())
    assert len(kept.violations) == violations


def test_two_ledgers_become_one() -> None:
    kept, other = ledger(), Ledger()
    kept.end(LEDGER_MESSAGE, "left")
    other.begin("w2 1", "w2.0")
    other.end("w2 1", WHOLE, "no")
    kept.absorb(other)
    assert (kept.count, len(kept.violations), kept.outcomes) == (2, 1, Counter({"left": 1, WHOLE: 1}))


# -- one quick row, and a soak of a few seconds


def test_a_quick_run_prints_and_writes_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "results.json"
    assert main(["client", "--quick", "--json", str(file)]) == 0
    found = read_results(file)
    assert found.items.keys() == {"client"}
    assert all(row.rounds == 1 and row.load is not None for row in found.items["client"])
    assert "neuroengine.Client: stream poll" in capsys.readouterr().out


def test_an_item_that_there_is_not_is_refused_with_those_that_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["htp"])
    assert "there is no item 'htp'; there are http," in capsys.readouterr().err


def test_a_soak_of_a_few_seconds_leaves_nothing_behind() -> None:
    found = soak(6.0)
    assert found.ledger.violations == []
    assert found.ledger.outcomes[WHOLE] > 0
    assert found.deaths > 0
    assert found.faults == 0
    assert found.files_after <= found.files_before


def test_an_effort_is_small_when_it_is_quick() -> None:
    assert (Effort().of(9, 1), Effort(quick=True).of(9, 1)) == (9, 1)
