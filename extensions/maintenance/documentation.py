"""Pages generated from `copier.yml`, the tables in `extensions/` and `releases.toml`.

`python -m extensions docs` writes them; a test checks that they are current.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from extensions.contract.questionnaire import ROOT, Question, Questionnaire, answer_text, read
from extensions.contract.tables import Row, Table, rows
from extensions.maintenance.releases import changelog, releases

__all__ = ["pages"]

_BLOCKS = """\
# What each answer adds

Made from `copier.yml` and `extensions/stack.jinja` by `python -m extensions docs`; do not edit.
The first value of each answer is its default. Each block's own page says how it works and what
happens to its data.
"""
_STACK: tuple[Table, ...] = ("packages", "settings")
_DIFFERENCE = re.compile(r"(?<=<!-- difference -->\n).*?(?=<!-- end of difference -->)", re.DOTALL)
_MARKED = re.compile(r"(?<=<!-- answers -->\n).*?(?=<!-- end of answers -->)", re.DOTALL)


def pages(root: Path = ROOT, difference: str | None = None) -> dict[str, str]:
    """Generate all pages.

    Args:
        root: The folder that holds `copier.yml`.
        difference: What the newest release changes in projects; by default the text on the page.

    Returns:
        The text of each page, by its path.
    """
    questionnaire = read(root)
    table = "\n".join(["", *_answers(questionnaire), "", ""])
    readme = (root / "README.md").read_text(encoding="utf-8")
    if difference is None:
        written = _DIFFERENCE.search((root / "CHANGELOG.md").read_text(encoding="utf-8"))
        difference = written[0] if written else ""
    return {
        "CHANGELOG.md": changelog(releases(root), difference),
        "README.md": _MARKED.sub(lambda _: table, readme),
        "docs/blocks.md": "\n".join([_BLOCKS, *_blocks(questionnaire)]),
    }


def _answers(questionnaire: Questionnaire) -> Iterator[str]:
    listed = [each for each in questionnaire.questions if each.values]
    yield from _table(
        ("answer", "values", "question"),
        [(_linked(questionnaire, each), _values(each), each.help) for each in listed],
    )


def _linked(questionnaire: Questionnaire, question: Question) -> str:
    page = _page(questionnaire, question)
    return f"[`{question.name}`](docs/{page})" if page else f"`{question.name}`"


def _page(questionnaire: Questionnaire, question: Question) -> str:
    """Return the path, below `docs/`, of the page on a question; empty if there is none."""
    page = f"blocks/{question.name}.md"
    return page if (questionnaire.root / "docs" / page).is_file() else ""


def _values(question: Question) -> str:
    others = (value for value in question.values if value != question.default)
    return ", ".join(f"`{answer_text(value)}`" for value in (question.default, *others))


def _blocks(questionnaire: Questionnaire) -> Iterator[str]:
    packages, settings = (rows(table, questionnaire.root) for table in _STACK)
    for question in questionnaire.questions:
        if not question.values:
            continue
        yield f"## `{question.name}`: {_values(question)}\n"
        page = _page(questionnaire, question)
        link = f" [How it works]({page})." if page else ""
        yield f"{question.help}{link}\n"
        folders = _folders(questionnaire, question.name)
        yield from (f"Folders: {', '.join(folders)}.\n" for _ in folders[:1])
        yield from _rows_of(question.name, packages, settings)
    yield "## Always\n"
    yield from _rows_of("", packages, settings)


def _folders(questionnaire: Questionnaire, name: str) -> list[str]:
    """Return the outermost folders that an answer adds, by their rendered paths."""
    template = questionnaire.root / questionnaire.settings.subdirectory
    listed = {question.name for question in questionnaire.questions if question.values}
    found = (
        folder.relative_to(template).as_posix()
        for folder in template.rglob("*")
        if folder.is_dir()
        and name in questionnaire.answers_deciding(folder)
        and not listed & questionnaire.answers_deciding(folder.parent)
    )
    return sorted(f"`{_plain(folder)}/`" for folder in found)


def _plain(path: str) -> str:
    return re.sub(r"\{%.*?%\}", "", path).replace("{{ package_name }}", "<package>")


def _rows_of(name: str, packages: Sequence[Row], settings: Sequence[Row]) -> Iterator[str]:
    """Yield the rows that depend on an answer; without a name, those that always apply."""
    asked = [
        (f"`{requirement}`", {"run": "", "dev": "development"}[group], row.condition)
        for row in _of(name, packages)
        for group, requirement in [row.cells]
    ]
    if asked:
        yield from _table(("package", "for", "with"), asked)
        yield ""
    said = [
        (f"`{variable}`", default and f"`{default}`", meaning, row.condition)
        for row in _of(name, settings)
        for _, variable, _, _, default, meaning in [row.cells]
    ]
    if said:
        yield from _table(("setting", "default", "meaning", "with"), said)
        yield ""


def _of(name: str, table: Sequence[Row]) -> Iterator[Row]:
    return (row for row in table if (name in row.reads if name else not row.reads))


def _table(head: Sequence[str], body: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield a table's lines, without empty columns."""
    kept = [index for index in range(len(head)) if any(row[index] for row in body)]
    for row in (head, ["---"] * len(head), *body):
        yield f"| {' | '.join(row[index].replace('|', '\\|') for index in kept)} |"
