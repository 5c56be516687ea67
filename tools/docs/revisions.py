"""The revisions of the spec as a page, and as the list that the version selector reads."""

from __future__ import annotations

import json
import re

from tools import source
from tools.docs import requirements


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


def versions() -> str:
    """The content of `versions.json`, which stands beside the folders of all revisions."""
    revision = source.load("registry/spec.toml")["revision"]
    return json.dumps([{"version": revision, "title": revision, "aliases": ["latest"]}], indent=2) + "\n"


def _changelog() -> str:
    """The project's changelog below this page's headings."""
    text = (source.ROOT / "CHANGELOG.md").read_text(encoding="utf-8").partition("\n## ")[2]
    return re.sub(r"^#+ ", lambda found: f"#{found.group()}", f"## {text}", flags=re.MULTILINE)
