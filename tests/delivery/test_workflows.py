"""The workflows of a project: each shell step runs verbatim from the rendered file."""

import http.server
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Generator
from pathlib import Path
from typing import ClassVar

import pytest
import uv
import yaml
from copier import run_copy

from extensions.contract.questionnaire import Answers
from tests.support.delivery import PROJECTS, owned, owners_variables, ran
from tests.support.edits import bumped_same_dependency
from tests.support.history import (
    ANSWERS_FILE,
    DROPPED,
    PRESENT,
    PREVIOUS,
    History,
    Project,
    git,
    substitute,
)
from tests.support.projection import files_of
from tests.support.projects import FAST, PEOPLE, Workshop
from tests.support.stored import leave_pointer
from tests.support.workflows import Runner, jobs_of, recorder

WORKFLOWS = Path(".github/workflows")
type Release = Callable[..., Runner]
type Update = Callable[..., Runner]

pytestmark = pytest.mark.usefixtures("history")

READING, STORED = "secrets.TEMPLATE_READ_TOKEN", "secrets.TEMPLATE_UPDATE_TOKEN"
BRANCH = "template-update-0.3.0"

UVX = f"""\
case "$1" in
copier*) shift && exec "{sys.executable}" -m copier "$@" ;;
pip-audit*) [ -z "$ADVISORIES" ] || exec uv tool run --quiet "$@" $ADVISORIES ;;
*) exec uv tool run --quiet "$@" ;;
esac
"""
"""Runs the real tools, except that audits query `ADVISORIES` or nothing."""

DOCKER = """\
case "$1" in
ps) echo my-app ;;
inspect) echo "${EXIT_CODE:-0}" ;;
esac
"""


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """Programs that record their calls instead of contacting other machines."""
    folder = tmp_path / "tools"
    folder.mkdir()
    recorder(folder, "gh")
    recorder(folder, "uvx", UVX)
    recorder(folder, "docker", DOCKER)
    (folder / "uv").symlink_to(uv.find_uv_bin())
    return folder


def runner_in(workshop: Workshop, checkout: Path, tools: Path, **values: str) -> Runner:
    shared = {
        "github.event_name == 'pull_request'": "true",
        "github.token": "workflow-token",
        "github.sha": "abc",
        "!cancelled()": "true",
        STORED: "",
        f"{READING} || github.token": "",
        "steps.proposal.outputs.branch": "",
    }
    return Runner(checkout, tools, owners_variables(workshop, checkout), shared | values)


# ------------------------------------------------------------------------------------------- CI


@pytest.mark.parametrize("name", PROJECTS)
def test_ci_passes_in_a_new_project(
    workshop: Workshop, tmp_path: Path, tools: Path, name: str
) -> None:
    checker: Answers = {"type_checker": "mypy"} if name == "on" else {}
    checkout = owned(workshop, tmp_path / "my-app", PROJECTS[name] | checker)
    workflow = checkout / WORKFLOWS / "ci.yml"
    runner = runner_in(workshop, checkout, tools)
    described(checkout, runner)
    runner.variables = {
        **runner.variables,
        "CI": "true",
        "PYTEST_ADDOPTS": f"-m '{FAST}'",  # the others run in `test_suites.py`
        "TMPDIR": str(workshop.temporary),
    }

    ran = [script for job in jobs_of(workflow) for script in runner.run(workflow, job)]

    assert len(ran) == sum("run" in step for steps in jobs_of(workflow).values() for step in steps)
    assert "docker stop --time 30 my-app" in runner.calls
    audit = next(call for call in runner.calls if call.startswith("uvx pip-audit"))
    assert "--strict" in audit
    assert "fastapi==" in (checkout / "requirements.txt").read_text()


def described(checkout: Path, runner: Runner) -> None:
    """Write and commit `openapi.json`, which owners have by their first pull request."""
    command = ("uv", "run", "--quiet", "my-app", "openapi", "--output", "openapi.json")
    variables = {**runner.variables, "PATH": f"{runner.tools}:{runner.variables['PATH']}"}
    result = ran(*command, folder=checkout, variables=variables)
    assert result.returncode == 0, result.stdout
    git(checkout, "add", "--all")
    git(checkout, "commit", "--quiet", "--message=feat: describe the API")


