"""The workflows of a project: each shell step is run, as it stands in the rendered file."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import uv

from tests.delivery import PROJECTS, owned, owners_variables
from tests.history import DROPPED, PREVIOUS, History, Project, git, substitute
from tests.projects import PEOPLE, Workshop
from tests.workflows import Runner, jobs_of, recorder

WORKFLOWS = Path(".github/workflows")
type Update = Callable[..., Runner]

pytestmark = pytest.mark.usefixtures("history")

STORED = "secrets.TEMPLATE_UPDATE_TOKEN"
BRANCH = "template-update-0.3.0"

UVX = f"""\
case "$1" in
copier*) shift && exec "{sys.executable}" -m copier "$@" ;;
esac
"""
"""Copier is at hand; whatever else is asked for, such as an audit, needs a network."""

DOCKER = """\
case "$1" in
ps) echo my-app ;;
inspect) echo "${EXIT_CODE:-0}" ;;
esac
"""


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """Programs that record their calls instead of reaching another machine."""
    folder = tmp_path / "tools"
    folder.mkdir()
    recorder(folder, "gh")
    recorder(folder, "uvx", UVX)
    recorder(folder, "docker", DOCKER)
    (folder / "uv").symlink_to(uv.find_uv_bin())
    return folder


def runner_in(workshop: Workshop, checkout: Path, tools: Path, **values: str) -> Runner:
    shared = {
        "github.token": "workflow-token",
        "github.sha": "abc",
        "!cancelled()": "true",
        STORED: "",
    }
    return Runner(checkout, tools, owners_variables(workshop, checkout), shared | values)


# ------------------------------------------------------------------------------------------- CI


@pytest.mark.parametrize("name", [name for name in PROJECTS if name != "off"])
def test_ci_passes_in_a_new_project(
    workshop: Workshop, tmp_path: Path, tools: Path, name: str
) -> None:
    checkout = owned(workshop, tmp_path / "my-app", PROJECTS[name])
    workflow = checkout / WORKFLOWS / "ci.yml"
    runner = runner_in(workshop, checkout, tools)

    ran = [script for job in jobs_of(workflow) for script in runner.run(workflow, job)]

    assert len(ran) == sum("run" in step for steps in jobs_of(workflow).values() for step in steps)
    assert "docker stop --time 30 my-app" in runner.calls
    audit = next(call for call in runner.calls if call.startswith("uvx pip-audit"))
    assert "--strict" in audit
    assert "fastapi==" in (checkout / "requirements.txt").read_text()


@pytest.mark.parametrize(
    ("job", "program", "behaviour"),
    [
        ("image", "docker", DOCKER.replace("EXIT_CODE:-0", "EXIT_CODE:-137")),
        ("audit", "uvx", "exit 1"),
    ],
    ids=["image", "audit"],
)
def test_ci_fails_where_a_check_does(
    workshop: Workshop, tmp_path: Path, tools: Path, job: str, program: str, behaviour: str
) -> None:
    checkout = owned(workshop, tmp_path / "my-app", PROJECTS["default"])
    recorder(tools, program, behaviour)

    with pytest.raises(subprocess.CalledProcessError):
        runner_in(workshop, checkout, tools).run(checkout / WORKFLOWS / "ci.yml", job)


# -------------------------------------------------------------------------------------- release


def test_release_publishes_what_the_tag_names(
    workshop: Workshop, tmp_path: Path, tools: Path
) -> None:
    checkout = owned(workshop, tmp_path / "my-app", PROJECTS["default"])
    runner = runner_in(workshop, checkout, tools)
    runner.variables = {
        **runner.variables,
        "GITHUB_REF_NAME": "v0.1.0",
        "GITHUB_REPOSITORY": "Ada/My-App",
    }
    workflow = checkout / WORKFLOWS / "release.yml"

    for job in jobs_of(workflow):
        runner.run(workflow, job)

    assert runner.values["steps.version.outputs.version"] == "0.1.0"
    assert runner.values["steps.version.outputs.image"] == "ghcr.io/ada/my-app"
    assert runner.calls == ["gh release create v0.1.0 --verify-tag --generate-notes sbom.cdx.json"]
    bill = json.loads((checkout / "sbom.cdx.json").read_text())
    assert {"fastapi", "uvicorn"} <= {component["name"] for component in bill["components"]}


def test_release_refuses_a_tag_that_is_not_the_version(
    workshop: Workshop, tmp_path: Path, tools: Path
) -> None:
    checkout = owned(workshop, tmp_path / "my-app", PROJECTS["default"])
    runner = runner_in(workshop, checkout, tools)
    runner.variables = {**runner.variables, "GITHUB_REF_NAME": "v9.9.9"}

    with pytest.raises(subprocess.CalledProcessError):
        runner.run(checkout / WORKFLOWS / "release.yml", "image")

    assert "::error::The tag is v9.9.9, but pyproject.toml says 0.1.0." in runner.printed


# ------------------------------------------------------------------------------ template update


@pytest.fixture
def old_project(history: History, tmp_path: Path) -> Project:
    """A project of the release before, pushed to where the pull request will be opened."""
    project = history.copy(tmp_path / "my-app", PEOPLE, PREVIOUS)
    git(tmp_path, "init", "--quiet", "--bare", "origin.git")
    project.git("remote", "add", "origin", str(tmp_path / "origin.git"))
    return project


@pytest.fixture
def update(workshop: Workshop, history: History, tools: Path) -> Update:
    """Runs the workflow as it is shipped now: the project's own may be an older one."""
    workflow = history.fresh(PEOPLE) / WORKFLOWS / "template-update.yml"

    def run(project: Project, token: str = "") -> Runner:
        runner = runner_in(workshop, project.path, tools, **{STORED: token})
        runner.run(workflow, "update")
        return runner

    return run


