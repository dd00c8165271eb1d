"""The documentation pages, used in a real browser: they work, and ask no other host."""

import json
import shutil
from collections.abc import Generator
from pathlib import Path
from typing import Any, cast

import pytest
from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.expected_conditions import element_to_be_clickable
from selenium.webdriver.support.wait import WebDriverWait

from tests.delivery import PROJECTS, requires, serving
from tests.projects import Workshop

SWITCHES = (
    *("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1400,1000"),
    *("--disable-background-networking", "--no-proxy-server"),
)


@pytest.fixture(scope="module")
def address(workshop: Workshop) -> Generator[str]:
    """A service with its defaults."""
    with serving(workshop, workshop.make(PROJECTS["default"])) as address:
        yield address


@pytest.fixture
def browser(tmp_path: Path) -> Generator[Chrome]:
    """A browser that notes every request."""
    requires("chromium", "chromedriver")
    options = ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for switch in (*SWITCHES, f"--user-data-dir={tmp_path}"):
        options.add_argument(switch)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    browser = Chrome(options, ChromeService(shutil.which("chromedriver")))
    try:
        yield browser
    finally:
        browser.quit()


def click(browser: Chrome, selector: str) -> None:
    found = element_to_be_clickable((By.CSS_SELECTOR, selector))
    element = WebDriverWait(browser, 10).until(found)
    assert isinstance(element, WebElement)
    element.click()


def text_of(browser: Chrome, selector: str) -> str:
    """Wait until something is there and says something, and return that."""
    return WebDriverWait(browser, 10).until(
        lambda page: page.find_element(By.CSS_SELECTOR, selector).text
    )


def log_of(browser: Chrome, kind: str) -> list[dict[str, str]]:
    """Return what the browser has noted since the last time."""
    entries: list[dict[str, str]] = cast("Any", browser).get_log(kind)  # Selenium left it untyped
    return entries


def hosts_asked(browser: Chrome) -> set[str]:
    """Return the beginnings of all addresses that were asked; blocked ones were not."""
    asked: dict[str, str] = {}
    for entry in log_of(browser, "performance"):
        event = json.loads(entry["message"])["message"]
        parameters = event["params"]
        if event["method"] == "Network.requestWillBeSent":
            asked[parameters["requestId"]] = parameters["request"]["url"]
        if event["method"] == "Network.loadingFailed" and parameters.get("blockedReason") == "csp":
            asked.pop(parameters["requestId"])
    return {"/".join(url.split("/")[:3]) for url in asked.values() if url.startswith("http")}


def try_out(browser: Chrome, operation: str) -> str:
    """Try an operation of the page, and return the status of the answer."""
    block = f"[id$='{operation}']"
    click(browser, f"{block} .opblock-summary-control")
    click(browser, f"{block} .try-out__btn")
    click(browser, f"{block} .execute")
    return text_of(browser, f"{block} .live-responses-table tbody .response-col_status")


def test_swagger_ui_tries_operations_out(browser: Chrome, address: str) -> None:
    browser.get(f"{address}/docs")

    assert text_of(browser, ".info .title").startswith("My App")
    assert try_out(browser, "create_item_api_v1_items_post").startswith("201")
    assert try_out(browser, "list_items_api_v1_items_get").startswith("200")
    assert hosts_asked(browser) == {address}
    assert not [entry for entry in log_of(browser, "browser") if entry["level"] == "SEVERE"]


def test_redoc_shows_the_operations(browser: Chrome, address: str) -> None:
    browser.get(f"{address}/redoc")

    assert text_of(browser, "h1").startswith("My App")
    assert "/api/v1/items" in text_of(browser, ".redoc-wrap .api-content")
    assert not browser.find_elements(By.CSS_SELECTOR, "img[alt='redocly logo']")
    assert hosts_asked(browser) == {address}
