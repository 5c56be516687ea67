"""What the browser's tests share: Chromium, the built site on loopback, and a way to look at any page.

Only the session `browser` collects this folder: it needs Debian's Chromium. A test of another page, such as a report,
takes `looker`, hands the page's address or the path of its file to `looker.look`, and wants `looker.problems` empty.
"""

from __future__ import annotations

import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from docs_site import PREFIX, Site, built
from playwright.sync_api import sync_playwright

from browser.looking import Looker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser


class Quiet(SimpleHTTPRequestHandler):
    """Serves files, and says nothing."""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its base names it so
        pass


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return built(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="session")
def address(site: Site) -> Iterator[str]:
    """Where the site stands on loopback; pages' paths follow it."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site.root)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/{PREFIX}/"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium")
    assert program, "there is no chromium; the session `browser` installs it: python3 dev.py browser"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def looker(browser: Browser, tmp_path: Path) -> Iterator[Looker]:
    looker = Looker(browser, tmp_path)
    yield looker
    looker.close()
