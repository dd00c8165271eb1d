"""`docs/fleet.md` is accurate, verbatim, for platform teams."""

import json
import math
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token

from extensions.contract.crossing import combinations_of
from extensions.contract.questionnaire import ROOT, Answers, read
from extensions.maintenance.documentation import pages
from tests.support.blocks import missing_rows
from tests.support.history import PREVIOUS, History, git, isolated_git, run_copier
from tests.support.projects import FAST, PEOPLE, Workshop, combinations, render
from tests.support.steps import Step, steps_of

PAGE = ROOT / "docs/fleet.md"
WALK = ROOT / "docs/own-blocks.md"
BLOCK = "own_ids"


def walkthrough() -> Iterator[Step]:
    """Return the steps of the walkthrough."""
    return steps_of(WALK.read_text())


def follow(step: Step, root: Path) -> None:
    """Execute a step in a copy of this repository."""
    if not step.is_run:
        step.edit(root)
        return
    for command in step.text.splitlines():
        words = shlex.split(command.replace("uv run python", shlex.quote(sys.executable)))
        subprocess.run(words, cwd=root, check=True)


def copy_of_upstream(root: Path) -> Path:
    """Copy the files that the walkthrough and its command use."""
    root.mkdir()
    for name in ("docs", "extensions", "template", "tests"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("CHANGELOG.md", "README.md", "copier.yml", "releases.toml"):
        shutil.copy(ROOT / name, root)
    return root


@pytest.fixture(scope="module")
def fork(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of this repository with the walkthrough done."""
    root = copy_of_upstream(tmp_path_factory.mktemp("fork") / "template")
    for step in walkthrough():
        follow(step, root)
    return root


def test_walkthrough_adds_every_row(fork: Path) -> None:
    assert missing_rows(fork, BLOCK) == []
    assert BLOCK in read(fork).blocks
    assert f"`{BLOCK}`" in (fork / "README.md").read_text()


def test_walkthrough_block_adds_few_combinations(fork: Path) -> None:
    questionnaire = read(fork)
    here, everywhere = (combinations_of(questionnaire, is_every=each) for each in (False, True))

    assert len(combinations()) <= len(here) <= 1.05 * len(combinations())
    assert len(everywhere) == 2 * len(combinations(is_every=True))
    assert {answers[BLOCK] for answers in here} == {True, False}


@pytest.mark.parametrize("every", ["", "--every"])
def test_scheduled_run_covers_every_combination(fork: Path, tmp_path: Path, every: str) -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
    (plan,) = (step for step in workflow["jobs"]["plan"]["steps"] if step.get("id") == "plan")
    test = workflow["jobs"]["test"]["steps"][-1]["run"]
    variables = {**os.environ, "EVERY": every, "GITHUB_OUTPUT": str(tmp_path / "output")}

    script = plan["run"].replace("uv run python", shlex.quote(sys.executable))
    subprocess.run(["bash", "-ec", script], cwd=fork, env=variables, check=True)

    shards = json.loads((tmp_path / "output").read_text().removeprefix("shards="))
    expected = 2 * len(combinations(is_every=True)) if every else len(combinations())
    assert len(shards) == math.ceil(expected / 48)
    assert "'--every'" in workflow["env"]["EVERY"]
    assert '--shard "$SHARD" ${EVERY:+"$EVERY"}' in test


def test_walkthrough_adds_single_rows_to_shared_files(fork: Path) -> None:
    """Except for the question, which is one block; `own.jinja` belongs to forks."""
    changed: dict[str, int] = {}
    for path in fork.rglob("*.jinja"):
        upstream = ROOT / path.relative_to(fork)
        if upstream.exists() and path.read_text() != upstream.read_text():
            added = len(path.read_text().splitlines()) - len(upstream.read_text().splitlines())
            changed[path.name] = added

    assert changed.pop("own.jinja") > 1
    assert changed == {"names.jinja": 1, "stack.jinja": 2}, "a package and a setting"


def test_next_upstream_block_merges_without_conflict(tmp_path: Path) -> None:
    """Upstream appends a question, and adds a package in sort order, a row and pages."""
    root = copy_of_upstream(tmp_path / "template")
    question = "mail:\n  type: bool\n  help: Add email delivery?\n  default: false\n\n"
    theirs = (
        ("In `copier.yml`, before the line `example:`, add:", "yaml", question),
        (
            "In `extensions/stack.jinja`, before the line with `'alembic~=`, add:",
            "jinja",
            "    (mail, 'run', 'aiosmtplib~=5.0'),\n",
        ),
        (
            "In `docs/updating.md`, before the line with `](blocks/example.md)`, add:",
            "markdown",
            "| [`mail`](blocks/mail.md) | Nothing to do. | Nothing is stored. |\n",
        ),
        ("Write the pages.", "shell", "uv run python -m extensions docs\n"),
    )
    with isolated_git(tmp_path):
        git(root, "init", "--quiet")
        commit_all(root)
        git(root, "switch", "--quiet", "--create", "fork")
        for step in walkthrough():
            follow(step, root)
        commit_all(root)
        git(root, "switch", "--quiet", "main")
        for sentence, language, text in theirs:
            follow(Step(sentence=sentence, language=language, text=text), root)
        commit_all(root)
        git(root, "switch", "--quiet", "fork")

        git(root, "merge", "--quiet", "--no-edit", "main")

    assert {BLOCK, "mail"} <= {*read(root).blocks}
    assert pages(root) == {name: (root / name).read_text() for name in pages(root)}


def commit_all(root: Path) -> None:
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message=work")


def test_own_block_of_an_earlier_release_is_still_wired(fork: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(fork, tmp_path / "template"))
    own = root / "extensions/own.jinja"
    rows = re.compile(rf"^    \({BLOCK}, '\w+', '{BLOCK}'\),\n", re.MULTILINE)
    assert len(rows.findall(own.read_text())) == 5
    own.write_text(rows.sub("", own.read_text()))

    project = render(root, tmp_path / "my-app", PEOPLE | {BLOCK: True})

    main = (project / "src/my_app/main.py").read_text()
    assert f"    {BLOCK}.add_routes(app)\n" in main
    assert f"{BLOCK}.create_router" not in main


def test_own_block_needs_no_router(fork: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(fork, tmp_path / "template"))
    own = root / "extensions/own.jinja"
    own.write_text(own.read_text().replace(f"    ({BLOCK}, 'router', '{BLOCK}'),\n", ""))
    (root / f"template/src/{{{{ package_name }}}}/{BLOCK}/router.py.jinja").unlink()

    project = render(root, tmp_path / "my-app", PEOPLE | {BLOCK: True})

    main = (project / "src/my_app/main.py").read_text()
    assert "router as" not in main
    assert f"stack.enter_async_context(open_{BLOCK}(app))" in main


def test_own_block_reaches_compose_and_the_cluster(fork: Path, tmp_path: Path) -> None:
    given: Answers = {BLOCK: True, "kubernetes": True, "plugins": True}
    project = render(fork, tmp_path / "my-app", PEOPLE | given)

    stack = yaml.safe_load((project / "docker/docker-compose.yml").read_text())
    base = project / "deploy/kubernetes/base"
    policy = yaml.safe_load((base / "networkpolicy.yaml").read_text())
    main = (project / "src/my_app/main.py").read_text()
    assert [*stack["services"]] == ["api", "ids-registry", "proxy"]
    assert stack["services"]["api"]["environment"]["APP_IDS_REGISTRY"] == "ids-registry:6379"
    assert stack["volumes"] == {"ids": None}
    assert "APP_IDS_REGISTRY=ids-registry:6379" in (base / "kustomization.yaml").read_text()
    assert 6379 in [port["port"] for rule in policy["spec"]["egress"] for port in rule["ports"]]
    assert "docs/own_ids.md" in (project / "README.md").read_text()
    assert main.index(f"{BLOCK}.create_router(),") < main.index("    add_plugins(app)")
    assert main.index(f"open_{BLOCK}(app)") < main.index("open_plugins(app)")


def test_own_block_off_leaves_no_trace(fork: Path, template: Path, tmp_path: Path) -> None:
    without = files_of(render(template, tmp_path / "upstream" / "my-app", PEOPLE))
    rendered = files_of(render(fork, tmp_path / "fork" / "my-app", PEOPLE))

    assert {name for name in rendered if rendered[name] != without.get(name)} == {
        ".copier-answers.yml"
    }
    assert rendered.keys() == without.keys()


def files_of(project: Path) -> dict[str, str]:
    paths = (path for path in project.rglob("*") if path.is_file())
    return {str(path.relative_to(project)): path.read_text() for path in paths}


def test_own_block_on_passes_every_check(fork: Path, workshop: Workshop) -> None:
    answers = read(fork).complete({**PEOPLE, BLOCK: True})

    project = workshop.make(answers, fork)

    assert (project / "src/my_app" / BLOCK / "router.py").exists()
    python = workshop.environment_of(project) / "bin" / "python"
    for command in ("ruff check", "ruff format --check", f"pyright --pythonpath {python}"):
        workshop.run(project, *command.split())
    workshop.run(project, "lint-imports", "--no-logo")
    workshop.test(project, "-m", FAST)


# ------------------------------------------------------------------------------------- the rest


def test_organisation_defaults_are_offered_only_to_new_projects(
    history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (settings,) = (token.content for token in fences("yaml") if "defaults:" in token.content)
    (tmp_path / "settings.yml").write_text(settings)
    monkeypatch.setenv("COPIER_SETTINGS_PATH", str(tmp_path / "settings.yml"))
    project = history.copy(tmp_path / "my-app", PEOPLE, PREVIOUS)
    url = str(history.repository)

    copied = run_copier("copy", "--defaults", url, str(tmp_path / "new"), folder=tmp_path)
    project.update()

    assert copied.returncode == 0, copied.stderr
    assert "github_user: example\n" in (tmp_path / "new/.copier-answers.yml").read_text()
    assert f"github_user: {PEOPLE['github_user']}\n" in project.read(".copier-answers.yml")


def test_check_update_reports_outdated_projects_as_json(history: History, tmp_path: Path) -> None:
    project = history.copy(tmp_path / "my-app", PEOPLE, PREVIOUS)
    (command,) = (token.content for token in fences("shell") if "check-update" in token.content)
    (shown,) = (token.content for token in fences("json") if "update_available" in token.content)

    looked = run_copier(*shlex.split(command)[2:], folder=project.path)

    assert json.loads(looked.stdout) == json.loads(shown)
    assert run_copier("check-update", "--quiet", folder=project.path).returncode == 2


def fences(language: str) -> Iterator[Token]:
    """Return the code blocks of a language on the page, including those in lists."""
    tokens = MarkdownIt().parse(PAGE.read_text())
    return (token for token in tokens if token.type == "fence" and token.info == language)
