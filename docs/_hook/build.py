"""MkDocs events: adds the pages that are made from the spec, and fixes where the site stands.

The built folder is the root of a web server. The site stands in it at the path of the spec's base URL, so that every
schema is found at its `$id` and an error's page where a client's error points.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from mkdocs.structure.files import File
from mkdocs.utils import get_relative_url

sys.path.insert(0, str(Path(__file__).parents[2]))  # for `tools`, when mkdocs runs as a program

import twins
from accessible import named
from hub_facts import gather

from tools import source
from tools.docs import downloads, errors, revisions, site

if TYPE_CHECKING:
    from jinja2 import Environment
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.nav import Navigation
    from mkdocs.structure.pages import Page

MERMAID = "assets/vendor/mermaid/mermaid.min.js"
WAY_IN = """<!doctype html>
<html lang="en"><title>Neuroengine</title><meta http-equiv="refresh" content="0; url=/{path}/">
"""


@dataclass
class Run:
    """What one event tells a later one."""

    is_served: bool = False
    nav: Navigation | None = None


RUN = Run()


def on_startup(command: str, dirty: bool) -> None:  # noqa: ARG001 - MkDocs calls by name
    """Remembers whether the site is built, or served while it is written."""
    RUN.is_served = command == "serve"


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Puts the site where the spec says that it lives, and every error's page into the navigation."""
    config.site_url = source.load("registry/spec.toml")["base_url"]
    if RUN.is_served:  # MkDocs puts the site at its path itself, and nothing stands beside it
        config.extra.pop("version", None)
    else:
        config.site_dir = str(Path(config.site_dir) / _path(config))
    names = [row["name"] for row in source.load("registry/errors.toml")["error"]]
    pages = [f"{errors.FOLDER}/index.md", *(f"{errors.FOLDER}/{name}.md" for name in names)]
    config.nav = _filled(config.nav, f"{errors.FOLDER}/", pages)
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the generated pages and the files of the spec."""
    for path, text in site.pages(gather()).items():
        files.append(File.generated(config, path, content=text))
    for path, place in downloads.places().items():
        files.append(File.generated(config, place, abs_src_path=str(source.SPEC / path)))
    return files


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001 - MkDocs calls by name
    """Says where the page's Markdown is, and gives a page with diagrams their renderer, which is large."""
    html += twins.POINTER
    if 'class="mermaid"' not in html:
        return html
    return f'<script src="{get_relative_url(MERMAID, page.url)}"></script>\n{html}'


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:  # noqa: ARG001 - MkDocs calls by name
    """Names what the theme leaves without a name."""
    return named(output)


def on_post_template(output_content: str, template_name: str, config: MkDocsConfig) -> str:  # noqa: ARG001 - likewise
    """The same for the page of addresses that do not exist."""
    return named(output_content) if template_name.endswith(".html") else output_content


def on_env(env: Environment, config: MkDocsConfig, files: Files) -> None:  # noqa: ARG001 - MkDocs calls by name
    """Writes every page's Markdown beside it; all pages are rendered by now, and know their titles."""
    base_url = str(config.site_url)
    for page in (file.page for file in files.documentation_pages()):
        if page is not None:
            target = Path(page.file.abs_dest_path).with_name(twins.NAME)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(twins.twin(page, files, base_url), encoding="utf-8")


def on_nav(nav: Navigation, config: MkDocsConfig, files: Files) -> None:  # noqa: ARG001 - MkDocs calls by name
    """Remembers the navigation for the list of pages."""
    RUN.nav = nav


def on_post_build(config: MkDocsConfig) -> None:
    """Writes `llms.txt`, and beside the revision's folder the list for the version selector and the way in."""
    if RUN.nav is None:
        raise RuntimeError("MkDocs has built no navigation")
    folder = Path(config.site_dir)
    listing = twins.listing(config.site_name, str(config.site_description), RUN.nav, str(config.site_url))
    (folder / "llms.txt").write_text(listing, encoding="utf-8")
    if RUN.is_served:
        return
    path = _path(config)
    beside = [index.parent.name for index in folder.parent.glob("*/index.html")]
    (folder.parent / "versions.json").write_text(revisions.versions(beside), encoding="utf-8")
    (folder.parents[path.count("/")] / "index.html").write_text(WAY_IN.format(path=path), encoding="utf-8")


def _path(config: MkDocsConfig) -> str:
    """The path of the site's address."""
    return urlsplit(str(config.site_url)).path.strip("/")


def _filled(nav: Any, name: str, pages: list[str]) -> Any:
    """The navigation with `pages` in place of the entry `name`."""
    if isinstance(nav, list):
        return [_filled(entry, name, pages) for entry in nav]
    if isinstance(nav, dict):
        return {title: pages if entry == name else _filled(entry, name, pages) for title, entry in nav.items()}
    return nav
