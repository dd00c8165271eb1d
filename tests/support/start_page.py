"""A visitor of the start page: a real browser that records every request and message."""

import io
import json
import time
import zipfile
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlencode

from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from extensions.contract.questionnaire import Answer, Answers
from extensions.maintenance.browsers import browsing
from tests.support.delivery import requires
from tests.support.projects import PEOPLE, QUESTIONNAIRE, covering

__all__ = ["CASES", "HOSTILE", "Visitor", "address_of", "unpacked", "visiting"]

HOSTILE: Answers = PEOPLE | {
    "project_name": """${{ github }} "It's" {{ 7*7 }} `x` #""",
    "project_slug": "my-app",
    "project_description": "back\\slash ''' <script>alert(1)</script> 日本 🎉 {% raw %}",
    "user_name": "Zoë & Söhne – ×",
}
CASES = [*covering(1), QUESTIONNAIRE.complete(HOSTILE)]
"""Answers for which the page is compared with Copier."""

_PATIENCE = 60
"""Timeout in seconds for a step, generous for a busy machine."""


def address_of(given: Mapping[str, Answer]) -> str:
    """Return the fragment that shares the given answers."""
    texts = {
        name: str(value).lower() if value in {True, False} else value
        for name, value in given.items()
    }
    return f"#{urlencode(texts)}" if texts else ""


def unpacked(archive: bytes) -> dict[str, tuple[bytes, int]]:
    """Return the content and mode of each file in a zip, by path."""
    with zipfile.ZipFile(io.BytesIO(archive)) as files:
        return {
            entry.filename: (files.read(entry), entry.external_attr >> 16)
            for entry in files.infolist()
        }


@dataclass(frozen=True)
class Visitor:
    """Someone with a browser.

    Attributes:
        browser: The browser.
        url: The address of the page.
        downloads: The folder of downloaded files.
    """

    browser: Chrome
    url: str
    downloads: Path

    def open(self, fragment: str = "", *, is_live: bool = True) -> None:
        """Load the page again, by default until it answers."""
        self.browser.get("about:blank")
        self.browser.get(self.url + fragment)
        if is_live:
            self.wait(lambda: self.script("return document.body.dataset.live") == "true")

    def script(self, source: str, *arguments: object) -> Any:  # noqa: ANN401 -- any JSON
        """Run JavaScript in the page."""
        return cast("Any", self.browser).execute_script(source, *arguments)

    def wait[T](self, found: Callable[[], T]) -> T:
        """Wait until something is true, and return it."""
        return WebDriverWait(self.browser, _PATIENCE, 0.05).until(lambda _: found())

    def find(self, selector: str) -> WebElement:
        """Return an element."""
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def text(self, selector: str) -> str:
        """Return the text of an element."""
        return str(self.script("return document.querySelector(arguments[0]).textContent", selector))

    def click(self, selector: str) -> None:
        """Click an element, wherever the page shows it."""
        self.script("document.querySelector(arguments[0]).click()", selector)

    def answer(self, name: str, text: str) -> None:
        """Type an answer."""
        field = self.find(f"#answer-{name}")
        field.send_keys(Keys.CONTROL, "a")
        field.send_keys(Keys.BACKSPACE, text) if text else field.send_keys(Keys.BACKSPACE)

    def until(self, selector: str, part: str) -> None:
        """Wait until an element contains a text."""
        self.wait(lambda: part in self.text(selector))

    @property
    def fragment(self) -> str:
        """The part of the address that shares the answers."""
        return str(self.script("return location.hash"))

    def download(self, script: str = "arguments[0].click()") -> bytes:
        """Download the project by a script that clicks the button, and return the zip."""
        for old in self.downloads.iterdir():
            old.unlink()
        self.script(script, self.find("#download"))
        (found,) = self.wait(lambda: list(self.downloads.glob("*.zip")))
        content = b""
        while not zipfile.is_zipfile(io.BytesIO(content)):
            time.sleep(0.02)
            content = found.read_bytes()
        return content

    def requests(self) -> list[dict[str, Any]]:
        """Return the network events since the last call."""
        events = [json.loads(entry["message"])["message"] for entry in self._log("performance")]
        return [event for event in events if event["method"].startswith("Network.")]

    def complaints(self) -> list[str]:
        """Return the errors in the console since the last call."""
        return [each["message"] for each in self._log("browser") if each["level"] == "SEVERE"]

    def _log(self, kind: str) -> list[dict[str, str]]:
        entries: list[dict[str, str]] = cast("Any", self.browser).get_log(kind)
        return entries


@contextmanager
def visiting(url: str, folder: Path) -> Generator[Visitor]:
    """Start a browser for the page at an address.

    Args:
        url: The address of the page.
        folder: The folder of the browser's profile and downloads.

    Yields:
        The visitor.
    """
    requires("chromium", "chromedriver")
    downloads = folder / "downloads"
    downloads.mkdir()
    allowed = {"behavior": "allow", "downloadPath": str(downloads)}
    with browsing(folder / "profile", "--window-size=1400,1000") as browser:
        cast("Any", browser).execute_cdp_cmd("Browser.setDownloadBehavior", allowed)
        yield Visitor(browser, url, downloads)
