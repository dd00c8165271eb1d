"""Small breakages of a scratch copy, each of which turns a named test red.

A proof that stays green when what it proves is broken is worth nothing. Each row breaks one thing
and names the test that must notice: one of the template's own, or one of a generated project.
"""

import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from extensions.questionnaire import ROOT, Answer, Answers
from tests.projects import PEOPLE, Workshop

SOURCE = "template/src/{{ package_name }}"


@dataclass(frozen=True, kw_only=True)
class Mutation:
    """One breakage and the test that must notice it.

    Attributes:
        file: The file to break, from the root of the template's repository.
        old: The text to take out; it must be there.
        new: What stands there instead.
        test: The test that must fail, as pytest names it.
        answers: The project whose test it is, by what differs from the defaults.
    """

    file: str
    old: str
    new: str = ""
    test: str
    answers: Answers = field(default_factory=dict[str, Answer])

    def __str__(self) -> str:
        return f"{Path(self.file).name.removesuffix('.jinja')}: {self.test.rpartition('/')[2]}"

    def apply(self, root: Path) -> None:
        """Break the file under another root."""
        path = root / self.file
        text = path.read_text()
        assert self.old in text, f"{self.file} no longer has {self.old!r}"
        path.write_text(text.replace(self.old, self.new))


OF_THE_TEMPLATE = [
    Mutation(
        file=f"{SOURCE}/main.py.jinja",
        old="{% if example %}",
        new="{% if example or not example %}",
        test="tests/test_branches.py::test_every_branch_of_the_template_is_taken",
    ),
    Mutation(
        file="extensions/text.jinja",
        old="not text.isprintable()",
        new="false",
        test="tests/test_bad_answers.py::test_data_is_refused_by_the_same_line_and_writes_nothing",
    ),
    Mutation(
        file="extensions/text.jinja",
        old="{{ text | to_json(ensure_ascii=false) }}",
        new='"{{ text }}"',
        test="tests/test_free_text.py::test_visible_text_arrives_unchanged",
    ),
    Mutation(
        file="extensions/stack.jinja",
        old="fastapi~=0.165.0",
        new="fastapi~==0.165.0",
        test="tests/test_files.py::test_toml_parses_and_pyproject_is_valid",
    ),
    Mutation(
        file="extensions/stack.jinja",
        old="(http_client, 'run', 'httpx2~=2.16')",
        new="(true, 'run', 'httpx2~=2.16')",
        test="tests/test_dependencies.py::test_every_dependency_is_declared_and_used",
    ),
    Mutation(
        file="template/pyproject.toml.jinja",
        old="\nPSF-2.0;",
        new="",
        test="tests/test_dependencies.py::test_licences_of_all_dependencies_are_allowed",
    ),
    Mutation(
        file="template/.github/workflows/ci.yml.jinja",
        old="permissions: {}",
        new="permissions: write-all",
        test="tests/test_files.py::test_workflows_are_safe",
    ),
    Mutation(
        file="template/docker/nginx.conf.jinja",
        old="worker_processes auto;",
        new="worker_processes auto",
        test="tests/test_files.py::test_nginx_takes_its_configuration",
    ),
    Mutation(
        file="template/pyproject.toml.jinja",
        old='version = "0.1.0"',
        new="version = \"0.1.0\"  # {{ '%s' | strftime }}",
        test="tests/test_rendering.py::test_rendering_twice_elsewhere_gives_the_same",
    ),
    Mutation(
        file="extensions/names.jinja",
        old="{%- elif locked and name != locked -%}",
        new="{%- elif false -%}",
        test="tests/test_bad_answers.py::test_package_name_is_locked",
    ),
]

OF_A_PROJECT = [
    Mutation(
        file=f"{SOURCE}/main.py.jinja",
        old="{% if example %}",
        new="{% if not example %}",
        test="tests/integration/test_health.py",
        answers={"example": False},
    ),
    Mutation(
        file="extensions/stack.jinja",
        old="    (true, 'run', 'structlog~=26.1'),\n",
        test="tests/unit/test_logs.py",
    ),
    Mutation(
        file=f"{SOURCE}/main.py.jinja",
        old="    app.add_middleware(Edge, settings=settings)\n",
        test="tests/integration/test_edge.py",
    ),
    Mutation(
        file=f"{SOURCE}/main.py.jinja",
        old="    add_problem_handlers(app)\n",
        test="tests/integration/test_problems.py",
    ),
    Mutation(
        file=f"{SOURCE}/logs.py.jinja",
        old="        _redact,\n",
        test="tests/unit/test_logs.py::test_logs_secret_is_redacted_in_any_logger",
    ),
    Mutation(
        file=f"{SOURCE}/main.py.jinja",
        old="drain_on_sigterm(app.state.readiness, settings.drain_seconds)",
        new="AsyncExitStack()",
        test="tests/e2e/test_serve.py",
    ),
    Mutation(
        file=f"{SOURCE}/config.py.jinja",
        old="if self.debug:",
        new="if False:",
        test="tests/unit/test_config.py",
    ),
    Mutation(
        file=f"{SOURCE}/main.py.jinja",
        old="has_export=settings.items_export_enabled",
        new="has_export=True",
        test="tests/integration/test_items.py::test_export_switched_off_is_not_there",
    ),
]


def scratch_copy(folder: Path) -> Path:
    """Copy what git knows of this repository, and what it would add."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return folder


@pytest.mark.parametrize("mutation", OF_THE_TEMPLATE, ids=str)
def test_breaking_the_template_turns_its_test_red(mutation: Mutation, tmp_path: Path) -> None:
    root = scratch_copy(tmp_path / "template")
    mutation.apply(root)

    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
    command += ["--numprocesses=0", "--dist=no", mutation.test]
    result = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)

    assert result.returncode == 1, result.stdout
    assert f"FAILED {mutation.test}" in result.stdout


@pytest.mark.parametrize("mutation", OF_A_PROJECT, ids=str)
def test_breaking_a_project_turns_its_test_red(
    mutation: Mutation, tmp_path: Path, workshop: Workshop
) -> None:
    root = scratch_copy(tmp_path / "template")
    mutation.apply(root)

    project = workshop.make(PEOPLE | mutation.answers, template=root)
    command = ("pytest", "-q", "-x", "-p", "no:cacheprovider", mutation.test)
    with pytest.raises(AssertionError, match=r"FAILED|ERROR|ImportError"):
        workshop.run(project, *command)
