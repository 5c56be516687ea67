"""The first page of the specification: how to read it, and its sections in their order."""

from __future__ import annotations

from collections import Counter

from tools import source
from tools.docs import requirements
from tools.docs.markdown import table


def render() -> str:
    """The page."""
    spec = source.load("registry/spec.toml")
    known = requirements.rows()
    levels = Counter((row["profile"], row["level"]) for row in known)
    counts = [
        [profile, *(str(levels[profile, level]) for level in ("MUST", "SHOULD", "MAY"))]
        for profile in ("core", "extended")
    ]
    bound = Counter(row["section"] for row in known)
    sections = [
        [f"[{row['title']}](requirements.md#{row['anchor']})", row["summary"], str(bound[row["anchor"]])]
        for row in source.load("registry/sections.toml")["section"]
    ]
    return f"""# {spec["title"]}

Revision {spec["revision"]}. A *client* asks for text; a *provider* is the process of a person who shares an LLM; the
*hub* stands between them; a *service* is one LLM's public name; a *stream* is one generation fetched in pieces.

A client posts one JSON object to `https://{spec["hub_host"]}/SERVICE` and reads one JSON object back:
[the messages](client.md). A provider holds a TLS connection to port {spec["provider_port"]} of the hub and answers what
the hub forwards: [the provider's messages](provider.md). [Exchanges](exchanges.md) shows both at work.

## How to read the rules

Each rule is a [requirement](requirements.md) with an id, a level, a profile and a basis.

{_reading()}
{table(("Profile", "MUST", "SHOULD", "MAY"), counts)}
## Sections

{table(("Section", "What it settles", "Rules"), sections)}"""


def _reading() -> str:
    """What profile and basis mean, in the words of the spec's own README."""
    readme = (source.SPEC / "README.md").read_text(encoding="utf-8")
    return readme[readme.index("- **Profile.**") : readme.index("An open form is")]
