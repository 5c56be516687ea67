"""What the theme's pages lack for people who listen to them: names for the search dialog and for folded navigation."""

from __future__ import annotations

import re
from typing import Final

SEARCH: Final = 'data-md-component="search" role="dialog"'
SECTION: Final = re.compile(
    r'(<nav class="md-nav" data-md-level="\d+" )aria-labelledby="[\w-]+"'
    r'([^>]*>\s*<label class="md-nav__title"[^>]*>\s*<span[^>]*></span>\s*)([^<]+?)(\s*</label>)'
)
"""A folded part of the navigation; the label that names it is empty where the part has a page of its own."""


def named(html: str) -> str:
    """The page with these names.

    Raises:
        ValueError: the theme has changed, and there is no search dialog to name.
    """
    if SEARCH not in html:
        raise ValueError("the theme's search dialog is not where it was; look at its HTML again")
    return SECTION.sub(r'\1aria-label="\3"\2\3\4', html.replace(SEARCH, f'{SEARCH} aria-label="Search"'))
