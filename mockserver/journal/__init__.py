"""The journal: what happened at one hub, to look at and to assert on.

journal   the last exchanges of a hub
entry     one exchange, as it is shown
query     which exchanges somebody asks for
reports   what a failed assertion says
har       the journal as an HTTP archive
"""

from mockserver.journal.entry import Entry, ProviderLeg
from mockserver.journal.journal import DEFAULT_ENTRIES, Journal

__all__ = ["DEFAULT_ENTRIES", "Entry", "Journal", "ProviderLeg"]