def test_template_update_opens_a_pull_request(update: Update, old_project: Project) -> None:
    runner = update(old_project, "a token")

    pull_request = next(call for call in runner.calls if call.startswith("gh pr create"))
    assert f"--head {BRANCH}" in pull_request
    assert "--draft" not in pull_request
    assert "uv.lock" in git(old_project.path, "ls-tree", "--name-only", f"origin/{BRANCH}")
    assert old_project.changes() == []


def test_template_update_names_conflicts_and_rejected_changes(
    update: Update, old_project: Project, tools: Path
) -> None:
    old_project.edit(_retry_less)
    recorder(tools, "uvx", f"{UVX.replace('exec', '')}\n[ $1 != update ] || touch README.md.rej")

    runner = update(old_project, "a token")

    log = "\n".join(runner.calls)
    assert "--draft" in log
    assert "first:\n- `README.md.rej`\n- `docker/Dockerfile`" in log
    assert "<<<<<<< before" in git(old_project.path, "show", f"origin/{BRANCH}:docker/Dockerfile")


def test_template_update_names_the_files_it_deletes(update: Update, old_project: Project) -> None:
    old_project.write(DROPPED, f"{old_project.read(DROPPED)}# mine\n")
    old_project.commit()

    runner = update(old_project, "a token")

    assert f"edited in them here:\n- `{DROPPED}`" in "\n".join(runner.calls)


def _retry_less(project: Path) -> None:
    substitute(project / "docker/Dockerfile", "--retries=9", "--retries=7")


def test_template_update_says_that_it_needs_a_token(update: Update, old_project: Project) -> None:

    with pytest.raises(subprocess.CalledProcessError) as failure:
        update(old_project)

    assert "secret TEMPLATE_UPDATE_TOKEN" in failure.value.output
    assert old_project.git("branch", "--list").split() == ["*", "main"]


def test_template_update_proposes_once(update: Update, old_project: Project, tools: Path) -> None:
    recorder(tools, "gh", '[ "$2" = list ] && echo https://example.org/pull/1')

    runner = update(old_project)

    assert "was proposed before: https://example.org/pull/1" in runner.printed
    assert not [call for call in runner.calls if "create" in call]


def test_template_update_leaves_a_current_project_alone(
    update: Update, history: History, tmp_path: Path
) -> None:
    project = history.copy(tmp_path / "my-app", PEOPLE, "v0.3.0")

    runner = update(project)

    assert "::notice::The project is up to date." in runner.printed
    assert [call.split()[0] for call in runner.calls] == ["uvx"]
