"""Projects in unusual places and with unusual names, and what the guide says about them."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from copier import run_copy
from plumbum import ProcessExecutionError, local

from extensions.contract.questionnaire import ROOT
from tests.support.history import (
    ANSWERS_FILE,
    PREVIOUS,
    History,
    Project,
    difference,
    git,
    run_copier,
)
from tests.support.previews import Foreseen, script
from tests.support.projection import files_of
from tests.support.projects import PEOPLE, QUESTIONNAIRE, covering
from tests.support.stored import leave_pointer, store_elsewhere

DEFAULTS = QUESTIONNAIRE.complete(PEOPLE)
GUIDE = (ROOT / "docs/updating.md").read_text()
OTHER_NAME = ".copier-answers.service.yml"
COMPOSE = "docker/docker-compose.yml"


# ------------------------------------------------------------------- another answers file


def test_answers_file_of_another_name_is_named_everywhere(template: Path, tmp_path: Path) -> None:
    everything = covering(1)[0]
    run_copy(
        str(template),
        tmp_path / "my-app",
        data=dict(everything),
        answers_file=OTHER_NAME,
        defaults=True,
        unsafe=False,
        quiet=True,
    )

    files = [path for path in (tmp_path / "my-app").rglob("*") if path.is_file()]
    # The commands above give the script the name.
    texts = [path.read_text() for path in files if path.name != "update_preview.py"]
    updates = [
        line
        for text in texts
        for line in re.findall(r"(?:uvx|# To .*:) .*copier\"? (?:check-)?update.*", text)
    ]
    assert len(updates) >= 10
    assert [line for line in updates if f"update --answers-file {OTHER_NAME}" not in line] == []
    assert not [text for text in texts if ANSWERS_FILE in text.replace("\\", "")]


# ------------------------------------------------------------------------- questions and names


def test_skip_answered_asks_nothing_that_was_answered(history: History, tmp_path: Path) -> None:
    project = history.copy(tmp_path / "my-app", DEFAULTS)

    asked = run_copier("update", folder=project.path)
    assert asked.returncode == 1
    assert "Interactive session required" in asked.stderr
    assert project.changes() == []

    updated = run_copier("update", "--skip-answered", folder=project.path)
    assert updated.returncode == 0, updated.stderr
    assert not difference(project.path, history.fresh(DEFAULTS))


def test_guide_names_every_place_of_the_short_name() -> None:
    """A new place is found by itself: the files of two projects with different short names."""
    section = GUIDE.partition("## Change the short name")[2].partition("\n## ")[0]
    places = [
        place
        for row in re.findall(r"^\| (`.*?) \|", section, re.MULTILINE)
        for place in re.findall(r"`([^`]+)`", row.partition(":")[0])
    ]

    named: set[str] = set()
    for answers in covering(2):
        old, new = (files_of(answers | {"project_slug": slug}) for slug in ("old-name", "new-name"))
        named |= {name for name, text in new.items() if _values(text) != _values(old[name])}
    runs = {name for name in named if not re.search(r"\.md$|\.example$|^(tests|scaffold)/", name)}
    runs -= {"src/my_app/main.py", "src/my_app/__main__.py"}  # the command and its distribution
    assert {name for name in runs if not any(place in name for place in places)} == set()
    assert [place for place in places if not any(place in name for name in runs)] == []


def _values(text: str) -> str:
    """Return a text without what only mentions the command."""
    return re.sub(r'"""[^"]*"""|#.*|`[^`]*`|uv run [a-z-]+|^ +(prog|description)=.*', "", text)


# ------------------------------------------------------------------------------ unusual places


def test_folder_with_other_letters_stops_as_the_guide_says(
    history: History, tmp_path: Path
) -> None:
    folder = tmp_path / "dienste-für-alle" / "my-app"
    shutil.copytree(history.fresh(DEFAULTS, PREVIOUS), folder)
    shutil.rmtree(folder / ".git")
    git(tmp_path, "init", "--quiet")
    project = Project(folder, tmp_path)
    project.write("SECURITY.md", "Call us.\n")
    project.commit()

    with pytest.raises(FileNotFoundError, match=r'303.*274.*/SECURITY\.md"'):
        project.update()
    assert r"FileNotFoundError` with a path such as" in GUIDE

    project.give_up()
    (folder / "SECURITY.md").rename(folder / "CONTACT.md")
    project.commit()
    project.update()
    assert project.read("CONTACT.md") == "Call us.\n"
    (folder / "CONTACT.md").unlink()
    assert not difference(folder, history.fresh(DEFAULTS))


def test_unquoted_file_name_stops_as_the_guide_says(history: History, tmp_path: Path) -> None:
    project = history.copy(tmp_path / "my-app", DEFAULTS)
    project.write("docs/Übersicht.md", "Mine.\n")
    project.commit()
    person = tmp_path / "gitconfig"
    rules = Path(os.environ["GIT_CONFIG_GLOBAL"]).read_text()
    person.write_text(f"{rules}[core]\nquotePath = false\n")
    with (
        local.env(GIT_CONFIG_GLOBAL=str(person)),
        pytest.raises(UnicodeDecodeError, match="'utf-8' codec can't decode byte"),
    ):
        project.update()
    assert "`'utf-8' codec can't decode byte`" in GUIDE
    assert "`core.quotePath=false`" in GUIDE

    project.give_up()
    with local.env(GIT_CONFIG_GLOBAL=str(person), **advised("core.quotePath")):
        project.update()
    assert project.read("docs/Übersicht.md") == "Mine.\n"


def test_refused_whitespace_loses_edits_as_the_guide_says(history: History, tmp_path: Path) -> None:
    project = history.copy(tmp_path / "my-app", DEFAULTS)
    edited = ["CONTRIBUTING.md", "README.md"]
    for name, line in zip(edited, ["Mine, with a space. \n", "Mine.\n"], strict=True):
        project.write(name, project.read(name) + line)
    project.commit()
    person = tmp_path / "gitconfig"
    rules = Path(os.environ["GIT_CONFIG_GLOBAL"]).read_text()
    person.write_text(f"{rules}[apply]\nwhitespace = error\n")

    with local.env(GIT_CONFIG_GLOBAL=str(person)):
        previewed = Foreseen(project).preview
        project.update()
    assert not any("Mine" in project.read(name) for name in edited)
    assert previewed.lost == (*edited,)

    project.give_up()
    with local.env(GIT_CONFIG_GLOBAL=str(person), **advised("apply.whitespace")):
        project.update()
    assert all("Mine" in project.read(name) for name in edited)


@pytest.mark.parametrize("rules", [".gitattributes", "docker/.gitattributes"])
def test_edits_of_files_in_lfs_are_kept(history: History, tmp_path: Path, rules: str) -> None:
    left_alone, changed = files = ("docker/nginx.conf", COMPOSE)
    project = history.copy(tmp_path / "my-app", DEFAULTS)
    for name in files:
        project.write(name, f"{project.read(name)}# mine\n")
    store_elsewhere(project, *files, rules=rules)
    assert "# mine" not in project.git("show", f"HEAD:./{changed}")
    previewed = Foreseen(project).preview

    project.update()

    is_kept = ["# mine" in project.read(name) for name in files]
    assert previewed.lost == previewed.deleted_edited == ()
    assert not {*files} & {*previewed.conflicts}
    assert is_kept == [rules != ".gitattributes", True]
    assert project.read(left_alone).startswith("version ") is not is_kept[0]
    assert project.git("diff", "--name-only", "--", left_alone) == ""
    assert all(words in GUIDE for words in ("version https://git-lfs", "git lfs checkout"))


def test_missing_files_in_lfs_stop_as_the_guide_says(history: History, tmp_path: Path) -> None:
    project = history.copy(tmp_path / "my-app", DEFAULTS)
    leave_pointer(project, COMPOSE)

    with pytest.raises(script().PreviewError, match=r"^git worktree failed: .* filter lfs failed$"):
        script().preview(project.path)
    with pytest.raises(ProcessExecutionError, match="smudge filter lfs failed"):
        project.update()
    assert "`smudge filter lfs failed`" in GUIDE


def test_missing_filter_loses_edits_as_the_guide_says(history: History, tmp_path: Path) -> None:
    project = history.copy(tmp_path / "my-app", DEFAULTS)
    project.write("README.md", f"{project.read('README.md')}# mine\n")
    store = store_elsewhere(project, COMPOSE)
    os.utime(project.path / COMPOSE, (0, 0))  # git then need not clean it to see no change
    project.git("update-index", "--refresh")
    shutil.rmtree(store)

    with pytest.raises(script().PreviewError, match="smudge filter lfs failed"):
        script().preview(project.path)
    project.update()
    assert "# mine" not in project.read("README.md")
    assert "another filter that git requires" in GUIDE


def test_bytes_of_another_encoding_are_lost_as_the_guide_says(
    history: History, tmp_path: Path
) -> None:
    project = history.copy(tmp_path / "my-app", DEFAULTS)
    with (project.path / "README.md").open("ab") as file:
        file.write("café\n".encode("latin-1"))
    project.commit()

    previewed = script().preview(project.path)
    project.update()

    assert previewed.lost == ("README.md",)
    assert project.read("README.md").endswith("\ncaf\n")
    assert "Bytes that are not UTF-8." in GUIDE


def advised(setting: str) -> dict[str, str]:
    """Return the variables with which the guide replaces a setting of git."""
    key = re.escape(setting)
    (variables,) = re.findall(rf"`(GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0={key} .*?)`", GUIDE)
    return dict(each.split("=") for each in variables.split())


def test_folder_of_another_owner_is_refused_as_the_guide_says(
    history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = history.copy(tmp_path / "my-app", DEFAULTS)
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")

    refused = run_copier("update", "--defaults", folder=project.path)
    status = subprocess.run(
        ["git", "status"], cwd=project.path, check=False, capture_output=True, text=True
    )

    assert "Updating is only supported in git-tracked subprojects" in refused.stderr
    assert "dubious ownership" in status.stderr
    with pytest.raises(script().PreviewError, match="dubious ownership"):
        script().preview(project.path)
    assert "`dubious ownership`" in GUIDE
    assert "git config --global --add safe.directory" in status.stderr


def test_link_to_a_project_is_refused_as_the_guide_says(history: History, tmp_path: Path) -> None:
    project = history.copy(tmp_path / "my-app", DEFAULTS)
    link = tmp_path / "link"
    link.symlink_to(project.path)

    refused = run_copier("update", "--defaults", str(link), folder=tmp_path)
    assert "is not in the subpath of" in refused.stderr
    assert "`is not in the subpath of`" in GUIDE
    assert project.changes() == []

    updated = run_copier("update", "--defaults", folder=link)
    assert updated.returncode == 0, updated.stderr
    assert not difference(project.path, history.fresh(DEFAULTS))
