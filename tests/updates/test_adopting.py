"""`docs/adopting.md` works to the letter, in repositories of several kinds."""

import re
import stat
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import uv

from extensions.contract.questionnaire import ROOT
from tests.support.delivery import PROJECTS, owned, owners_variables, ran
from tests.support.history import PREVIOUS, History, Project, difference, git, substitute
from tests.support.projects import PEOPLE, QUESTIONNAIRE, Workshop
from tests.support.steps import commands_in, steps_of

PAGE = (ROOT / "docs/adopting.md").read_text()
TEMPLATE = "gh:your-organisation/fastapi-service-template"
DEFAULTS = QUESTIONNAIRE.complete(PEOPLE)

ORDERS = """\
from fastapi import APIRouter

router = APIRouter()


@router.get("/orders")
def list_orders() -> list[str]:
    return ["tea"]
"""
TEST = """\
from fastapi.testclient import TestClient

from {module} import app


def test_orders():
    assert TestClient(app).get("/orders").json() == ["tea"]
"""
CONFTEST = """\
import pytest
from fastapi.testclient import TestClient

from app.main import app


@pytest.fixture
def client():
    return TestClient(app)
"""
TEST_WITH_FIXTURE = """\
def test_orders(client):
    assert client.get("/orders").json() == ["tea"]
"""


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A service from before the template.

    Attributes:
        files: Its files.
        router: The module with its router.
        packages: Its packages under `src/`.
    """

    files: Mapping[str, str]
    router: str
    packages: tuple[str, ...] = ()


APP = """\
from fastapi import FastAPI

from {} import router