def test_ci_breaking_change_fails_until_allowed(
    workshop: Workshop, tmp_path: Path, tools: Path
) -> None:
    checkout = owned(workshop, tmp_path / "my-app", PROJECTS["off"])
    workflow = checkout / WORKFLOWS / "ci.yml"
    runner = runner_in(workshop, checkout, tools)
    described(checkout, runner)
    (module,) = checkout.glob("src/*/routers/health.py")
    substitute(module, '"/health"', '"/healthy"')
    described(checkout, runner)

    with pytest.raises(subprocess.CalledProcessError):
        runner.run(workflow, "contract")
    assert "GET /health: removed" in runner.printed.splitlines()

    (checkout / "openapi-allowed.txt").write_text("GET /health: removed\n")
    runner.run(workflow, "contract")

    git(checkout, "commit", "--quiet", "--allow-empty", "--message=feat: go on")
    runner.run(workflow, "contract")
    assert "delete it: GET /health: removed" in runner.printed


def test_ci_fails_on_unclean_shutdown(workshop: Workshop, tmp_path: Path, tools: Path) -> None:
    checkout = owned(workshop, tmp_path / "my-app", PROJECTS["default"])
    recorder(tools, "docker", DOCKER.replace("EXIT_CODE:-0", "EXIT_CODE:-137"))

    with pytest.raises(subprocess.CalledProcessError):
        runner_in(workshop, checkout, tools).run(checkout / WORKFLOWS / "ci.yml", "image")


