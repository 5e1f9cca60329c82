"""The console in a browser: Debian's Chromium, driven by Playwright, and judged by axe-core.

All tests share one ``tarry dev`` and one browser. Without a Chromium they are skipped: CI installs it.
"""

import json
import re
import shutil
import urllib.request
from collections.abc import Iterator
from importlib import resources
from typing import Any

import pytest

from tarry_dev.console.visit import path_of
from tests.functional.console_app import HOSTILE, SOURCE, pay, play
from tests.functional.serving import Dev, eventually, served

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

playwright: Any = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: make setup")

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here: apt-get install chromium")

NARROW, WIDE, LARGE = {"width": 400, "height": 800}, {"width": 1280, "height": 900}, {"width": 3840, "height": 2160}

PATIENCE = 20_000
"""How many milliseconds an expectation has: a busy machine takes longer than the second in which a page is live."""


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    """The app, with something on each page."""
    with served(tmp_path_factory.mktemp("console"), SOURCE) as dev:
        play(dev.url)
        eventually(lambda: len(runs(dev)) == 8)
        eventually(lambda: any(run["status"] == "failed" for run in runs(dev)))
        pay(dev.url, "missed", "1")
        yield dev


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        made = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield made
        made.close()


@pytest.fixture
def page(browser: Any, dev: Dev) -> Iterator[Any]:
    """A tab. A script that fails, or that the policy stops, fails the test."""
    context = browser.new_context(viewport=WIDE, base_url=dev.url)
    context.set_default_timeout(PATIENCE)
    playwright.expect.set_options(timeout=PATIENCE)
    tab = context.new_page()
    wrong: list[str] = []
    tab.on("pageerror", lambda error: wrong.append(str(error)))
    tab.on("console", lambda line: wrong.append(line.text) if line.type == "error" and "404" not in line.text else None)
    tab.on("dialog", lambda dialog: wrong.append(f"a dialog: {dialog.message}"))
    tab.on("response", lambda answer: wrong.append(f"{answer.status} {answer.url}") if answer.status >= 500 else None)
    yield tab
    context.close()
    assert wrong == [], dev.output[-3000:]


def runs(dev: Dev, **query: str) -> list[dict[str, Any]]:
    asked = "&".join(f"{name}={value}" for name, value in {"limit": "100", **query}.items())
    with urllib.request.urlopen(f"{dev.url}/runs?{asked}", timeout=30) as answer:
        found: list[dict[str, Any]] = json.load(answer)["runs"]
        return found


def run_of(dev: Dev, order: Any) -> str:
    """The id of an order's run."""
    return next(str(run["id"]) for run in runs(dev) if run["event"]["data"].get("id") == order)


def pages(dev: Dev) -> list[str]:
    """An address of each page, with something on it."""
    waiting, failed, hostile = (run_of(dev, order) for order in (1, 9, HOSTILE))
    return [
        "/runs",
        "/runs?status=failed&if=event.data.total%20%3E%201",
        "/runs?text=nothing-fits",
        f"/runs/{waiting}",
        f"/runs/{failed}",
        f"/runs/{hostile}",
        f"/runs/{run_of(dev, None)}",
        f"/runs/{failed}/rerun",
        "/runs/many?verb=cancel",
        path_of("events", "missed", name="order/paid", source="tarry.shop"),
        path_of("events", "hostile", name=HOSTILE, source="tarry.shop"),
        "/events",
        "/waits",
        "/functions",
        "/send",
        path_of("send", run=waiting, step="wait-for-payment"),
        "/dead-letters",
        "/sql?sql=select%20name%2C%20source%2C%20data%20from%20events",
        "/clock",
        "/runs/NONE",
    ]


def is_scrolled(page: Any) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


def test_axe_finds_nothing_at_all_on_any_page(dev: Dev, page: Any) -> None:
    axe = (resources.files("axe_playwright_python") / "axe.min.js").read_text()
    for address in pages(dev):
        page.goto(address)
        for fold in page.locator("details.step:not([open]) > summary").all():
            fold.click()
        page.evaluate(f"{axe}; undefined")
        for scheme in ("light", "dark"):  # the page learns of a change at once
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            assert page.evaluate(f"matchMedia('(prefers-color-scheme: {scheme})').matches")
            found = page.evaluate("axe.run({resultTypes: ['violations']}).then((all) => all.violations)")
            told = [(each["id"], [node["html"][:200] for node in each["nodes"][:3]]) for each in found]
            assert told == [], (address, scheme)


def test_no_page_scrolls_sideways(dev: Dev, page: Any) -> None:
    for address in pages(dev):
        page.goto(address)
        for size in (NARROW, LARGE):
            page.set_viewport_size(size)
            assert not is_scrolled(page), (address, size)


def test_a_hostile_name_is_text_on_every_page_and_runs_nothing(dev: Dev, page: Any) -> None:
    shows = ("/runs", "/events", "/waits", "/sql", f"/runs/{run_of(dev, HOSTILE)}", "/events/hostile")
    for address in (each for each in pages(dev) if each.startswith(shows)):
        page.goto(address)
        assert page.locator("img").count() == 0, address
    page.goto(f"/runs/{run_of(dev, HOSTILE)}")
    playwright.expect(page.locator(".now")).to_contain_text('where data.id = "<img src=x onerror=alert(1)>')
    page.goto("/events")
    playwright.expect(page.get_by_text("<img src=x onerror=alert(1)>").first).to_be_visible()


