"""`pytest --changed` selects every affected test, and reports its selection."""

import re
import subprocess
import sys
from collections.abc import Callable, Generator
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from extensions.contract.crossing import combinations_of
from extensions.contract.questionnaire import ROOT, Answers, read
from tests.support.changed import CONCERNED, Changes, changes_since
from tests.support.history import git, isolated_git, scratch_copy, substitute
from tests.support.projects import PEOPLE, batches, combinations, name_of

SOURCE = "template/src/{{ package_name }}"
CACHE = f"{SOURCE}/{{% if cache %}}cache{{% endif %}}"
ALL, BATCHES = len(combinations()), len(batches())
MODULES = [
    f"tests/{name}.py"
    for name in (
        "answers/test_text",
        "house/test_bench",
        "projects/test_suites",
        "projects/test_types",
    )
]
DATABASE = f"{SOURCE}/{{% if database != 'none' %}}database{{% endif %}}"


@pytest.fixture
def checkout(tmp_path: Path) -> Generator[Path]:
    """A repository with the working tree as its only commit."""
    root = scratch_copy(tmp_path / "checkout")
    with isolated_git(tmp_path):
        git(root, "init", "--quiet")
        git(root, "add", "--all")
        git(root, "commit", "--quiet", "--message=begin")
        yield root


def append(path: Path, text: str = "\n# Changed.\n") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(text)


@pytest.mark.quick
def test_combination_is_selected_unless_unchanged() -> None:
    without_cache, without_redis = (
        (("cache",), frozenset({(False,)})),
        (("cache", "rate_limit"), frozenset({(False, False), (True, False)})),
    )
    changes = Changes(revision="", paths=(), selections=(without_cache, without_redis))

    for answers in combinations():
        assert changes.has_changed(answers) == has_redis(answers), name_of(answers)


@pytest.mark.quick
def test_unchanged_tree_selects_nothing(checkout: Path) -> None:
    changes = changes_since("", checkout)

    assert not changes.paths
    assert not any(map(changes.has_changed, combinations()))
    counted = f"0 of {ALL} combinations, 0 of {BATCHES} batches of types"
    assert str(changes).endswith(f"{counted}, no other tests; nothing differs")


def has_cache(answers: Answers) -> bool:
    return answers["cache"] is True


def has_database(answers: Answers) -> bool:
    return answers["database"] != "none"


def has_rate_limit(answers: Answers) -> bool:
    return answers["rate_limit"] is True


def has_redis(answers: Answers) -> bool:
    return has_cache(answers) or has_rate_limit(answers)


def is_mit(answers: Answers) -> bool:
    return answers["license"] == "MIT"


def each(_: Answers) -> bool:
    return True


def none(_: Answers) -> bool:
    return False


@pytest.mark.parametrize(
    ("file", "differs"),
    [
        pytest.param(f"{CACHE}/__init__.py.jinja", has_cache, marks=pytest.mark.quick),
        (f"{CACHE}/added.py", has_cache),
        (f"{DATABASE}/added.py.jinja", has_database),
        ("template/SECURITY.md.jinja", each),
        ("template/{% if license == 'MIT' %}LICENSE{% endif %}.jinja", is_mit),
    ],
)
def test_template_change_selects_differing_combinations(
    checkout: Path, file: str, differs: Callable[[Answers], bool]
) -> None:
    append(checkout / file)

    changes = changes_since("HEAD", checkout)

    assert not changes.is_everything
    assert changes.paths == (file,)
    for answers in combinations():
        assert changes.has_changed(answers) == differs(answers), name_of(answers)


@pytest.mark.parametrize(
    ("file", "old", "new", "differs"),
    [
        ("extensions/stack.jinja", r"redis~=8\.1", "redis~=8.2", has_redis),
        ("extensions/kubernetes.jinja", r"^\{#-", "{#- Manifests.", none),
        (f"{SOURCE}/main.py.jinja", r"add_rate_limits\(app", "limit(app", has_rate_limit),
        ("copier.yml", r"(?<=^cache:\n  type: bool\n  help: )", "Yes or no? ", none),
    ],
)
def test_change_within_a_file_is_judged_by_its_rendering(
    checkout: Path, file: str, old: str, new: str, differs: Callable[[Answers], bool]
) -> None:
    substitute(checkout / file, old, new)

    changes = changes_since("HEAD", checkout)

    assert changes.is_template
    for answers in combinations():
        assert changes.has_changed(answers) == differs(answers), name_of(answers)


