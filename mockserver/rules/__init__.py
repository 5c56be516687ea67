"""Rules: what a matching request is answered with, and what befalls it.

rule         a rule as a value, and the grammar in which rules are written
criteria     which requests a rule is for
expected     what may be wanted of one value
replies      what a rule may answer
own_answers  those answers that need no generation
sources      a rule's answer as a stream reads it
checks       what is checked of a rule's values wherever they stand
book         the rules of one hub
near         which rule came nearest, and why it did not match
fixtures     rules in files
data         rules as plain data, and back
schema       whether data is as the spec's schema wants it
toml_text    data as TOML
"""

from mockserver.rules.book import ActiveRule, RuleBook
from mockserver.rules.expected import ABSENT, PRESENT, Between, Contains, OneOf
from mockserver.rules.near import NearMiss
from mockserver.rules.own_answers import Fail, Models
from mockserver.rules.replies import Model, Pause, Pieces, ProviderAnswer, Text
from mockserver.rules.rule import Rule

__all__ = [
    "ABSENT",
    "PRESENT",
    "ActiveRule",
    "Between",
    "Contains",
    "Fail",
    "Model",
    "Models",
    "NearMiss",
    "OneOf",
    "Pause",
    "Pieces",
    "ProviderAnswer",
    "Rule",
    "RuleBook",
    "Text",
]
