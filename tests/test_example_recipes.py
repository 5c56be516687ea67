"""The recipes of the mock hub's guide pass as they stand, in a project of their own."""

from __future__ import annotations

import shutil
from pathlib import Path

from strangers import run_pytest

RECIPES = Path(__file__).parents[1] / "examples" / "recipes" / "test_recipes.py"


def test_every_recipe_passes(tmp_path: Path) -> None:
    shutil.copy(RECIPES, tmp_path)
    outcome = run_pytest(tmp_path)
    assert outcome.counts == {"passed": RECIPES.read_text(encoding="utf-8").count("\ndef test_")}, outcome.output
