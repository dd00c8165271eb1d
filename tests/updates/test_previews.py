"""`scripts/update_preview.py` says what an update does; the update tests check it too."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from plumbum import local

from tests.support import edits
from tests.support.edits import KEPT_EDITS
from tests.support.history import (
    DROPPED,
    LISTED,
    PRESENT,
    PREVIOUS,
    History,
    Project,
    git,
)
from tests.support.previews import SCRIPT, Foreseen, script
from tests.support.projects import PEOPLE, QUESTIONNAIRE, covering, name_of
from tests.support.workflows import recorder

DEFAULTS = QUESTIONNAIRE.complete(PEOPLE)
COMPOSE = "docker/docker-compose.yml"


@pytest.fixture
def project(history: History, tmp_path: Path) -> Project:
    """A project of the previous release."""
    return history.copy(tmp_path / "my-app", DEFAULTS)


@dataclass(frozen=True)
class Printed:
    """The output of the command in a project."""

    output: str
    errors: str


type Command = Callable[..., Printed]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run the script's command in a project, with Copier in this process."""

    def run(project: Project, *arguments: str) -> Printed:
        monkeypatch.chdir(project.path)
        monkeypatch.setattr(sys, "argv", ["update_preview.py", *arguments])
        script().main()
        printed = capsys.readouterr()
        return Printed(printed.out, printed.err)

    return run


def changes_of(project: Project, names: tuple[str, ...]) -> dict[str, str | None]:
    """Return the text of files, or None if they do not exist."""
    paths = {name: project.path / name for name in names}
    return {name: path.read_text() if path.exists() else None for name, path in paths.items()}