app = FastAPI()
app.include_router(router)
"""
LAYOUTS = {
    "modules in the root": Layout(
        files={
            "README.md": "# Orders\n",
            "main.py": APP.format("orders"),
            "orders.py": ORDERS,
            "requirements.txt": "fastapi\nuvicorn\n",
            "tests/test_orders.py": TEST.format(module="main"),
        },
        router="orders",
    ),
    "a package in the root": Layout(
        files={
            ".gitignore": "*.pyc\n.venv\n",
            "Dockerfile": 'FROM python:3.12\nCOPY . .\nCMD ["uvicorn", "app.main:app"]\n',
            "README.md": "# Orders\n\nRun it with uvicorn.\n",
            "app/__init__.py": "",
            "app/main.py": APP.format("app.routers.orders"),
            "app/routers/__init__.py": "",
            "app/routers/orders.py": ORDERS,
            "pyproject.toml": '[project]\nname = "orders"\nversion = "1.2.0"\n',
            "tests/conftest.py": CONFTEST,
            "tests/test_orders.py": TEST_WITH_FIXTURE,
        },
        router="app.routers.orders",
    ),
    "a package under src": Layout(
        files={
            ".github/workflows/ci.yml": "name: Ours\non: push\njobs: {}\n",
            ".pre-commit-config.yaml": "repos: []\n",
            "LICENSE": "All rights reserved.\n",
            "pyproject.toml": '[build-system]\nrequires = ["hatchling"]\n',
            "src/shop/__init__.py": "",
            "src/shop/main.py": APP.format("shop.orders"),
            "src/shop/orders.py": ORDERS,
            "tests/unit/test_orders.py": TEST.format(module="shop.main"),
        },
        router="shop.orders",
        packages=("shop",),
    ),
}


def part(title: str) -> str:
    """Return the part of the page under a heading."""
    return PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0]


def follow(folder: Path, command: str, history: History) -> subprocess.CompletedProcess[str]:
    """Run a command of the page, with the previous release of the template."""
    answers = [f"--data={name}='{value}'" for name, value in PEOPLE.items()]
    source = " ".join(["--defaults", f"--vcs-ref={PREVIOUS}", *answers, str(history.repository)])
    script = command.replace("uvx copier", f"{sys.executable} -m copier").replace(TEMPLATE, source)
    return ran("bash", "-c", script, folder=folder)


def begun(folder: Path, files: Mapping[str, str]) -> Project:
    """Make a repository with these files."""
    project = Project(folder, folder)
    for name, text in files.items():
        project.write(name, text)
    project.git("init", "--quiet")
    project.commit()
    return project


def test_copy_over_a_repository_begun_on_github(history: History, tmp_path: Path) -> None:
    files = {"README.md": "# my-app\n", "LICENSE": "MIT\n", ".gitignore": "*.pyc\n"}
    project = begun(tmp_path / "my-app", files)
    copy, look = commands_in(part("A repository created on GitHub"))

    stopped = follow(project.path, f"{copy.replace(' --overwrite', '')} < /dev/null", history)
    assert stopped.returncode == 1
    assert "Consider using `--overwrite`" in stopped.stdout
    project.give_up()

    assert follow(project.path, copy, history).returncode == 0
    assert "-# my-app" in follow(project.path, look, history).stdout
    project.commit()
    project.update()
    assert not difference(project.path, history.fresh(DEFAULTS))


@pytest.mark.parametrize("name", LAYOUTS)
def test_service_that_exists_is_adopted_and_updated(
    history: History, workshop: Workshop, tmp_path: Path, name: str
) -> None:
    layout = LAYOUTS[name]
    project = begun(tmp_path / "orders", layout.files)
    *adopt, lock, test, update = commands_in(part("An existing service"))
    for command in adopt[:-1]:
        assert follow(project.path, command, history).returncode == 0, command

    merged = follow(project.path, adopt[-1], history)
    clashing = project.git("diff", "--name-only", "--diff-filter=U").split()
    assert merged.returncode == bool(clashing)
    assert {*clashing} == {*layout.files} & {*git(tmp_path / "rendered", "ls-files").split()}
    project.git("checkout", "--theirs", *clashing)
    files = _beside_the_tests_of_the_template(project, layout)
    _serve_the_router(project, layout)
    project.commit()
    updated = follow(project.path, update, history)

    assert updated.returncode == 0, updated.stdout
    assert project.conflicts() == []
    assert (lock, test) == ("uv lock", "uv run pytest")
    workshop.sync(project.path)
    suites = ["tests/test_adopted.py", "tests/integration/test_health.py"]
    suites += [path for path in files if Path(path).name.startswith("test_")]
    workshop.test(project.path, *suites)
    kept = {*files} - {*clashing}
    assert {path: project.read(path) for path in kept} == {path: files[path] for path in kept}


def _beside_the_tests_of_the_template(project: Project, layout: Layout) -> Mapping[str, str]:
    """Move tests that share fixtures to their own folder, and return all files of the service."""
    if "tests/conftest.py" not in layout.files:
        return layout.files
    assert "`tests/conftest.py`" in PAGE
    folder = "tests/orders/"
    assert f"`{folder}`" in PAGE
    moved = {path.replace("tests/", folder): text for path, text in layout.files.items()}
    for path in moved:
        if path.startswith(folder):
            project.write(path, moved[path])
    (project.path / "tests/test_orders.py").unlink()
    return moved


def _serve_the_router(project: Project, layout: Layout) -> None:
    """Serve their routes in the application, and check that it has our edge."""
    names = ", ".join(f'"{each}"' for each in ("my_app", *layout.packages))
    if layout.packages:
        assert f"`module-name = [{names}]`" in PAGE
        substitute(
            project.path / "pyproject.toml", r'module-name = "my_app"', f"module-name = [{names}]"
        )
    resources = project.path / "src/my_app/routers/resources.py"
    imported = rf"\g<0>\nfrom {layout.router} import router as orders"
    substitute(resources, r"^from fastapi import FastAPI$", imported)
    resources.write_text(resources.read_text() + "    app.include_router(orders)\n")
    project.write(
        "tests/test_adopted.py",
        "async def test_orders_are_served_by_the_new_application(client):\n"
        '    response = await client.get("/orders")\n'
        '    assert response.json() == ["tea"]\n'
        '    assert response.headers["X-Request-ID"]\n',
    )


# --------------------------------------------------------------- several services, and beginnings


def test_hooks_of_two_services_run_from_the_root(workshop: Workshop, tmp_path: Path) -> None:
    first = owned(workshop, tmp_path / "services/first", PROJECTS["default"])
    second = owned(workshop, tmp_path / "services/second", PROJECTS["default"])
    variables = owners_variables(workshop, first)
    for project in (first, second):
        ran("rm", "-r", ".git", folder=project)
    (configuration,) = (step for step in steps_of(PAGE) if "Write `.pre" in step.sentence)
    (install,) = (each for each in commands_in(PAGE) if "prek install" in each)
    configuration.edit(tmp_path)
    git(tmp_path, "init", "--quiet")
    ran(uv.find_uv_bin(), "sync", "--quiet", "--frozen", folder=first, variables=variables)
    script = install.replace("SERVICE", "services/first").replace("uv run", "uv run --no-sync")
    assert ran("bash", "-c", script, folder=tmp_path, variables=variables).returncode == 0

    git(tmp_path, "add", "--all")
    begin = ran("git", "commit", "-m", "feat: begin", folder=tmp_path, variables=variables)
    assert begin.returncode == 0, begin.stdout
    for project in (first, second):
        (project / "src/my_app/services/health.py").write_text("undefined\n")
    git(tmp_path, "add", "--all")
    refused = ran("git", "commit", "-m", "feat: fail", folder=tmp_path, variables=variables)
    assert len(re.findall(r"ruff check.*Failed", refused.stdout)) == 2, refused.stdout


def test_service_excluded_from_a_workspace_has_its_own_lock(
    workshop: Workshop, tmp_path: Path
) -> None:
    project = owned(workshop, tmp_path / "services/my-app", PROJECTS["default"])
    (project / "uv.lock").unlink()
    (shown,) = (step.text for step in steps_of(PAGE) if step.language == "toml")
    excluded = tomllib.loads(shown)["tool"]["uv"]["workspace"]
    everything = '[tool.uv.workspace]\nmembers = ["services/*"]\n'
    root = '[project]\nname = "root"\nversion = "0"\nrequires-python = ">=3.13"\n'

    locked: dict[str, bool] = {}
    for name, workspace in {"shared": everything, "own": shown}.items():
        (tmp_path / "pyproject.toml").write_text(root + workspace)
        result = ran(uv.find_uv_bin(), "lock", folder=project, variables=workshop.environment)
        assert result.returncode == 0, result.stdout
        locked[name] = (project / "uv.lock").exists()

    assert locked == {"shared": False, "own": True}
    assert excluded["exclude"] == ["services/*"]


def test_description_like_a_secret_passes_once_it_is_marked(
    workshop: Workshop, tmp_path: Path
) -> None:
    (text,) = re.findall(r"a description such as `(.*?)`", PAGE)
    project = owned(
        workshop, tmp_path / "my-app", PROJECTS["default"] | {"project_description": text}
    )
    variables = owners_variables(workshop, project)
    ran(uv.find_uv_bin(), "sync", "--quiet", "--frozen", folder=project, variables=variables)
    program = workshop.environment_of(project) / "bin/detect-secrets-hook"
    scanned = ["README.md", "pyproject.toml", "src/my_app/main.py"]

    refused = ran(program, "--no-verify", *scanned, folder=project)
    assert refused.returncode == 1
    for name, number in re.findall(r"Location: +(\S+):(\d+)", refused.stdout):
        path = project / name
        lines = path.read_text().splitlines()
        mark = (
            "<!-- pragma: allowlist secret -->"
            if name.endswith("md")
            else "# pragma: allowlist secret"
        )
        assert f"`{mark}`" in PAGE
        lines[int(number) - 1] += f"  {mark}"
        path.write_text("\n".join(lines) + "\n")
    assert ran(program, "--no-verify", *scanned, folder=project).returncode == 0


def test_source_written_with_a_strict_umask_becomes_readable(
    workshop: Workshop, tmp_path: Path
) -> None:
    project = owned(workshop, tmp_path / "my-app", PROJECTS["off"])
    (command,) = (each for each in commands_in(PAGE) if each.startswith("chmod"))
    ran("chmod", "--recursive", "go=", "src", folder=project)

    assert ran("bash", "-c", command, folder=project).returncode == 0

    modes = [path.stat().st_mode for path in (project / "src").rglob("*")]
    assert all(mode & stat.S_IROTH for mode in modes)
    assert all(mode & stat.S_IXOTH for mode in modes if stat.S_ISDIR(mode))