def test_new_question_selects_its_combinations(checkout: Path) -> None:
    question = "search:\n  type: bool\n  help: Add search?\n  default: false\n\ncache:"
    substitute(checkout / "copier.yml", "^cache:", question)
    append(checkout / SOURCE / "{% if search %}search{% endif %}/__init__.py")

    changes = changes_since("HEAD", checkout)

    for answers in combinations_of(read(checkout), PEOPLE):
        assert changes.has_changed(answers) == answers["search"], name_of(answers)


@pytest.mark.parametrize(
    "file",
    [
        "extensions/contract/questionnaire.py",
        "pyproject.toml",
        "template/{{ _copier_conf.answers_file }}.jinja",
        "tests/support/projects.py",
        "unheard-of.cfg",
    ],
)
def test_harness_change_selects_everything(checkout: Path, file: str) -> None:
    append(checkout / CACHE / "__init__.py.jinja")
    append(checkout / file)

    changes = changes_since("HEAD", checkout)

    assert changes.is_everything
    counted = f"{ALL} of {ALL} combinations, {BATCHES} of {BATCHES} batches of types"
    assert f"{counted}, all other tests" in str(changes)
    assert str(changes).endswith(f"because of {file}")


@pytest.mark.quick
def test_page_change_selects_documentation_tests(checkout: Path) -> None:
    append(checkout / "CONTRIBUTING.md")

    changes = changes_since("HEAD", checkout)

    assert not changes.is_template
    assert changes.modules == {
        "house/test_documentation",
        "house/test_english",
        "updates/test_fleet",
    }


@pytest.mark.quick
def test_every_file_read_by_a_test_has_a_rule() -> None:
    for module in (ROOT / "tests").rglob("test_*.py"):
        own = str(module.relative_to(ROOT / "tests").with_suffix(""))
        for name in re.findall(r'ROOT / "([^"]*[./][^"]*)"', module.read_text()):
            known = [found for pattern, found in CONCERNED.items() if fnmatchcase(name, pattern)]
            modules = {each for found in known for each in found}
            assert not known or own in modules, f"{own}: {name}"


# ------------------------------------------------------------------------------------- by pytest


def run_pytest(root: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    ran = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert ran.returncode in {0, 5}, ran.stdout + ran.stderr
    return ran.stdout


def test_pytest_collects_affected_tests(checkout: Path) -> None:
    append(checkout / DATABASE / "{% if database == 'sqlite' %}added.py{% endif %}")
    append(checkout / "CONTRIBUTING.md")

    found = run_pytest(checkout, "--collect-only", "-q", "-n0", "--changed=HEAD", *MODULES)

    taken = [any(each["database"] == "sqlite" for each in batch) for batch in batches()]
    on_sqlite = sum(each["database"] == "sqlite" for each in combinations())
    counted = f"{on_sqlite} of {ALL} combinations, {sum(taken)} of {BATCHES} batches of types"
    assert f"{counted}, all other tests" in found
    assert found.count("::test_every_combination_passes_its_own_tests[") == on_sqlite < ALL
    assert found.count("test_types.py::") == 2 * sum(taken)
    assert found.count("test_text.py::") > 1


def test_pytest_unchanged_tree_collects_nothing(checkout: Path) -> None:
    found = run_pytest(checkout, "--collect-only", "-q", "-n0", *MODULES, "--changed")

    assert "nothing differs" in found
    assert "::" not in found


def test_pytest_sends_changes_to_workers(checkout: Path) -> None:
    append(checkout / CACHE / "__init__.py.jinja")

    test = "test_settings_defaults_match_the_documentation"
    chosen = ("tests/rendering/test_settings.py", "-k", test)
    found = run_pytest(checkout, "-n1", "-v", *chosen, "--changed")

    passed = re.findall(r"PASSED.*?\[(?!100)(\S*)\]", found)
    assert passed
    assert all("cache" in name for name in passed)


@pytest.mark.quick
def test_unknown_revision_is_refused(checkout: Path) -> None:
    message = r"There is no revision tests/x\.py\. Write --changed=REV"
    with pytest.raises(pytest.UsageError, match=message):
        changes_since("tests/x.py", checkout)


@pytest.mark.quick
def test_pipelines_never_run_changed_tests_only() -> None:
    scripts = [*(ROOT / ".ci").iterdir(), *(ROOT / ".github/workflows").iterdir()]

    assert not [script.name for script in scripts if "--changed" in script.read_text()]
