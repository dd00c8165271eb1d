"""A plugin from another distribution, installed next to a rendered project and served by it."""

import json
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import pytest
import uv

from tests.support.delivery import free_port
from tests.support.projects import PEOPLE, Workshop

PYPROJECT = """
[build-system]
requires = ["uv_build>=0.13.6,<0.14"]
build-backend = "uv_build"

[project]
name = "shout-plugin"
version = "2.1.0"

[project.entry-points."my_app.plugins"]
shout = "shout_plugin:Shout"
"""
MODULE = """
from fastapi import APIRouter, FastAPI
from my_app.plugins.base import Plugin, PluginSettings
from pydantic_settings import SettingsConfigDict


class ShoutSettings(PluginSettings):
    model_config = SettingsConfigDict(env_prefix="APP_PLUGIN_SHOUT_")

    end: str = "!"


class Shout(Plugin):
    name = "shout"
    settings_type = ShoutSettings

    def __init__(self) -> None:
        self.is_open = False
        self.end = ShoutSettings().end
        self.router = APIRouter(prefix="/shouts", tags=["shouts"])
        self.router.get("/{word}")(self.shout)

    async def initialize(self, app: FastAPI) -> None:
        self.is_open = True

    async def shutdown(self) -> None:
        self.is_open = False

    async def check(self) -> None:
        assert self.is_open

    async def shout(self, word: str) -> str:
        return word.upper() + self.end
"""


@pytest.fixture
def distribution(tmp_path: Path) -> Path:
    """The source of a second distribution."""
    package = tmp_path / "src" / "shout_plugin"
    package.mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    (package / "__init__.py").write_text(MODULE)
    return tmp_path


@pytest.fixture
def binaries(workshop: Workshop, distribution: Path) -> Path:
    """The commands of a project's environment in which the second distribution is installed."""
    project = workshop.make(PEOPLE | {"plugins": True})
    version = (project / ".python-version").read_text().strip()
    environment = workshop.folder / f"python-{version}"
    command = [uv.find_uv_bin(), "pip", "install", "--quiet", "--python", str(environment)]
    subprocess.run([*command, str(distribution)], env=workshop.environment, check=True)
    return environment / "bin"


def test_plugin_from_another_distribution_is_served(
    workshop: Workshop, binaries: Path, tmp_path: Path
) -> None:
    variables = workshop.environment | {"APP_PLUGIN_SHOUT_END": "?"}
    listed = subprocess.run(
        [binaries / "my-app", "plugins"],
        cwd=tmp_path,
        env=variables,
        check=True,
        capture_output=True,
        text=True,
    )
    assert [line.split() for line in listed.stdout.splitlines()] == [
        ["greeter", "loaded", "my-app", "0.1.0"],
        ["shout", "loaded", "shout-plugin", "2.1.0"],
    ]

    with serve(binaries / "my-app", tmp_path, variables) as url:
        assert get(f"{url}/api/v1/shouts/hello") == (200, "HELLO?")
        status, readiness = get(f"{url}/ready")
        assert (status, readiness["components"]["plugin shout"]["status"]) == (200, "up")
        assert "/api/v1/shouts/{word}" in get(f"{url}/openapi.json")[1]["paths"]

    with serve(binaries / "my-app", tmp_path, variables | {"APP_PLUGINS_DENIED": "shout"}) as url:
        assert get(f"{url}/api/v1/shouts/hello")[0] == 404
        assert get(f"{url}/api/v1/greetings/Ada") == (200, {"text": "Hello, Ada!"})


@contextmanager
def serve(command: Path, folder: Path, variables: dict[str, str]) -> Generator[str]:
    """Run the service until the block ends."""
    port = free_port()
    variables = variables | {"APP_PORT": str(port), "APP_LOG_FORMAT": "json"}
    log = folder / "log"
    with (
        log.open("w") as output,
        subprocess.Popen([command], cwd=folder, env=variables, stdout=output) as process,
    ):
        url = f"http://127.0.0.1:{port}"
        try:
            _wait_for(url)
            yield url
        except BaseException as error:
            error.add_note(log.read_text())
            raise
        finally:
            process.terminate()


def get(url: str) -> tuple[int, Any]:
    """Send a GET request to the service."""
    try:
        with urlopen(url) as response:  # noqa: S310 -- a URL of our own
            return response.status, json.load(response)
    except HTTPError as error:
        return error.code, json.load(error)


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            urlopen(f"{url}/health").close()  # noqa: S310
        except URLError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("the service did not start")
