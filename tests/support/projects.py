"""Projects made from the template: their combinations, rendering and commands."""

import hashlib
import itertools
import os
import re
import shlex
import shutil
import subprocess
import tomllib
import warnings
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import CodeType
from typing import cast

import pytest
import uv
from copier import run_copy
from copier._main import Worker
from copier._types import Phase
from jinja2 import Environment

from extensions.contract.crossing import combinations_of
from extensions.contract.questionnaire import ALONGSIDE, ROOT, Answers, read

__all__ = [
    "BATCH",
    "BLOCKS",
    "FAST",
    "SWITCHES",
    "Workshop",
    "batches",
    "blocks_on",
    "clean_environment",
    "combinations",
    "compiled_once",
    "covering",
    "date_by_content",
    "memory",
    "name_of",
    "python_of",
    "pythons_here",
    "remember_anew",
    "render",
    "runnable",
    "shortened",
]

QUESTIONNAIRE = read()
BLOCKS = QUESTIONNAIRE.blocks
"""The questions that determine the contents of a project."""

BATCH = 24
"""Number of combinations per run of the type checkers, unless `--batch` sets another."""

SWITCHES = [
    question.name for question in QUESTIONNAIRE.questions if {False, "none"} & {*question.values}
]
"""The questions with a negative answer: the blocks, and those laid across them."""

ROOM = 4 * 1024**3
"""Free space required to keep files in memory; a database server takes up to 300 MB."""

DATES = 365 * 24 * 3600 * 11
"""Archives cannot hold dates before 1980."""

OFFLINE = "the network was disabled"
"""uv's message about a missing cache entry."""

FAST = "not e2e and not slow"
"""Marker expression without the tests that start processes, and those of hostile callers and
neighbours: they take longer than all others of a suite together."""

SKIPPED = re.compile(r"\b\d+ skipped\b")
"""The summary line of pytest for skipped tests."""

PEOPLE: Answers = {
    "project_name": "My App",
    "project_description": "Sells things.",
    "user_name": "Ada Lovelace",
    "user_email": "ada@example.org",
    "github_user": "ada",
}


@cache
def combinations(*, is_every: bool = False) -> tuple[Answers, ...]:
    """Return the tested combinations, by default or with `--every`."""
    return tuple(combinations_of(QUESTIONNAIRE, PEOPLE, is_every=is_every))


def batches(*, is_every: bool = False, size: int = BATCH) -> list[tuple[Answers, ...]]:
    """Return the combinations in batches for the type checkers."""
    return list(itertools.batched(combinations(is_every=is_every), size))


def covering(strength: int, among: Sequence[Answers] | None = None) -> list[Answers]:
    """Choose a small set of combinations with every crossing of `strength` questions' answers.

    Greedy: each step takes the combination with the most missing crossings.

    Args:
        strength: The number of crossed questions: 1 for each answer once, 2 for pairs.
        among: The candidate combinations; by default all.

    Returns:
        The chosen combinations, the fullest first.
    """
    candidates = list(among or combinations())
    names = (*BLOCKS, *ALONGSIDE)
    crossings = {
        index: {*itertools.combinations([(name, each[name]) for name in names], strength)}
        for index, each in enumerate(candidates)
    }
    missing = {crossing for each in crossings.values() for crossing in each}
    chosen: list[Answers] = []
    while missing:
        best = max(crossings, key=lambda index: len(crossings[index] & missing))
        missing -= crossings.pop(best)
        chosen.append(candidates[best])
    return chosen


def blocks_on(answers: Answers) -> int:
    """Return the number of blocks that are on."""
    return sum(answers[name] not in {False, "none"} for name in BLOCKS)


def shortened(chosen: Sequence[Answers]) -> list[pytest.ParameterSet]:
    """Return combinations as parameters of a test; the short loop takes the first four."""
    return [
        pytest.param(answers, id=name_of(answers), marks=[pytest.mark.long] if index >= 4 else [])
        for index, answers in enumerate(chosen)
    ]


def name_of(answers: Answers) -> str:
    """Return a short readable id: the answers that differ from the defaults."""
    parts = [
        name if value is True else f"no-{name}" if value is False else str(value)
        for name in (*BLOCKS, *ALONGSIDE)
        if (value := answers[name]) != QUESTIONNAIRE.question(name).default
    ]
    return "-".join(parts) or "defaults"


def command_of(answers: Answers) -> str:
    """Return the command line that renders the same project."""
    return QUESTIONNAIRE.command({name: answers[name] for name in (*BLOCKS, *ALONGSIDE)})


@cache
def snapshot(folder: Path) -> Path:
    """Copy the template outside its repository, so that rendering needs no git."""
    target = folder / "snapshot"
    shutil.copytree(ROOT / "template", target / "template")
    shutil.copytree(ROOT / "extensions", target / "extensions")
    shutil.copy(ROOT / "copier.yml", target)
    return target


