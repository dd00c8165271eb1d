"""Required parts of every block, reported in sentences: for this template and its forks."""

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from extensions.contract.questionnaire import Answers, read
from extensions.contract.tables import rows
from tests.support.projection import project, sources

__all__ = ["missing_rows", "unconditional_files"]


def missing_rows(root: Path, name: str) -> list[str]:
    """Describe the missing parts of a block.

    Args:
        root: The folder that holds `copier.yml`.
        name: The question that switches the block on.

    Returns:
        A sentence for each missing row, page or test.
    """
    return [*_code(root, name), *_pages(root, name)]


def _code(root: Path, name: str) -> Iterator[str]:
    questionnaire = read.__wrapped__(root)
    files = (path for path in (root / "template").rglob("*") if path.is_file())
    found = (path for path in files if name in questionnaire.answers_deciding(path))
    own = [path.relative_to(root / "template") for path in found]
    if not own:
        yield f"{name} controls no file: give its folders rows in extensions/files.jinja."
    if any(path.parts[0] == "src" for path in own):
        if not any(name in row.reads for row in (*rows("packages", root), *rows("settings", root))):
            yield f"{name} has code, but no row in extensions/stack.jinja: add what it uses."
        if not any(path.parts[0] == "tests" for path in own):
            yield f"{name} has code, but no tests under template/tests: add a folder."
    elif not any(name in path.read_text() for path in (root / "tests").rglob("test_*.py")):
        yield f"No test names {name}: add one in tests/ that checks its files."


def _pages(root: Path, name: str) -> Iterator[str]:
    page = root / "docs" / "blocks" / f"{name}.md"
    if not page.exists():
        yield f"{name} has no page: write docs/blocks/{name}.md."
    elif f"`{name}`" not in page.read_text().partition("\n")[0]:
        yield f"The heading of docs/blocks/{name}.md does not name `{name}`."
    if f"`{name}`](blocks/" not in (root / "docs" / "updating.md").read_text():
        yield f"docs/updating.md has no row on the data of {name}: add a row."
    for document in ("docs/blocks.md", "README.md"):
        if f"`{name}`" not in (root / document).read_text():
            yield f"{document} does not list {name}: run `uv run python -m extensions docs`."


def unconditional_files(root: Path, combinations: Iterable[Answers]) -> list[str]:
    """Describe files that are rendered without the modules they import.

    Args:
        root: The folder that holds `copier.yml`.
        combinations: The projects to check.

    Returns:
        A sentence for each file that needs a new or different row in `files.jinja`.
    """
    return sorted({line for answers in combinations for line in _dangling(root, answers)})


def _dangling(root: Path, answers: Answers) -> Iterator[str]:
    questionnaire = read(root)
    rendered = (project(source, answers, questionnaire) for source in sources(root))
    files = dict(filter(None, rendered))
    folders = {str(folder) for path in files for folder in Path(path).parents}
    known = files.keys() | folders
    for path, text in files.items():
        for module in _imported(text) if path.endswith(".py") else ():
            place = f"src/{module}" if module.startswith(str(answers["package_name"])) else module
            if not {f"{place}.py", place} & known:
                yield (
                    f"{path} is rendered without {module.replace('/', '.')}, which it imports: "
                    "give it a row in extensions/files.jinja."
                )


@cache
def _imported(text: str) -> frozenset[str]:
    """Return the paths of the project's own modules that a text imports."""
    found = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom))
    names = (node.module or "" for node in found)
    own = ("my_app", "tests")
    return frozenset(name.replace(".", "/") for name in names if name.partition(".")[0] in own)