class Advisories(http.server.BaseHTTPRequestHandler):
    """A server that returns the same advisories for every package."""

    status = 200
    known: ClassVar[dict[str, object]] = {}

    def do_POST(self) -> None:
        """Answer as OSV does."""
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(self.status)
        self.end_headers()
        self.wfile.write(json.dumps(self.known.get(asked["package"]["name"], {})).encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Suppress the server's log."""


class Flaw(Advisories):
    """A server that reports one vulnerability."""

    known: ClassVar[dict[str, object]] = {
        "starlette": {"vulns": [{"id": "PYSEC-2026-1", "affected": []}]}
    }


class Broken(Advisories):
    """A server that fails."""

    status = 500


@pytest.fixture
def advisories(request: pytest.FixtureRequest) -> Generator[str]:
    """The URL of the advisories, as options of the audit tool."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), request.param) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"--vulnerability-service osv --osv-url http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.mark.parametrize(
    ("advisories", "said"),
    [(Advisories, None), (Flaw, "PYSEC-2026-1"), (Broken, "ServiceError")],
    ids=["clean", "flaw", "no answer"],
    indirect=["advisories"],
)
def test_audit_passes_only_if_complete(
    workshop: Workshop, tmp_path: Path, tools: Path, advisories: str, said: str | None
) -> None:
    checkout = owned(workshop, tmp_path / "my-app", PROJECTS["default"])
    runner = runner_in(workshop, checkout, tools)
    runner.variables = {**runner.variables, "ADVISORIES": advisories}

    if said is None:
        runner.run(checkout / WORKFLOWS / "ci.yml", "audit")
        assert "fastapi" in runner.printed, "the licences are listed"
    else:
        with pytest.raises(subprocess.CalledProcessError) as failure:
            runner.run(checkout / WORKFLOWS / "ci.yml", "audit")
        assert "pip-audit" in failure.value.cmd
        assert said in failure.value.output


# -------------------------------------------------------------------------------------- release


@pytest.fixture
def released(workshop: Workshop, tmp_path: Path, tools: Path) -> Release:
    """Prepare the release of a tag, for a commit with this many successful CI runs."""

    def prepare(tag: str, *, passed: int = 1) -> Runner:
        recorder(tools, "gh", f'[ "$1 $2" != "run list" ] || echo {passed}')
        checkout = owned(workshop, tmp_path / "my-app", PROJECTS["default"])
        runner = runner_in(workshop, checkout, tools)
        of_github = {"REPOSITORY": "Ada/My-App", "REF_NAME": tag, "SHA": "abc"}
        given = {f"GITHUB_{name}": value for name, value in of_github.items()}
        runner.variables = {**runner.variables, **given}
        return runner

    return prepare


def test_release_publishes_the_tagged_version(released: Release) -> None:
    runner = released("v0.1.0")
    workflow = runner.checkout / WORKFLOWS / "release.yml"

    for job in jobs_of(workflow):
        runner.run(workflow, job)

    assert runner.values["steps.version.outputs.version"] == "0.1.0"
    assert runner.values["steps.version.outputs.image"] == "ghcr.io/ada/my-app"
    published = "gh release create v0.1.0 --verify-tag --generate-notes sbom.cdx.json"
    assert runner.calls[-1] == published
    assert (runner.checkout / "sbom.cdx.json").exists()


def test_release_refuses_a_tag_unlike_the_version(released: Release) -> None:
    runner = released("v9.9.9")

    with pytest.raises(subprocess.CalledProcessError):
        runner.run(runner.checkout / WORKFLOWS / "release.yml", "image")

    assert "::error::The tag is v9.9.9, but pyproject.toml says 0.1.0." in runner.printed


def test_release_refuses_a_commit_without_passing_ci(released: Release) -> None:
    runner = released("v0.1.0", passed=0)

    with pytest.raises(subprocess.CalledProcessError):
        runner.run(runner.checkout / WORKFLOWS / "release.yml", "image")

    assert "--workflow ci.yml --commit abc --status success" in runner.calls[-1]
    assert "::error::CI has not passed for abc." in runner.printed


# ------------------------------------------------------------------------------ template update


@pytest.fixture
def old_project(history: History, tmp_path: Path) -> Project:
    """A project of the previous release, pushed to the remote that receives the pull request."""
    project = history.copy(tmp_path / "my-app", PEOPLE, PREVIOUS)
    git(tmp_path, "init", "--quiet", "--bare", "origin.git")
    project.git("remote", "add", "origin", str(tmp_path / "origin.git"))
    return project


@pytest.fixture
def update(workshop: Workshop, history: History, tools: Path) -> Update:
    """Run the current workflow, since the project's own may be older."""
    workflow = history.fresh(PEOPLE) / WORKFLOWS / "template-update.yml"

    def run(project: Project, token: str = "") -> Runner:
        runner = runner_in(workshop, project.path, tools, **{STORED: token})
        runner.run(workflow, "update")
        return runner

    return run


def test_template_update_opens_a_pull_request(update: Update, old_project: Project) -> None:
    """Also without the contents of files in git LFS, which its tokens may not read."""
    old_project.write("model.bin", "weights\n")
    leave_pointer(old_project, "model.bin")

    runner = update(old_project, "a token")

    pull_request = next(call for call in runner.calls if call.startswith("gh pr create"))
    assert f"--head {BRANCH}" in pull_request
    assert "--draft" not in pull_request
    proposed = git(old_project.path, "ls-tree", "--name-only", f"origin/{BRANCH}").splitlines()
    assert {"openapi.json", "uv.lock"} <= {*proposed}
    assert old_project.changes() == []


def test_template_update_names_conflicts_and_rejected_changes(
    update: Update, old_project: Project, tools: Path
) -> None:
    old_project.edit(_retry_less)
    rejected = 'case "$*" in *update-preview-*) ;; update*) touch README.md.rej ;; esac'
    recorder(tools, "uvx", f"{UVX.replace('exec', '')}\n{rejected}")

    runner = update(old_project, "a token")

    log = "\n".join(runner.calls)
    assert "--draft" in log
    assert "first:\n- `README.md.rej`\n- `docker/Dockerfile`" in log
    assert "openapi.json`" in log
    assert "<<<<<<< before" in git(old_project.path, "show", f"origin/{BRANCH}:docker/Dockerfile")


def test_template_update_proposes_unlockable_changes(update: Update, old_project: Project) -> None:
    """Covers a dependency conflict, with which uv cannot lock the project."""
    old_project.edit(bumped_same_dependency)

    runner = update(old_project, "a token")

    log = "\n".join(runner.calls)
    assert "first:\n- `pyproject.toml`" in log
    assert "uv.lock" not in git(old_project.path, "ls-tree", "--name-only", f"origin/{BRANCH}")


def test_template_update_names_the_files_it_deletes(update: Update, old_project: Project) -> None:
    old_project.write(DROPPED, f"{old_project.read(DROPPED)}# mine\n")
    old_project.commit()

    runner = update(old_project, "a token")

    assert f"| **Deleted with your edits** | 1: `{DROPPED}` |" in "\n".join(runner.calls)


def _retry_less(project: Path) -> None:
    substitute(project / "docker/Dockerfile", "--retries=9", "--retries=7")


def test_template_update_missing_token_is_reported(update: Update, old_project: Project) -> None:

    with pytest.raises(subprocess.CalledProcessError) as failure:
        update(old_project)

    assert "secret TEMPLATE_UPDATE_TOKEN" in failure.value.output
    assert old_project.git("branch", "--list").split() == ["*", "main"]


def test_template_update_proposes_once(update: Update, old_project: Project, tools: Path) -> None:
    recorder(tools, "gh", '[ "$2" != list ] || echo https://example.org/pull/1')

    runner = update(old_project)

    assert "was proposed before: https://example.org/pull/1" in runner.printed
    assert not [call for call in runner.calls if "create" in call]


def test_template_update_ignores_a_current_project(
    update: Update, history: History, tmp_path: Path
) -> None:
    project = history.copy(tmp_path / "my-app", PEOPLE, "v0.3.0")

    runner = update(project)

    assert "::notice::The project is up to date." in runner.printed
    assert [call.split()[0] for call in runner.calls] == ["gh", "uvx"]


def test_template_update_fails_if_lookup_fails(
    update: Update, old_project: Project, tools: Path
) -> None:
    recorder(tools, "uvx", "exit 1")

    with pytest.raises(subprocess.CalledProcessError) as failure:
        update(old_project)

    assert "check-update" in failure.value.cmd
    assert "up to date" not in failure.value.output


def test_template_update_reads_the_projects_own_answers_file(
    workshop: Workshop, history: History, tmp_path: Path, tools: Path
) -> None:
    """Another template's answers are in the file that Copier reads by default."""
    name = ".copier-answers.service.yml"
    project = Project(tmp_path / "my-app", tmp_path / "my-app")
    for version, into in ((PREVIOUS, project.path), (PRESENT, tmp_path / "newest")):
        run_copy(
            str(history.repository),
            into,
            data=dict(PEOPLE),
            vcs_ref=version,
            answers_file=name,
            defaults=True,
            unsafe=False,
            quiet=True,
        )
    others = "_commit: v9.9.9\n_src_path: https://template.invalid/other\n"
    project.write(ANSWERS_FILE, others)
    project.git("init", "--quiet")
    project.commit()
    git(tmp_path, "init", "--quiet", "--bare", "origin.git")
    project.git("remote", "add", "origin", str(tmp_path / "origin.git"))

    runner = runner_in(workshop, project.path, tools, **{STORED: "a token"})
    runner.run(tmp_path / "newest" / WORKFLOWS / "template-update.yml", "update")

    assert f"_commit: {PRESENT}" in project.git("show", f"origin/{BRANCH}:{name}")
    assert project.git("show", f"origin/{BRANCH}:{ANSWERS_FILE}") == others


# ------------------------------------------------------------------------------------- branches


@pytest.mark.quick
def test_ci_runs_on_either_default_branch() -> None:
    ci, release = (
        files_of(PROJECTS["default"])[f"{WORKFLOWS}/{name}.yml"] for name in ("ci", "release")
    )

    pushed = yaml.safe_load(ci)[True]["push"]["branches"]  # YAML 1.1 reads `on` as true
    assert pushed == ["main", "master"]
    assert "workflow_dispatch" in yaml.safe_load(ci)[True]
    assert "gh workflow run ci.yml --ref BRANCH" in release