def render(template: Path, into: Path, answers: Answers) -> Path:
    """Render a project by Copier without trust, and refuse answers that Copier would ignore."""
    questions = {question.name for question in read(template).questions}
    assert set(answers) <= questions, f"unknown questions: {set(answers) - questions}"
    run_copy(str(template), into, data=dict(answers), defaults=True, quiet=True, unsafe=False)
    return into


@cache
def pythons_here() -> tuple[str, ...]:
    """Return the questionnaire's Python versions that this machine has."""
    versions = [str(value) for value in QUESTIONNAIRE.question("python_version").values]
    return tuple(version for version in versions if python_of(version))


def runnable(answers: Answers) -> Answers:
    """Replace a missing Python version by an available one, unless all tools are required."""
    if answers.get("python_version") in pythons_here() or "REQUIRE_TOOLS" in os.environ:
        return answers
    return answers | {"python_version": pythons_here()[0]}


@cache
def python_of(version: str) -> Path | None:
    """Find an interpreter of this machine, ignoring any project's pinned version."""
    command = [uv.find_uv_bin(), "python", "find", "--no-python-downloads", version]
    variables = os.environ | {"PATH": os.pathsep.join([*_folders(), os.environ["PATH"]])}
    found = subprocess.run(
        command, env=variables, capture_output=True, text=True, check=False, cwd="/"
    )
    return Path(found.stdout.strip()).resolve() if found.returncode == 0 else None


def _folders() -> list[str]:
    """Return the folders of `.ci/pythons` and of pyenv, without pyenv's single-version shims."""
    data = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    unpacked = data / "fastapi-service-template" / "pythons" / "bin"
    return [str(unpacked), *map(str, pyenv.glob("versions/3.1[2-9]*/bin"))]


compile_anew = cast("Callable[..., CodeType]", Environment.compile)
locate_anew = cast("Callable[[Worker], Path]", vars(Worker)["answers_relpath"].fget)
remember_anew = cast("Callable[[Worker], object]", vars(Worker)["_answers_to_remember"])
fill_in_anew = cast("Callable[..., str]", vars(Worker)["_render_string"])


def once_a_rendering[T](compute: Callable[[Worker], T]) -> Callable[[Worker], T]:
    """Cache Copier's values for each path, which are constant during a rendering."""

    def computed(self: Worker) -> T:
        if Phase.current() is not Phase.RENDER:
            return compute(self)
        kept: dict[object, T] = vars(self).setdefault("_once_a_rendering", {})
        if compute not in kept:
            kept[compute] = compute(self)
        return kept[compute]

    return computed


def fill_in_once(self: Worker, string: str, extra_context: dict[str, object] | None = None) -> str:
    """Cache the result of each part of a path, since paths share folders."""
    if Phase.current() is not Phase.RENDER or extra_context or "yield" in string:
        return fill_in_anew(self, string, extra_context)
    kept: dict[str, str] = vars(self).setdefault("_filled_in_once", {})
    if string not in kept:
        kept[string] = fill_in_anew(self, string)
    return kept[string]


@contextmanager
def compiled_once() -> Generator[None]:
    """Cache compiled templates, since projects and updates render mostly the same files.

    Also cache values that Copier would recompute for each of them. Constants, such as a date, are
    cached with the templates; a nested context starts with an empty cache.
    """
    compiled: dict[tuple[object, ...], CodeType] = {}

    def compile_once(
        self: Environment, source: str, name: str | None = None, *rest: object
    ) -> CodeType:
        if self.code_generator_class is not Environment.code_generator_class:
            return compile_anew(self, source, name, *rest)  # records what it compiles
        environment = (type(self), *sorted(self.extensions))
        key = (source, name, self.trim_blocks, self.block_start_string, *environment)
        if key not in compiled:
            compiled[key] = compile_anew(self, source, name, *rest)
        return compiled[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Environment, "compile", compile_once)
        patch.setattr(Worker, "_answers_to_remember", once_a_rendering(remember_anew))
        patch.setattr(Worker, "_render_string", fill_in_once)
        patch.setattr(Worker, "answers_relpath", property(once_a_rendering(locate_anew)))
        yield


