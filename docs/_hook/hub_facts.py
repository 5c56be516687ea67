"""What the mock hub tells the documentation: which hubs break what, and the exchange that shows each error."""

from __future__ import annotations

from collections import defaultdict

from error_exchanges import exchanges
from stories import stories

from mockserver.wrong import WRONG_HUBS
from tools.docs.facts import Facts, WrongHub


def gather() -> Facts:
    """All of it."""
    hubs: dict[str, list[WrongHub]] = defaultdict(list)
    for hub in WRONG_HUBS.values():
        hubs[hub.breaks].append(WrongHub(hub.name, hub.summary))
    return Facts(hubs, exchanges(), list(stories()))