def test_a_run_that_waits_and_resumes_changes_on_its_page_while_it_is_looked_at(dev: Dev, page: Any) -> None:
    run = run_of(dev, 2)
    page.goto(f"/runs/{run}")
    expect = playwright.expect
    expect(page.locator(".now")).to_contain_text("Waits for order/paid where data.id = 2 and data.amount >= 102")
    page.locator("summary", has_text="charge").click()
    expect(page.get_by_text("order 2 came").first).to_be_attached()
    pay(dev.url, "payment-2", 2)
    expect(page.locator(".head").get_by_text("finished")).to_be_visible()
    expect(page.locator("summary", has_text="ship")).to_be_visible()
    assert page.locator("details.step", has_text="charge").first.get_attribute("open") is not None, "it stays unfolded"


def test_a_list_is_live_too_and_a_new_run_appears_in_it(dev: Dev, page: Any) -> None:
    page.goto("/runs?text=newcomer")
    playwright.expect(page.get_by_text("No run fits this filter")).to_be_visible()
    request = urllib.request.Request(
        f"{dev.url}/events", json.dumps({"name": "nap/asked", "data": {"who": "newcomer"}}).encode()
    )
    with urllib.request.urlopen(request, timeout=30):
        pass
    playwright.expect(page.locator(".run-row", has_text="newcomer")).to_be_visible()


def test_a_failed_run_is_retried(dev: Dev, page: Any) -> None:
    run = run_of(dev, 9)
    page.goto(f"/runs/{run}")
    playwright.expect(page.get_by_text("the card of order 9 is refused").first).to_be_visible()
    playwright.expect(page.get_by_text(re.compile(r"mine\.py line \d+, in charge")).first).to_be_visible()
    page.get_by_role("button", name="Retry", exact=True).click()
    playwright.expect(page.get_by_text("The run goes on, in life 2.")).to_be_visible()
    playwright.expect(page.get_by_text("Life 1 failed")).to_be_visible()
    playwright.expect(page.locator(".head").get_by_text("failed")).to_be_visible()


def test_the_event_that_a_run_waits_for_is_sent_from_its_page(dev: Dev, page: Any) -> None:
    page.goto(f"/runs/{run_of(dev, 3)}")
    page.get_by_role("link", name="Send order/paid").click()
    data = page.get_by_label("Data")
    assert json.loads(data.input_value())["id"] == 3
    data.fill('{"id": 3, "amount": 1000}')
    page.get_by_role("button", name="Send order/paid").click()
    playwright.expect(page.get_by_text("order/paid is sent.")).to_be_visible()
    playwright.expect(page.locator(".head").get_by_text("finished")).to_be_visible()
    playwright.expect(page.get_by_text('"amount": 1000').first).to_be_attached()


def test_a_missed_event_shows_each_condition_with_both_values(dev: Dev, page: Any) -> None:
    page.goto(path_of("events", "missed", name="order/paid", source="tarry.shop"))
    near = page.locator(".miss", has_text=run_of(dev, 1)[:8])
    playwright.expect(near.locator("li", has_text="async.data.id == event.data.id")).to_contain_text("'1' string")
    playwright.expect(near.locator("li", has_text="async.data.id == event.data.id")).to_contain_text("1 int")
    playwright.expect(near.locator("li.holds")).to_contain_text("async.data.amount >= event.data.total")


def test_the_clock_is_moved_to_the_next_timer(dev: Dev, page: Any) -> None:
    nap = next(str(run["id"]) for run in runs(dev, function="nap"))
    page.goto("/clock")
    playwright.expect(page.get_by_text("the end of rest").first).to_be_visible()
    page.get_by_label("By").fill("2d")
    page.get_by_role("button", name="Move").click()
    playwright.expect(page.get_by_text("The clock moved by 2 d.")).to_be_visible()
    playwright.expect(page.get_by_text("ahead of real time")).to_be_visible()
    page.goto(f"/runs/{nap}")
    playwright.expect(page.locator(".head").get_by_text("finished")).to_be_visible()
    playwright.expect(page.get_by_text("2 d").first).to_be_visible()


def test_each_example_of_a_query_is_answered(page: Any) -> None:
    page.goto("/sql")
    for place in range(page.locator(".chip").count()):
        page.locator(".chip").nth(place).click()
        playwright.expect(page.locator("tbody tr").first).to_be_visible()


def test_the_keys_search_move_and_open(dev: Dev, page: Any) -> None:
    page.goto("/runs")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "search"
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    chosen = page.locator("[data-row].is-chosen")
    assert chosen.count() == 1
    page.keyboard.press("Enter")
    playwright.expect(page.get_by_role("heading", name="Steps")).to_be_visible()
    page.keyboard.press("g")
    page.keyboard.press("w")
    playwright.expect(page.get_by_role("heading", name="Open waits")).to_be_visible()


def test_the_pages_can_be_read_and_filtered_without_a_script(dev: Dev, browser: Any) -> None:
    context = browser.new_context(java_script_enabled=False, base_url=dev.url)
    page = context.new_page()
    page.goto("/runs")
    page.get_by_label("Status").select_option("failed")
    page.get_by_role("button", name="Filter").click()
    playwright.expect(page).to_have_url(re.compile("status=failed"))
    page.locator(".run-row").first.click()
    playwright.expect(page.get_by_text("NonRetriableError").first).to_be_visible()
    page.get_by_role("link", name="Rerun…").first.click()
    playwright.expect(page.get_by_label("Data of the event")).to_be_visible()
    context.close()


def test_the_chosen_theme_stays(page: Any) -> None:
    page.goto("/runs")
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    body = playwright.expect(page.locator("body"))  # it asks again: a click loads the page anew
    page.get_by_role("button", name="Dark").click()
    body.not_to_have_css("background-color", light)
    page.goto("/waits")
    body.not_to_have_css("background-color", light)
    page.get_by_role("button", name="Light").click()
    body.to_have_css("background-color", light)
