"""`docs/house-standards.md` is accurate: a fork that changes every standard stays green."""

import base64
import http.server
import os
import shlex
import shutil
import subprocess
import sys
import threading
import tomllib
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path

import pytest
import uv
import yaml

from extensions.contract.projection import Projection
from extensions.contract.questionnaire import ROOT, read
from tests.support.delivery import PROJECTS, ran
from tests.support.edits import extra_job
from tests.support.history import History, Project, git, isolated_git, scratch_copy, substitute
from tests.support.house import names_a_place
from tests.support.linters import check
from tests.support.projects import PEOPLE, Workshop, render
from tests.support.steps import Step, steps_of

PAGE = ROOT / "docs/house-standards.md"
URL = "https://packages.example.com/api/pypi/python/simple/"
BEFORE, AFTER, NEXT = "v1.0.0", "v1.1.0", "v1.2.0"
CI = ".github/workflows/ci.yml"
CONCERNED = (
    "tests/house/test_mutations.py::test_every_row_breaks_what_is_there",
    "tests/rendering/test_files.py::test_workflows_are_safe",
    "tests/rendering/test_files.py::test_dockerfile_is_clean",
)
MEMBERS = "HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE"
"""A line that reformatting joins with its neighbours, and that upstream changes, too."""


def follow(step: Step, root: Path) -> None:
    if not step.is_run:
        step.edit(root)
        return
    script = step.text.replace("uv run python", shlex.quote(sys.executable))
    subprocess.run(["bash", "-euc", script], cwd=root, check=True, capture_output=True)


@pytest.fixture(scope="module")
def fork(tmp_path_factory: pytest.TempPathFactory) -> Generator[History]:
    """A fork with every standard changed by the page, and a release before and after."""
    folder = tmp_path_factory.mktemp("house")
    upstream = folder / "upstream"
    with isolated_git(folder):
        git(folder, "init", "--quiet", str(scratch_copy(upstream)))
        History(upstream, folder).release(BEFORE)
        git(folder, "clone", "--quiet", "--origin=upstream", str(upstream), "fork")
        router = "template/src/{{ package_name }}/weather/router.py.jinja"
        swapped = ", ".join(reversed(MEMBERS.split(", ")))
        substitute(upstream / router, MEMBERS, swapped)
        History(upstream, folder).release("next")
        git(folder / "fork", "fetch", "--quiet", "upstream")
        for step in steps_of(PAGE.read_text()):
            follow(step, folder / "fork")
        assert swapped in (folder / "fork" / router).read_text()
        own = History(folder / "fork", folder / "copies")
        own.release(AFTER)
        yield own


def test_longer_lines_are_formatted_for_any_name(fork: History, tmp_path: Path) -> None:
    assert_formatted(fork.repository, 120, tmp_path)


@pytest.mark.parametrize("length", [79, 88])
def test_shorter_lines_are_formatted_for_any_name(
    template: Path, tmp_path: Path, length: int
) -> None:
    root = shutil.copytree(template, tmp_path / "template")
    substitute(root / "extensions/house.jinja", "line_length = 100", f"line_length = {length}")
    first = ran(sys.executable, "-m", "extensions", "reformat", folder=root)

    assert first.returncode == 0, first.stdout
    assert_formatted(root, length, tmp_path)


def assert_formatted(root: Path, length: int, folder: Path) -> None:
    """Check that the command has nothing to do, and that ruff agrees, for two lengths of names."""
    again = ran(sys.executable, "-m", "extensions", "reformat", folder=root)
    assert (again.returncode, again.stdout) == (0, "")
    for name in ("p", "p" * 32):
        given = {**PROJECTS["on"], "package_name": name, "project_slug": name}
        given.pop("package_name_locked")
        project = render(root, folder / name, given)
        assert f"line-length = {length}\n" in (project / "pyproject.toml").read_text()
        check("ruff", "format", "--check", "--no-cache", str(project))
        check("ruff", "check", "--no-cache", str(project))


