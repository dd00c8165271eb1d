"""Helpers of the delivery tests: locked projects, ports, and tools that may be missing."""

import os
import re
import secrets
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import uv

from extensions.contract.questionnaire import Answers
from tests.support.history import git
from tests.support.projects import BLOCKS, PEOPLE, QUESTIONNAIRE, Workshop, render

__all__ = [
    "CACHE",
    "ON_SERVERS",
    "PROJECTS",
    "free_port",
    "locked",
    "owned",
    "owners_variables",
    "production",
    "ran",
    "requires",
    "serving",
    "status_of",
    "wait_for",
]

OFF: Answers = {
    name: value
    for name in BLOCKS
    for value in QUESTIONNAIRE.question(name).values
    if value in {False, "none"}
}
ON: Answers = {
    name: value
    for name in BLOCKS
    for value in QUESTIONNAIRE.question(name).values
    if value in {True, "sqlite", "jwt"} and QUESTIONNAIRE.question(name).when is True
}
PROJECTS: dict[str, Answers] = {
    "off": QUESTIONNAIRE.complete(PEOPLE | OFF),
    "default": QUESTIONNAIRE.complete(PEOPLE),
    "on": QUESTIONNAIRE.complete(PEOPLE | ON),
}
"""The smallest project, the one with default answers, and the fullest without a server."""

ON_SERVERS = PROJECTS["on"] | {"database": "postgresql", "jobs": True}
"""The fullest project with PostgreSQL and Redis."""

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "fastapi-service-template"
"""Slow but reusable results: outside the checkout, kept between runs."""


def requires(*programs: str) -> None:
    """Skip a test without its tools, or fail it if tools are required."""
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        give_up = pytest.fail if "REQUIRE_TOOLS" in os.environ else pytest.skip
        give_up(f"needs {', '.join(missing)}")


def ran(
    *command: str | Path, folder: Path | None = None, variables: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command that may fail, with all of its output in `stdout`.

    Args:
        command: The program and its arguments.
        folder: The working directory.
        variables: The environment, by default that of the tests.

    Returns:
        Its exit code and output.
    """
    return subprocess.run(
        command,
        cwd=folder,
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def locked(workshop: Workshop, into: Path, answers: Answers) -> Path:
    """Render and lock a project, as its owner would have committed it."""
    project = render(workshop.template, into, answers)
    command = [uv.find_uv_bin(), "lock", "--quiet"]
    subprocess.run(command, cwd=project, env=workshop.environment, check=True)
    lock = project / "uv.lock"
    unbounded = re.sub(r'\[options\]\nexclude-newer = ".*"\n\n', "", lock.read_text())
    lock.write_text(unbounded)  # the bound is the tests'; the project has none
    return project


def owned(workshop: Workshop, into: Path, answers: Answers) -> Path:
    """Render, lock and commit a project: the starting point of an owner."""
    project = locked(workshop, into, answers)
    git(project, "init", "--quiet")
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message=feat: begin")
    return project


def owners_variables(workshop: Workshop, project: Path) -> dict[str, str]:
    """Return the environment of a machine without this test setup."""
    variables = {k: v for k, v in workshop.environment.items() if k != "UV_EXCLUDE_NEWER"}
    return variables | {"UV_PROJECT_ENVIRONMENT": str(workshop.environment_of(project))}


def free_port() -> int:
    """Return an unused port.

    It is below the ephemeral range, so the system assigns it to no other process before its use.
    """
    while True:
        port = 15_000 + secrets.randbelow(15_000)
        with socket.socket() as free, suppress(OSError):
            free.bind(("", port))
            return port


def status_of(url: str) -> int | None:
    """Return the status of a URL, or None if nothing answers."""
    try:
        with urllib.request.urlopen(url, timeout=5) as response:  # noqa: S310 -- our own URLs
            status: int = response.status
            return status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return None


def wait_for(url: str, status: int = 200, seconds: float = 20) -> float:
    """Wait until a URL returns a status, and return the seconds this took."""
    started = time.perf_counter()
    while status_of(url) != status:
        assert time.perf_counter() - started < seconds, f"{url} never answered {status}"
        time.sleep(0.01)
    return time.perf_counter() - started


def production(answers: Answers) -> dict[str, str]:
    """Return the variables that a project with these answers needs in production."""
    variables = {"SECRET_KEY": secrets.token_hex(32)} if answers.get("auth") == "jwt" else {}
    if answers.get("database") == "sqlite":
        variables["DATABASE_URL"] = "sqlite:////data/app.sqlite3"
    return variables


@contextmanager
def serving(
    workshop: Workshop, project: Path, log: Path = Path(os.devnull), /, **variables: str
) -> Generator[str]:
    """Serve a project that has its environment, and yield its URL.

    Args:
        workshop: The workshop with the environment.
        project: The folder of the project.
        log: The file for the service's log.
        variables: The settings.
    """
    port = free_port()
    with (
        log.open("w") as output,
        subprocess.Popen(
            [str(workshop.environment_of(project) / "bin" / "my-app")],
            cwd=project,
            env={**workshop.environment, "APP_PORT": str(port), **variables},
            stdout=output,
        ) as service,
    ):
        try:
            wait_for(f"http://127.0.0.1:{port}/ready")
            yield f"http://127.0.0.1:{port}"
        finally:
            service.terminate()