@dataclass(frozen=True, kw_only=True)
class Workshop:
    """Folder and environments in which a test worker renders projects and runs their commands.

    Projects use the same folder in turn, and one environment per Python version, which `uv sync`
    makes match each project exactly: packages that do not belong are removed.

    Attributes:
        folder: Folder of projects and environments, next to uv's cache, whose files they link.
        temporary: Folder for commands' temporary files, in memory if possible.
        template: The template to render.
        locks: Folder of lock files, shared by projects with the same dependencies.
        environment: The variables for every command.
    """

    folder: Path
    temporary: Path
    template: Path
    locks: Path
    environment: dict[str, str] = field(default_factory=lambda: clean_environment())

    def make(self, answers: Answers, template: Path | None = None) -> Path:
        """Render a project, from this template or a changed one, and sync its environment.

        Nothing of the previous project remains in its folder, environment or temporary files.
        Bytecode does: Python checks it against the time and size of its source, and sources have
        a time derived from their content.
        """
        self._clear()
        render(template or self.template, self.project, runnable(answers))
        for module in self.project.rglob("*.py"):
            date_by_content(module)
        self.sync(self.project)
        return self.project

    def keep(self) -> Path:
        """Save the project, replacing the one saved before."""
        kept = self.folder / "kept"
        _delete(kept)
        return shutil.copytree(self.project, kept)

    def put_back(self, kept: Path) -> Path:
        """Restore a saved project, which uses the current environment."""
        self._clear()
        return shutil.copytree(kept, self.project)

    def _clear(self) -> None:
        for left in (self.project, *self.temporary.iterdir()):
            _delete(left)

    @property
    def project(self) -> Path:
        """The folder that holds each project in turn."""
        return self.folder / "my-app"

    def run(self, project: Path, *command: str) -> None:
        """Run a command in the project's environment; on failure, show its output.

        If every tool is required, a test skipped for a missing tool is a failure.
        """
        program = str(self.environment_of(project) / "bin" / command[0])
        variables = {"TMPDIR": str(self.temporary), "PYTHONPYCACHEPREFIX": str(self._bytecode)}
        output = self._run(project, program, *command[1:], **variables)
        if "REQUIRE_TOOLS" in self.environment and SKIPPED.search(output):
            raise AssertionError(f"{shlex.join(command)} skipped tests:\n{output[-8000:]}")

    def test(self, project: Path, *arguments: str) -> None:
        """Run the project's tests; pytest's cache would leave files in the project."""
        self.run(project, "pytest", "-q", "-p", "no:cacheprovider", *arguments)

    def sync(self, project: Path) -> None:
        """Sync the environment of a project exactly.

        `all_packages` has filled uv's cache. Further packages of a changed template are downloaded.
        """
        lock = self.locks / f"{_fingerprint(project)}.lock"
        command = [uv.find_uv_bin(), "sync", "--quiet"]
        if lock.exists():
            shutil.copy(lock, project / "uv.lock")
            command.append("--locked")
        try:
            self._run(project, *command, UV_OFFLINE="1")
        except AssertionError as error:
            if OFFLINE not in str(error):
                raise
            warnings.warn(f"uv's cache lacked a package:\n{error}", stacklevel=2)
            self._run(project, *command)
        self._check_python(project)
        if not lock.exists():
            new = shutil.copy(project / "uv.lock", self.folder / lock.name)
            shutil.move(new, lock)

    @property
    def _bytecode(self) -> Path:
        """The folder for compiled modules, which `uv sync` would delete with their packages."""
        return self.folder / "bytecode"

    def environment_of(self, project: Path) -> Path:
        """Return the folder of a project's environment."""
        return self.folder / f"python-{_version_of(project)}"

    def _check_python(self, project: Path) -> None:
        """Fail if an environment has another Python version than its project requires."""
        described = (self.environment_of(project) / "pyvenv.cfg").read_text()
        found = re.search(r"^version_info = (\d+\.\d+)", described, re.MULTILINE)
        assert found
        assert found[1] == _version_of(project), f"{found[1]} instead of {_version_of(project)}"

    def _run(self, project: Path, *command: str, **variables: str) -> str:
        python = python_of(_version_of(project))
        assert python, f"needs Python {_version_of(project)}: .ci/pythons installs it"
        variables |= {
            "UV_PROJECT_ENVIRONMENT": str(self.environment_of(project)),
            "UV_PYTHON": str(python),
        }
        result = subprocess.run(
            command,
            cwd=project,
            env=self.environment | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
            check=False,
        )
        if result.returncode:
            raise AssertionError(f"{shlex.join(command)} failed:\n{result.stdout[-8000:]}")
        return result.stdout


def date_by_content(module: Path) -> None:
    """Set a module's time to one derived from its content, so Python detects stale bytecode."""
    digest = hashlib.sha256(module.read_bytes()).digest()
    seconds = DATES + int.from_bytes(digest[:4]) // 4
    os.utime(module, (seconds, seconds))


def _version_of(project: Path) -> str:
    return (project / ".python-version").read_text().strip()


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def memory() -> Path | None:
    """Return an in-memory file system with room for databases, if there is one."""
    folder = Path("/dev/shm")  # noqa: S108 -- tests create their own folders in it
    has_room = folder.is_dir() and shutil.disk_usage(folder).free > ROOM
    return folder if has_room and os.access(folder, os.W_OK) else None


def _fingerprint(project: Path) -> str:
    """Return a key of a lock file's inputs; projects with the same dependencies share one."""
    declared = tomllib.loads((project / "pyproject.toml").read_text())
    table = declared["project"]
    asked = [table["name"], table["requires-python"], table["dependencies"]]
    return hashlib.sha256(repr([asked, declared["dependency-groups"]]).encode()).hexdigest()


def clean_environment() -> dict[str, str]:
    """Return variables for an environment independent of this machine's settings."""
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    unwanted = {"CI", "PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT"}
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in unwanted and not name.startswith(("PYTEST_", "COV_"))
    }
    return {"UV_EXCLUDE_NEWER": tools["uv"]["exclude-newer"]} | kept
