"""A look at one page: what it asks of other hosts, what goes wrong in it, and whether all can read it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from playwright.sync_api import Browser, ConsoleMessage, Page, Request

Scheme = Literal["light", "dark"]
AXE = Path(__file__).parent / "vendor" / "axe-core" / "axe.min.js"
DEADLINE_MS = 60_000
WIDE, NARROW = (1400, 900), (390, 844)
LOCAL = {"127.0.0.1", "localhost", ""}


class Looker:
    """Opens pages and notes what they do. `problems` is empty after pages that are in order.

    Pictures of pages with problems are left in `folder`.
    """

    def __init__(self, browser: Browser, folder: Path) -> None:
        self._browser = browser
        self._folder = folder
        self.problems: list[str] = []

    def open(self, address: str | Path, *, scheme: Scheme = "light", size: tuple[int, int] = WIDE) -> Page:
        """The page, loaded and at rest, in a light or dark scheme. It is closed by `close`."""
        page = self._new_page(scheme, size)
        self._go(page, address)
        return page

    def look(self, addresses: Iterable[str | Path], *, scheme: Scheme = "light", size: tuple[int, int] = WIDE) -> None:
        """Opens pages, one after another, and judges each: by axe-core, and by what is wider than the screen."""
        page = self._new_page(scheme, size)
        for address in addresses:
            self._go(page, address)
            self.judge(page, f"{page.url} ({scheme}, {size[0]} wide)")

    def judge(self, page: Page, name: str) -> None:
        """Judges a page as it is now."""
        before = len(self.problems)
        over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if over > 0:
            self.problems.append(f"{name}: {over} pixels wider than the screen")
        # Not by a script element: the page itself may forbid scripts that are not its own.
        page.evaluate(f"() => {{ {AXE.read_text(encoding='utf-8')} }}")
        for violation in page.evaluate("axe.run({resultTypes: ['violations']})")["violations"]:
            shown = "; ".join(f"{node['target']} {node['html'][:100]}" for node in violation["nodes"][:3])
            self.problems.append(f"{name}: {violation['id']}: {violation['help']}: {shown}")
        if len(self.problems) > before:
            page.screenshot(path=self._folder / f"problem-{before}.png")

    def _new_page(self, scheme: Scheme, size: tuple[int, int]) -> Page:
        context = self._browser.new_context(
            viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, reduced_motion="reduce"
        )
        page = context.new_page()
        page.set_default_timeout(DEADLINE_MS)
        page.on("request", self._note_request)
        page.on("console", self._note_message)
        page.on("pageerror", lambda error: self.problems.append(f"{page.url}: {error}"))
        return page

    @staticmethod
    def _go(page: Page, address: str | Path) -> None:
        url = address.resolve().as_uri() if isinstance(address, Path) else address
        page.goto(url, wait_until="networkidle")

    def close(self) -> None:
        """Closes all that is open."""
        for context in self._browser.contexts:
            context.close()

    def _note_request(self, request: Request) -> None:
        url = urlsplit(request.url)
        if url.scheme in {"http", "https", "ws", "wss"} and url.hostname not in LOCAL:
            self.problems.append(f"{request.frame.url}: a request to {request.url}")

    def _note_message(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.problems.append(f"{message.location.get('url')}: {message.type}: {message.text}")