def test_standards_keep_the_proof_of_the_template_green(fork: History) -> None:
    """The tests that read what the standards change, except those that render everything."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--numprocesses=0"]

    proof = ran(*command, "--dist=no", *CONCERNED, folder=fork.repository)

    assert proof.returncode == 0, proof.stdout
    assert "3 passed" in proof.stdout
    for answers in (PROJECTS["on"], PROJECTS["off"]):
        files = Projection(questionnaire=read(fork.repository)).files(answers)
        assert not [name for name, text in files.items() if names_a_place(text, [URL])]
        assert any(names_a_place(text, []) for text in files.values())


def test_standards_reach_projects_beside_an_own_last_job(fork: History, tmp_path: Path) -> None:
    project = fork.copy(tmp_path / "my-app", PEOPLE, BEFORE)
    project.edit(extra_job)

    project.update(AFTER)

    assert project.conflicts() == []
    declared = tomllib.loads(project.read("pyproject.toml"))["tool"]
    assert declared["ruff"]["line-length"] == 120
    assert declared["uv"]["index"] == [{"name": "company", "url": URL, "default": True}]
    assert "max_line_length = 120\n" in project.read(".editorconfig")
    assert "FROM registry.example.com:5000/base/python:3.1" in project.read("docker/Dockerfile")
    assert "dependency-name: base/python\n" in project.read(".github/dependabot.yml")
    assert "add_own_team,\n" in project.read("src/my_app/logs.py")
    assert jobs_of(project)[-2:] == ["scan", "deploy"]

    project.commit()
    fork.release(NEXT, change_the_last_jobs)
    project.update(NEXT)

    assert project.conflicts() == []
    assert jobs_of(project)[-3:] == ["licences", "scan", "deploy"]
    assert "uvx pip-audit@99.0 " in project.read(CI)
    (audit,) = (step for step in steps_of_job(project, "audit") if "pip-audit" in str(step))
    assert audit["env"] == {"PIP_AUDIT_VULNERABILITY_SERVICE": "osv"}


def jobs_of(project: Project) -> list[str]:
    return [*yaml.safe_load(project.read(CI))["jobs"]]


def steps_of_job(project: Project, job: str) -> list[dict[str, object]]:
    steps: list[dict[str, object]] = yaml.safe_load(project.read(CI))["jobs"][job]["steps"]
    return steps


def change_the_last_jobs(root: Path) -> None:
    job = "  licences:\n    runs-on: ubuntu-latest\n    steps:\n      - run: true\n\n"
    substitute(
        root / "extensions/house.jinja", r"^{% macro ci_jobs\(actions\) %}\n", rf"\g<0>{job}"
    )
    substitute(root / "extensions/stack.jinja", r"pip-audit@[\d.]+", "pip-audit@99.0")


def test_open_index_needs_no_credentials(fork: History, tmp_path: Path) -> None:
    template = shutil.copytree(fork.repository, tmp_path / "template")
    substitute(
        template / "extensions/house.jinja", f"'{URL}', true, true", f"'{URL}', false, false"
    )

    files = Projection(questionnaire=read(template)).files(PROJECTS["on"])

    named = {name for name, text in files.items() if "UV_INDEX" in text or "netrc" in text}
    declared = tomllib.loads(files["pyproject.toml"])["tool"]["uv"]["index"]
    assert not named
    assert declared == [{"name": "company", "url": URL, "default": False}]


def test_company_log_field_breaks_no_test(fork: History, workshop: Workshop) -> None:
    variables = workshop.environment | {"UV_DEFAULT_INDEX": "https://pypi.org/simple"}
    here = replace(workshop, environment=variables)
    project = here.make(PROJECTS["default"], fork.repository)
    tests = sorted((project / "tests").rglob("test_*.py"))
    reading = [str(test) for test in tests if "readouterr" in test.read_text()]

    assert str(project / "tests/unit/test_own_team.py") in reading
    here.test(project, "-m", "not e2e", *reading)
    here.run(project, "lint-imports", "--no-logo")
    python = here.environment_of(project) / "bin" / "python"
    modules = ["src/my_app/own_team.py", "src/my_app/logs.py"]
    here.run(project, "pyright", "--pythonpath", str(python), *modules)


# ---------------------------------------------------------------------------- the package index


class Index(http.server.BaseHTTPRequestHandler):
    """An index that asks for credentials, and sends those who have them to PyPI."""

    credentials = "Basic " + base64.b64encode(b"ada:lovelace").decode()

    def do_GET(self) -> None:
        """Answer one request."""
        if self.headers["Authorization"] != self.credentials:
            self.send_response(HTTPStatus.UNAUTHORIZED)
            self.send_header("WWW-Authenticate", "Basic")
        else:
            self.send_response(HTTPStatus.FOUND)
            self.send_header("Location", self.path.replace("/pypi", "https://pypi.org", 1))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- as in http.server
        """Log nothing."""


@contextmanager
def private_index() -> Generator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Index) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/pypi/simple/"
        server.shutdown()


def test_private_index_is_locked_without_its_credentials(fork: History, tmp_path: Path) -> None:
    template = shutil.copytree(fork.repository, tmp_path / "template")
    shutil.rmtree(template / ".git")
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login ada password lovelace\n")
    bare = {name: value for name, value in os.environ.items() if not name.startswith("UV_INDEX")}
    named = {"UV_INDEX_COMPANY_USERNAME": "ada", "UV_INDEX_COMPANY_PASSWORD": "lovelace"}
    lock = [uv.find_uv_bin(), "lock", "--quiet"]

    with private_index() as url:
        substitute(template / "extensions/house.jinja", URL, url)
        project = render(template, tmp_path / "my-app", PROJECTS["off"])
        refused = ran(*lock, folder=project, variables=bare)
        locked = ran(*lock, folder=project, variables=bare | named)
        text = (project / "uv.lock").read_text()
        install = [uv.find_uv_bin(), "pip", "install", "--target=installed", "--no-deps", "."]
        installed = ran(*install, folder=project, variables=bare | {"NETRC": str(netrc)})

    assert (refused.returncode != 0, locked.returncode) == (True, 0), locked.stdout
    assert f'registry = "{url}"' in text
    assert "lovelace" not in text
    assert installed.returncode == 0, installed.stdout
