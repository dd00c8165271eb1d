"""What every block must have, told in sentences: for this template and for forks of it."""

import re
from collections.abc import Iterator
from pathlib import Path

from extensions.stack import rows

__all__ = ["missing_rows"]


def missing_rows(root: Path, name: str) -> list[str]:
    """Tell what a block lacks.

    Args:
        root: The folder that holds `copier.yml`.
        name: The question that switches it.

    Returns:
        A sentence for each row, page or test that is not there yet.
    """
    return [*_code(root, name), *_pages(root, name)]


def _code(root: Path, name: str) -> Iterator[str]:
    files = [path.relative_to(root / "template") for path in (root / "template").rglob("*")]
    own = [path for path in files if re.search(rf"{{% if [^%]*\b{name}\b", str(path))]
    if not own:
        yield f"No file under template/ has {name} in its name: put it into a folder of its own."
    if any(path.parts[0] == "src" for path in own):
        if not any(name in row.reads for row in (*rows("packages", root), *rows("settings", root))):
            yield f"{name} has code, but no row in extensions/stack.jinja: add what it needs."
        if not any(path.parts[0] == "tests" for path in own):
            yield f"{name} has code, but no tests of its own under template/tests: add a folder."
    elif not any(name in path.read_text() for path in (root / "tests").glob("test_*.py")):
        yield f"No test names {name}: add one in tests/ that looks at its files."


def _pages(root: Path, name: str) -> Iterator[str]:
    page = root / "docs" / "blocks" / f"{name}.md"
    if not page.exists():
        yield f"{name} has no page: write docs/blocks/{name}.md."
    elif f"`{name}`" not in page.read_text().partition("\n")[0]:
        yield f"The heading of docs/blocks/{name}.md does not name `{name}`."
    if f"`{name}`](blocks/" not in (root / "docs" / "updating.md").read_text():
        yield f"docs/updating.md does not say what becomes of the data of {name}: add a row."
    for document in ("docs/blocks.md", "README.md"):
        if f"`{name}`" not in (root / document).read_text():
            yield f"{document} does not know {name}: run `uv run python -m extensions docs`."
