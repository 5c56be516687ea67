"""All generated pages, by their paths below `docs/`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.docs import (
    downloads,
    errors,
    examples,
    exchanges,
    limits,
    machines,
    messages,
    mock,
    overview,
    requirements,
    revisions,
    schemas,
    wrong_hubs,
)

if TYPE_CHECKING:
    from tools.docs.facts import Facts


def pages(facts: Facts) -> dict[str, str]:
    """Every page as Markdown."""
    return {
        "specification/index.md": overview.render(),
        schemas.PAGES[messages.CLIENT]: messages.render_client(),
        schemas.PAGES[messages.PROVIDER]: messages.render_provider(),
        "specification/exchanges.md": exchanges.render(facts),
        "specification/machines.md": machines.render(),
        "specification/limits.md": limits.render(),
        requirements.PAGE: requirements.render(facts),
        examples.PAGE: examples.render(facts),
        "specification/revisions.md": revisions.render(),
        downloads.PAGE: downloads.render(),
        wrong_hubs.PAGE: wrong_hubs.render(facts),
        **errors.render(facts),
        **mock.render(),
    }
