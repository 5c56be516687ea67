"""The mock hub's files and its admin API, and the suite's report, as pages of the reference, from their schemas."""

from __future__ import annotations

from tools import source
from tools.docs import schemas
from tools.docs.markdown import table

NOTE = "The schema is [{place}](../{place})."


def render() -> dict[str, str]:
    """The pages, by their paths."""
    base_url = source.load("registry/spec.toml")["base_url"]
    pages = {}
    for path, page in schemas.PAGES.items():
        if page.startswith("reference/"):
            schema = source.load(path)
            place = schema["$id"].removeprefix(base_url)
            routes = _routes() if page.endswith("/admin.md") else ""
            pages[page] = (
                f"# {schema['title']}\n\n{schema['description']} {NOTE.format(place=place)}\n\n{routes}"
                + schemas.definitions(path)
            )
    return pages


def _routes() -> str:
    """The admin API's routes, in the order in which the spec has them."""
    rows = [
        [f"`{route['method']} {route['path']}`", route["summary"], _link(route.get("body")), _link(route["answer"])]
        for route in source.load("mock/admin.toml")["route"]
    ]
    return f"## Routes\n\n{table(('Route', 'Does', 'Body', 'Answer'), rows)}\n"


def _link(name: str | None) -> str:
    return f"[{source.load('mock/admin.schema.json')['$defs'][name]['title'].lower()}](#{name})" if name else "-"
