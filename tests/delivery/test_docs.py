"""The documentation pages in a real browser: they work, and contact no other host."""

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any, cast

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.expected_conditions import (
    element_to_be_clickable,
    text_to_be_present_in_element,
)
from selenium.webdriver.support.wait import WebDriverWait

from extensions.maintenance.browsers import browsing
from tests.support.delivery import PROJECTS, requires, serving
from tests.support.projects import Workshop
from tests.support.servers import send

PATIENCE = 30
"""Timeout in seconds for a page, generous for a busy machine."""

STATUS = ".live-responses-table tbody .response-col_status"
CREATE, LIST, ME = (
    f"[id$='{operation}']" for operation in ("items_create", "items_list", "users_read_me")
)
ACCOUNT = {"email": "ada@example.com", "password": "correct horse battery"}


@pytest.fixture(scope="module", params=["default"])
def address(request: pytest.FixtureRequest, workshop: Workshop) -> Generator[str]:
    """The URL of a service, by default one rendered with all default answers."""
    with serving(workshop, workshop.make(PROJECTS[request.param])) as address:
        yield address


@pytest.fixture
def browser(tmp_path: Path) -> Generator[Chrome]:
    """A browser that records every request."""
    requires("chromium", "chromedriver")
    with browsing(tmp_path, "--window-size=1400,1000") as browser:
        yield browser


def click(browser: Chrome, selector: str) -> None:
    found = element_to_be_clickable((By.CSS_SELECTOR, selector))
    element = WebDriverWait(browser, PATIENCE).until(found)
    assert isinstance(element, WebElement)
    element.click()


def write(browser: Chrome, selector: str, text: str) -> None:
    browser.find_element(By.CSS_SELECTOR, selector).send_keys(text)


def text_of(browser: Chrome, selector: str) -> str:
    """Wait until an element exists and has text, and return the text."""
    return WebDriverWait(browser, PATIENCE).until(
        lambda page: page.find_element(By.CSS_SELECTOR, selector).text
    )


def log_of(browser: Chrome, kind: str) -> list[dict[str, str]]:
    """Return the browser's log entries since the last call."""
    entries: list[dict[str, str]] = cast("Any", browser).get_log(kind)  # untyped in Selenium
    return entries


def hosts_asked(browser: Chrome) -> set[str]:
    """Return the origins of all requests that were not blocked."""
    asked: dict[str, str] = {}
    for entry in log_of(browser, "performance"):
        event = json.loads(entry["message"])["message"]
        parameters = event["params"]
        if event["method"] == "Network.requestWillBeSent":
            asked[parameters["requestId"]] = parameters["request"]["url"]
        if event["method"] == "Network.loadingFailed" and parameters.get("blockedReason") == "csp":
            asked.pop(parameters["requestId"])
    return {"/".join(url.split("/")[:3]) for url in asked.values() if url.startswith("http")}


def wait_for_text(browser: Chrome, selector: str, text: str) -> None:
    says = text_to_be_present_in_element((By.CSS_SELECTOR, selector), text)
    WebDriverWait(browser, PATIENCE).until(says, f"{selector} never contained {text}")


def try_out(browser: Chrome, block: str) -> str:
    """Try out an operation on the page, and return the response status."""
    click(browser, f"{block} .opblock-summary-control")
    click(browser, f"{block} .try-out__btn")
    click(browser, f"{block} .execute")
    return text_of(browser, f"{block} {STATUS}")


def test_swagger_ui_tries_operations_out(browser: Chrome, address: str) -> None:
    browser.get(f"{address}/docs")

    assert text_of(browser, ".info .title").startswith("My App")
    assert try_out(browser, CREATE).startswith("201")
    assert try_out(browser, LIST).startswith("200")
    assert hosts_asked(browser) == {address}
    assert not [entry for entry in log_of(browser, "browser") if entry["level"] == "SEVERE"]


@pytest.mark.parametrize("address", ["on"], indirect=True)
def test_swagger_ui_authorizes_protected_operations(browser: Chrome, address: str) -> None:
    port = int(address.rpartition(":")[2])
    assert send(port, "POST", "/api/v1/auth/register", ACCOUNT)[0] == 202
    browser.get(f"{address}/docs")
    assert try_out(browser, ME).startswith("401")

    click(browser, ".auth-wrapper .authorize")
    write(browser, "#oauth_username", ACCOUNT["email"])
    write(browser, "#oauth_password", ACCOUNT["password"])
    click(browser, ".auth-container .authorize")
    wait_for_text(browser, ".auth-btn-wrapper", "Logout")
    click(browser, ".auth-btn-wrapper .btn-done")
    click(browser, f"{ME} .execute")

    wait_for_text(browser, f"{ME} {STATUS}", "200")
    assert ACCOUNT["email"] in text_of(browser, f"{ME} .live-responses-table")
    assert hosts_asked(browser) == {address}


def test_redoc_shows_the_operations(browser: Chrome, address: str) -> None:
    browser.get(f"{address}/redoc")

    assert text_of(browser, "h1").startswith("My App")
    assert "/api/v1/items" in text_of(browser, ".redoc-wrap .api-content")
    assert not browser.find_elements(By.CSS_SELECTOR, "img[alt='redocly logo']")
    assert hosts_asked(browser) == {address}
