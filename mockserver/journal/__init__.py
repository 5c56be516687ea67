"""The journal: what happened at one hub, to look at and to assert on.

entry     one exchange
journal   the last exchanges of a hub
"""

from mockserver.journal.entry import Entry
from mockserver.journal.journal import DEFAULT_ENTRIES, Journal

__all__ = ["DEFAULT_ENTRIES", "Entry", "Journal"]
