"""A hub whose streams repeat, swap or lose text is blamed for that, and not for what the text was blamed on before."""

from __future__ import annotations

import pytest

from conformance import Settings, run
from neuroengine.cli.conformance.embedded import embedded_hub


@pytest.mark.parametrize("wrong", ["stream_piece_repeated", "stream_pieces_swapped"])
def test_streams_that_are_not_whole_say_nothing_of_errors_or_keys(wrong: str) -> None:
    rows = ("NE-STREAM-001", "NE-STREAM-011", "NE-STREAM-025")
    with embedded_hub(wrong) as told:
        report = run(Settings(select=rows, seed=1, timeout=3.0, **told))
    verdicts = {entry["id"]: (entry["verdict"], entry["reason"]) for entry in report["requirements"]}
    assert verdicts["NE-STREAM-001"][0] == "fail"
    for row in rows[1:]:
        assert verdicts[row][0] == "skip"
        assert "NE-STREAM-001" in verdicts[row][1]
