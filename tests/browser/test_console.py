"""The console of the page "Try it" talks to a running mock hub and shows what it answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import pytest

from browser.looking import NARROW
from mockserver import MockHub, ServiceSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Locator, Page

    from browser.looking import Looker

SERVICE = "Neuroengine-Large"


@pytest.fixture
def hub() -> Iterator[MockHub]:
    with MockHub({SERVICE: "key"}, tls=False, cors=True) as hub:
        yield hub


def console(looker: Looker, address: str, hub: MockHub) -> Page:
    page = looker.open(f"{address}try/?hub={hub.url}")
    assert field(page, "Service").input_value() == SERVICE
    return page


def field(page: Page, name: str) -> Locator:
    """An input of the console, by its label."""
    return page.locator("#ne-console").get_by_label(name, exact=True)


def send(page: Page) -> str:
    """Sends what the form says; returns what is shown as the answer."""
    page.get_by_role("button", name="Send").click()
    page.wait_for_selector('#ne-console:is([data-state="done"], [data-state="failed"])')
    return page.locator(".ne-answer").inner_text()


def test_a_request_is_sent_and_its_reply_shown(looker: Looker, address: str, hub: MockHub) -> None:
    hub.on("Hello from a page", temperature=0.5, max_new_len=7, raw=True).reply("Hello to a page!")
    page = console(looker, address, hub)
    field(page, "message").fill("Hello from a page")
    page.get_by_text("Sampling, length, access key").click()
    field(page, "temperature").fill("0.5")
    field(page, "max_new_len").fill("7")
    field(page, "raw").select_option("True")
    answer = send(page)
    assert "HTTP 200" in answer
    assert '"reply": "Hello to a page!"' in answer
    (entry,) = hub.journal
    assert entry.request == {"message": "Hello from a page", "temperature": 0.5, "max_new_len": 7, "raw": "True"}
    schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    for scheme in schemes:
        page.emulate_media(color_scheme=scheme)
        looker.judge(page, f"console with an answer, {scheme}")
    assert looker.problems == []


def test_a_stream_is_polled_to_its_end(looker: Looker, address: str, hub: MockHub) -> None:
    hub.on().reply("One two three four five six.")
    page = console(looker, address, hub)
    field(page, "A stream").check()
    field(page, "gettokens").fill("2")
    key = field(page, "key").input_value()
    answer = send(page)
    assert page.locator(".ne-text").inner_text() == "One two three four five six."
    assert '"done": true' in answer
    assert [entry.request["seq"] for entry in hub.journal] == list(range(len(hub.journal)))
    assert field(page, "key").input_value() != key, "a key belongs to one stream"
    assert looker.problems == []


def test_the_model_list_is_shown(looker: Looker, address: str, hub: MockHub) -> None:
    page = console(looker, address, hub)
    field(page, "The model list").check()
    assert f'"name": "{SERVICE}"' in send(page)
    assert looker.problems == []


def test_an_error_leads_to_its_page(looker: Looker, address: str, hub: MockHub) -> None:
    page = console(looker, address, hub)
    field(page, "Service").fill("Nobody")
    send(page)
    page.get_by_role("link", name="error 6: unknown_service").click()
    page.wait_for_url("**/errors/unknown_service/")
    assert looker.problems == []


def test_an_access_key_is_sent_and_never_shown(looker: Looker, address: str) -> None:
    with MockHub([ServiceSettings(SERVICE, "key", access_keys=("acc3ss-k3y",))], tls=False, cors=True) as hub:
        page = console(looker, address, hub)
        assert "unauthorized" in send(page)
        page.get_by_text("Sampling, length, access key").click()
        field(page, "Access key").fill("acc3ss-k3y")
        assert '"errorcode": 0' in send(page)
        assert "acc3ss-k3y" not in page.locator("#ne-console").inner_text()
        assert "$NEUROENGINE_KEY" in page.locator('[data-language="curl"]').inner_text()
    assert looker.problems == []


def test_a_hub_that_does_not_let_the_page_read_is_explained(looker: Looker, address: str) -> None:
    with MockHub({SERVICE: "key"}, tls=False, cors=False) as hub:
        page = console(looker, address, hub)
        assert "with --cors?" in send(page)
    assert all("CORS" in problem or "ERR_FAILED" in problem for problem in looker.problems)


def test_the_programs_follow_the_form(looker: Looker, address: str, hub: MockHub) -> None:
    page = console(looker, address, hub)
    field(page, "message").fill("It's me")
    shown = {name: page.locator(f'[data-language="{name}"]').inner_text() for name in ("curl", "Python", "JavaScript")}
    assert f"curl {hub.url}/{SERVICE}" in shown["curl"]
    assert """'{"message":"It'\\''s me"}'""" in shown["curl"]
    assert """client.generate("It's me").text""" in shown["Python"]
    assert """JSON.stringify({"message":"It's me"})""" in shown["JavaScript"]


def test_the_console_fits_a_narrow_screen(looker: Looker, address: str) -> None:
    page = looker.open(f"{address}try/", size=NARROW)
    field(page, "A stream").check()
    page.get_by_text("Sampling, length, access key").click()
    looker.judge(page, "console, narrow, all fields")
    assert looker.problems == []
