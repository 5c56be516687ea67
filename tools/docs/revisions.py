"""The revisions of the spec as a page, and as the list that the version selector reads."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from tools import source
from tools.docs import requirements

if TYPE_CHECKING:
    from collections.abc import Iterable


def render() -> str:
    """The page: the rules of versions as the spec's own README has them, and every revision with what it holds."""
    readme = (source.SPEC / "README.md").read_text(encoding="utf-8")
    rules = readme.partition("## Versions\n")[2].partition("\n## ")[0].strip()
    text = f"# Revisions\n\n{rules}\n\n"
    known = requirements.rows()
    for revision in sorted({row["since"] for row in known}, reverse=True):
        new = [row for row in known if row["since"] == revision]
        text += f"## {revision}\n\n"
        if len(new) == len(known):
            text += f"The first revision, with {len(known)} requirements.\n\n"
        else:
            text += f"New requirements: {requirements.links([row['id'] for row in new])}.\n\n"
    return text + "## Changes of the toolkit\n\n" + _changelog()


def versions(beside: Iterable[str]) -> str:
    """The content of `versions.json`, which stands beside the folders of all revisions: the newest comes first.

    Args:
        beside: the names of the folders that are there; the site of an older revision stays when a newer one comes.
    """
    known = sorted({*beside, source.load("registry/spec.toml")["revision"]}, reverse=True)
    entries = [{"version": name, "title": name, "aliases": ["latest"] if name == known[0] else []} for name in known]
    return json.dumps(entries, indent=2) + "\n"


def _changelog() -> str:
    """The project's changelog below this page's headings."""
    text = (source.ROOT / "CHANGELOG.md").read_text(encoding="utf-8").partition("\n## ")[2]
    return re.sub(r"^#+ ", lambda found: f"#{found.group()}", f"## {text}", flags=re.MULTILINE)
