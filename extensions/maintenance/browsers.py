"""Headless Chromium, for pictures and tests."""

import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from selenium.webdriver import Chrome, ChromeOptions, ChromeService

__all__ = ["browsing"]


@contextmanager
def browsing(profile: Path, *switches: str, is_logged: bool = True) -> Generator[Chrome]:
    """Start a browser.

    Args:
        profile: The folder of its profile.
        switches: Further command-line switches, such as the size of the window.
        is_logged: Whether it logs its console and every request, which costs time.

    Yields:
        The browser.
    """
    options = ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for switch in (
        *("--headless=new", "--no-sandbox", "--disable-dev-shm-usage"),
        *("--disable-background-networking", "--no-proxy-server"),
        *(f"--user-data-dir={profile}", *switches),
    ):
        options.add_argument(switch)
    if is_logged:
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    browser = Chrome(options, ChromeService(shutil.which("chromedriver")))
    try:
        yield browser
    finally:
        browser.quit()