@pytest.mark.parametrize("answers", covering(1), ids=name_of)
def test_preview_of_another_answer_is_true(
    history: History, tmp_path: Path, answers: dict[str, str | bool]
) -> None:
    project = history.copy(tmp_path / "my-app", DEFAULTS)
    project.edit(*KEPT_EDITS)
    data = {name: answers[name] for name in LISTED}
    words = [f"{name}={json.dumps(value).strip('"')}" for name, value in data.items()]
    options = [word for each in words for word in ("--data", each)]
    foreseen = Foreseen(project, *options)

    project.update(data=data)

    foreseen.assert_true()


def test_command_prints_a_table(project: Project, tmp_path: Path) -> None:
    """In processes of their own, as for a person."""
    project.edit(edits.same_line)
    project.write(DROPPED, f"{project.read(DROPPED)}# mine\n")
    project.commit()
    recorder(tmp_path, "uvx", f'shift; exec "{sys.executable}" -m copier "$@"')

    found = subprocess.run(
        [sys.executable, SCRIPT],
        cwd=project.path,
        env=os.environ | {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert found.stderr == ""
    assert f"| Conflicts to resolve | 1: `{COMPOSE}` |\n" in found.stdout
    assert f"| **Deleted with your edits** | 1: `{DROPPED}` |\n" in found.stdout
    assert git(project.path, "worktree", "list").count("\n") == 1


def test_command_at_the_newest_release_says_so(
    history: History, tmp_path: Path, command: Command
) -> None:
    project = history.copy(tmp_path / "my-app", DEFAULTS, PRESENT)

    assert command(project).output == f"The update to {PRESENT} changes nothing.\n"


def test_command_takes_the_options_of_an_update(project: Project, command: Command) -> None:
    found = command(project, "--json", f"--vcs-ref={PREVIOUS}", "--data", "database=sqlite")

    preview = json.loads(found.output)
    assert preview["release"] == PREVIOUS
    assert "new: DATABASE_URL" in preview["settings"]
    assert any(line.startswith("new: sqlalchemy") for line in preview["packages"])
    assert preview["migrations"] == ["src/my_app/database/migrations/versions/items.py"]


# --------------------------------------------------------------------------- hidden from git


def hide(project: Project, *lines: str) -> None:
    project.write(".gitignore", "\n".join([project.read(".gitignore").rstrip(), *lines, ""]))


def test_hidden_file_that_an_update_resets_is_named(project: Project) -> None:
    """An owner who hides a file of the template from git would lose it without a word."""
    hide(project, "SECURITY.md", "/.gitignore", DROPPED)
    project.write("docs/.gitignore", "*\n")
    project.git("rm", "--quiet", "--cached", ".gitignore", DROPPED, "docs/settings.md")
    project.commit()
    project.write(DROPPED, "Mine.\n")
    project.write("SECURITY.md", "Mine.\n")
    project.write("docs/settings.md", "Mine.\n")
    project.git("update-index", "--assume-unchanged", "README.md")
    project.write("README.md", "Mine.\n")
    names = (".gitignore", "README.md", "SECURITY.md", DROPPED, "docs/settings.md")
    before = changes_of(project, names)

    found = script().preview(project.path)
    unchanged = changes_of(project, names)
    project.update()

    after = changes_of(project, names)
    assert unchanged == before
    assert found.hidden == tuple(sorted(name for name in names if after[name] != before[name]))
    assert {*found.hidden} >= {*names} - {".gitignore"}
    assert "docs/.gitignore" not in found.new


@pytest.fixture
def globally_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[str]:
    """A rule of this machine that ignores a file of the template."""
    (tmp_path / "ignore").write_text("README.md\n")
    variables = {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "core.excludesFile",
        "GIT_CONFIG_VALUE_0": str(tmp_path / "ignore"),
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with local.env(**variables):  # Copier runs git by it
        yield "README.md"


def test_committed_edit_that_an_update_overwrites_is_named(
    project: Project, globally_ignored: str
) -> None:
    project.write(globally_ignored, f"{project.read(globally_ignored)}Mine.\n")
    project.commit()

    found = script().preview(project.path)
    project.update()

    assert found.lost == (globally_ignored,)
    assert "Mine." not in project.read(globally_ignored)


# -------------------------------------------------------------------------------- where it runs


def test_preview_in_a_larger_repository_is_true(history: History, tmp_path: Path) -> None:
    project = history.within(tmp_path)
    project.commit()
    project.edit(*KEPT_EDITS)
    foreseen = Foreseen(project)

    project.update()

    foreseen.assert_true()


def test_preview_of_an_unclean_project_is_of_its_last_commit(
    project: Project, command: Command
) -> None:
    project.write("README.md", "Not committed.\n")

    found = command(project, "--json")

    assert found.errors.startswith("An update needs a clean working tree.")
    assert "README.md" in json.loads(found.output)["changed"]
    assert project.read("README.md") == "Not committed.\n"


@pytest.mark.parametrize(
    ("breakage", "message"),
    [
        ("answers", ".copier-answers.yml is missing"),
        ("repository", "This is no git repository with a commit"),
        ("release", "restore it from git"),
        ("template", "copier copy failed: "),
    ],
)
def test_project_that_cannot_be_updated_gets_one_line(
    project: Project, command: Command, breakage: str, message: str
) -> None:
    answers = project.path / ".copier-answers.yml"
    stored = yaml.safe_load(answers.read_text())
    match breakage:
        case "answers":
            answers.unlink()
        case "repository":
            shutil.rmtree(project.path / ".git")
        case "release":
            answers.write_text(answers.read_text().replace("_commit:", "# _commit:"))
        case _:
            source = str(stored["_src_path"])
            answers.write_text(answers.read_text().replace(source, f"{source}-gone"))
    if breakage != "repository":
        project.commit()

    with pytest.raises(SystemExit) as refusal:
        command(project)

    assert message in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_script_and_workflow_use_the_same_copier(history: History) -> None:
    workflow = history.fresh(DEFAULTS) / ".github/workflows/template-update.yml"

    assert yaml.safe_load(workflow.read_text())["env"]["COPIER"] == script().COPIER
