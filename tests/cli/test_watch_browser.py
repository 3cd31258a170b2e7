"""A page that is served, in a browser: it follows what changes and keeps what its reader has chosen."""

import threading
from dataclasses import replace

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.analysis.example_page import LABELS, example_page
from vitamin.analysis.page import Live, render_page
from vitamin.analysis.page.printing import find_browser
from vitamin.analysis.report.blocks import Page, Section, Text
from vitamin.platform.cli.watch_server import Current, WatchServer

pytestmark = [
    pytest.mark.skipif(
        find_browser() is None, reason="no Chromium or Chrome is installed: apt-get install chromium"
    ),
    pytest.mark.xdist_group("browser"),
]


def test_it_follows_and_keeps_what_was_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vitamin.platform.cli.watch_server._SHARE_OF_TIME", 0)
    waiting = Page("Results", (Section("waiting", "Results", (Text("Nothing yet."),)),), ())
    now = [waiting]
    current = Current(
        lambda: now[0].title + str(len(now[0].sections)),
        lambda version: render_page(now[0], live=Live(version, 0.2)),
        0.0,
    )
    with WatchServer("127.0.0.1", 0, current) as server, sync_playwright() as playwright:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        browser = playwright.chromium.launch(executable_path=find_browser(), args=["--no-sandbox"])
        try:
            page = browser.new_page()
            errors: list[str] = []
            page.on("pageerror", lambda error: errors.append(str(error)))
            page.goto(server.url)
            expect(page.locator("main")).to_contain_text("Nothing yet.")

            now[0] = example_page(LABELS[:3], title="Results 1", runs=120)
            expect(page.locator("h1")).to_have_text("Results 1", timeout=20_000)
            charts = page.locator(".chart")
            expect(page.locator(".chart svg")).to_have_count(charts.count(), timeout=20_000)
            page.get_by_label("ODT", exact=True).uncheck()
            search = page.get_by_role("searchbox").last
            search.fill("finished")
            page.locator("figure.improvement details.data summary").click()

            now[0] = replace(example_page(LABELS[:3], runs=120), title="Results 2")
            expect(page.locator("h1")).to_have_text("Results 2", timeout=20_000)
            expect(page).to_have_title("Results 2")
            expect(page.get_by_label("ODT", exact=True)).not_to_be_checked()
            expect(page.get_by_role("searchbox").last).to_have_value("finished")
            expect(page.locator("figure.improvement details.data")).to_have_attribute("open", "")
            expect(page.locator(".chart svg")).to_have_count(charts.count(), timeout=20_000)

            page.get_by_role("button", name="Pause").click()
            now[0] = replace(now[0], title="Results 3")
            page.wait_for_timeout(800)
            assert page.locator("h1").inner_text() == "Results 2"
            page.get_by_role("button", name="Go on").click()
            expect(page.locator("h1")).to_have_text("Results 3", timeout=20_000)
            server.shutdown()
            server.server_close()
            expect(page.locator("#live")).to_contain_text("does not answer", timeout=20_000)
            assert page.locator("h1").inner_text() == "Results 3"
            assert errors == []
        finally:
            server.shutdown()
            thread.join()
            browser.close()
