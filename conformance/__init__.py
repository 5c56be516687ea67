"""The conformance suite: judges a running hub against the spec, from outside.

It stands on the spec alone: of the project it imports `neuroengine.spec` and nothing else, so that it shares no mistake
with the library and the mock hub.

settings     what to judge, and how hard
catalogue    the requirements, read from the spec
requirement  binds a check to the requirement that it judges
exchange     one request and what came back
deadline     how long a check may take
wire         one connection, read under a deadline
target       sends requests, within the budget and at the pace of the run
subject      what a run knows about its hub: which path works, whether the model repeats itself
asker        what a check asks, on both legs
judge        what a check holds in its hands
stream       one stream, polled
oracle       what may have been delivered of a stream
player       takes the steps of a stream machine, and asks the oracle
strategies   requests made from the spec's schemas
explore      runs a property over many requests, or sequences of steps, and keeps the smallest that breaks it
evidence     what a broken requirement shows
timeline     what happened in a check, on both legs
call         a request that is answered later
record       what a check did, as plain JSON
redaction    finds secrets in what was sent
reproduce/   what repeats a breach
expected     failures that are known
baseline     writes the file of them
replay       judges again what a report says is broken
plugin       the suite as a pytest plugin
run          one judgement: pytest in this process
reports/     the forms of the report; reports.document holds verdicts, counts and exit code
provider/    the suite as a provider, for hubs that let it log in
suite/       the checks

PYTEST_DONT_REWRITE: a program may import this before it runs pytest, which would warn of it.
"""

from __future__ import annotations

from conformance.catalogue import Requirement, catalogue
from conformance.run import run
from conformance.settings import Settings, check_limits, polite, read_target

__all__ = ["Requirement", "Settings", "catalogue", "check_limits", "polite", "read_target", "run"]
