"""The files of the spec for programs: a page that lists them, and their places below the spec's base URL.

A schema stands where its `$id` says, so that an editor or a validator that follows an id finds it. All others keep
their paths inside `spec/`.
"""

from __future__ import annotations

from tools import source
from tools.docs.markdown import table

PAGE = "specification/downloads.md"
KINDS = {
    "API documents": ("openapi.json", "asyncapi.json", "mock/admin.openapi.json"),
    "Schemas of messages": source.MESSAGE_SCHEMAS,
    "Schemas of files and reports": ("reports/", "mock/"),
    "Registry": ("registry/",),
    "Vectors": ("vectors/",),
}
"""The parts of the page, each with the beginnings of its paths."""
INTRODUCTION = """# Downloads

These addresses stay as they are. A schema stands at the address that is its `$id`.

"""


def places() -> dict[str, str]:
    """For each file of the spec that programs read, its place below the base URL; keys are paths inside `spec/`."""
    base_url = source.load("registry/spec.toml")["base_url"]
    files = sorted(path.relative_to(source.SPEC).as_posix() for path in source.SPEC.rglob("*.*"))
    return {
        path: source.load(path).get("$id", base_url + path).removeprefix(base_url)
        for path in files
        if path.endswith((".json", ".toml"))
    }


def render() -> str:
    """The page."""
    known = places()
    text = INTRODUCTION
    for kind, beginnings in KINDS.items():
        rows = []
        for path in [path for path in known if path.startswith(beginnings)]:
            place = known.pop(path)
            rows.append([f"[{place}](../{place})", _title(path)])
        text += f"## {kind}\n\n{table(('File', 'Holds'), rows)}\n"
    return text


def _title(path: str) -> str:
    """What a file says that it holds, in its own words."""
    content = source.load(path)
    said = content.get("title") or content.get("info", {}).get("title")
    if said:
        return str(said)
    first = (source.SPEC / path).read_text(encoding="utf-8").partition("\n")[0]
    return first.removeprefix("# ") if first.startswith("#") else path
