"""Rendering is complete, deterministic, and limited to files that git tracks."""

import os
import subprocess
import time
from pathlib import Path
from typing import Any, cast

import pytest
import uv
import yaml
from pytest_copie.plugin import Copie

from extensions.contract.questionnaire import ROOT, Answers
from tests.support.projection import project, sources, versions
from tests.support.projects import (
    PEOPLE,
    QUESTIONNAIRE,
    combinations,
    compiled_once,
    covering,
    name_of,
    render,
)

FEW = covering(1)
COVERING = covering(2)


def files_of(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in folder.rglob("*")
        if path.is_file()
    }


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Parametrize by every crossing of the blocks, or of all enumerable answers."""
    if "answers" in metafunc.fixturenames:
        is_every = metafunc.config.getoption("--every")
        crossed = QUESTIONNAIRE.combinations(fixed=PEOPLE) if is_every else combinations()
        metafunc.parametrize(
            "answers",
            [
                pytest.param(
                    each, id=name_of(each), marks=[pytest.mark.quick] if each in FEW else []
                )
                for each in crossed
            ],
        )


def test_whole_tree_equals_the_projection(template: Path, tmp_path: Path, answers: Answers) -> None:
    tree = files_of(render(template, tmp_path / "my-app", answers))

    stored = yaml.safe_load(tree.pop(".copier-answers.yml"))
    projected = [project(source, answers) for source in sources()]
    assert tree == dict(each for each in projected if each is not None)
    stored.pop("_src_path")
    assert stored == QUESTIONNAIRE.asked(answers)
    assert not [path for path in (tmp_path / "my-app").rglob("*/") if not any(path.iterdir())]


def in_a_century(_seconds: float | None = None) -> time.struct_time:
    return time.gmtime(4e9)


def test_rendering_elsewhere_is_identical(
    template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = tmp_path / "here", tmp_path / "there/deeper"
    first = {name_of(each): files_of(render(template, here / name_of(each), each)) for each in FEW}
    settings = tmp_path / "settings.yml"
    settings.write_text("defaults: {user_name: Somebody, license: Proprietary}\n")
    monkeypatch.setenv("COPIER_SETTINGS_PATH", str(settings))
    monkeypatch.setenv("TZ", "Pacific/Kiritimati")
    monkeypatch.setattr(time, "time", lambda: 4e9)
    monkeypatch.setattr(time, "localtime", in_a_century)

    with compiled_once():
        for each in FEW:
            again = files_of(render(template, there / f"other-{name_of(each)}", each))
            assert again == first[name_of(each)]


def test_versions_of_a_file_include_every_project() -> None:
    for source in sources():
        known = {(version.path, version.content) for version in versions(source)}
        projected = {project(source, answers) for answers in COVERING}
        assert projected - {None} <= known, source


@pytest.mark.quick
def test_every_file_of_the_template_is_tracked() -> None:
    listing = subprocess.run(
        ["git", "ls-files", "-z", "template"], cwd=ROOT, capture_output=True, text=True, check=True
    )

    tracked = {ROOT / name for name in listing.stdout.split("\0") if name}
    assert set(sources()) <= tracked


def test_no_rendered_file_is_ignored_by_git(template: Path, tmp_path: Path) -> None:
    for answers in FEW:
        folder = render(template, tmp_path / name_of(answers), answers)
        subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
        ignored = subprocess.run(
            ["git", "ls-files", "--others", "--ignored", "--exclude-standard"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
        )
        assert ignored.stdout == ""


@pytest.mark.quick
def test_copier_needs_no_trust_and_no_answers(tmp_path: Path) -> None:
    command = [uv.find_uv_bin(), "run", "--no-sync", "copier", "copy", "--defaults"]
    result = subprocess.run(
        [*command, "--vcs-ref=HEAD", str(ROOT), str(tmp_path / "my app")],
        cwd=ROOT,
        env={**os.environ, "TERM": "dumb"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 0, result.stderr
    assert "uv run my-app" in result.stderr
    assert (tmp_path / "my app/src/my_app/main.py").is_file()


@pytest.mark.quick
def test_defaults_render_through_pytest_copie(copie: Copie) -> None:
    result = cast("Any", copie).copy(extra_answers=PEOPLE)  # pytest-copie is partly untyped

    assert result.exception is None
    assert result.exit_code == 0
    assert result.project_dir is not None
    assert (result.project_dir / "pyproject.toml").is_file()
    assert result.answers["package_name"] == "my_app"


@pytest.mark.quick
def test_template_asks_for_no_trust() -> None:
    settings = yaml.safe_load((ROOT / "copier.yml").read_text())

    assert not {"_tasks", "_migrations", "_jinja_extensions", "_external_data"} & settings.keys()
    assert settings["_envops"]["undefined"] == "jinja2.StrictUndefined"
    assert QUESTIONNAIRE.settings.subdirectory == "template"
