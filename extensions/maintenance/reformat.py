"""Reformatting of the template's Python: `python -m extensions reformat`.

`ruff format` cannot read a file with Jinja in it. So the versions of each file are rendered and
formatted, and each difference is carried back to the source lines that it was rendered from.
"""

import ast
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import accumulate, pairwise
from pathlib import Path

from extensions.contract import projection
from extensions.contract.crossing import combinations_of
from extensions.contract.questionnaire import ROOT, Answers, Questionnaire, read

__all__ = ["Reformatted", "reformat"]

_FORMATTED = (".py", ".md")
"""The files that `ruff format` reads; of Markdown, the blocks of Python."""

_PASSES = 4
_LONGEST: Answers = {"package_name": "p" * 32, "project_slug": "s" * 50}
_SHORTEST: Answers = {"package_name": "p", "project_slug": "s"}
_JINJA = re.compile(r"\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}", re.DOTALL)
_EXPRESSION = re.compile(r"\{\{.*?\}\}")
_NOTHING = re.compile(r"(?!)")
_SORTING = "[tool.ruff.lint.isort]\n"
_MARK = re.compile("\x01(\\d+)\x02")
_BROKEN_CALL = re.compile(
    rf"^(( *)\S.*[\w\])]\(\n.*{_LONGEST['package_name']}.*[^,\n])\n\2\)", re.MULTILINE
)
_LAYOUT = re.compile(r"[\s(),\"']|\bf(?=[\"'])")
"""What a formatter adds and removes, also where it joins or splits strings."""


@dataclass(frozen=True, kw_only=True)
class Reformatted:
    """The outcome.

    Attributes:
        changed: The files that were written, relative to the template's repository.
        left: Places to format by hand: file, line, and the lines that `ruff format` wants.
    """

    changed: tuple[str, ...]
    left: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class _Version:
    """One rendered version of a file, with the source line of each of its lines.

    Attributes:
        source: The file in the template.
        lines: The rendered lines.
        origins: Their lines in the source; None for lines that a macro wrote.
    """

    source: Path
    lines: tuple[str, ...]
    origins: tuple[int | None, ...]


@dataclass(frozen=True, kw_only=True)
class _Edit:
    """A replacement of source lines.

    Attributes:
        source: The file in the template.
        start: The first line, from 0.
        end: The line after the last.
        text: The new text; in doubt, as rendered.
        is_certain: Whether the text can be written to the source.
    """

    source: Path
    start: int
    end: int
    text: str
    is_certain: bool


def reformat(root: Path = ROOT) -> Reformatted:
    """Format the template's Python as `ruff format` would in projects.

    Args:
        root: The folder that holds `copier.yml`.

    Returns:
        What was changed, and what is left to do by hand.
    """
    template = _Template(read(root))
    changed: set[Path] = set()
    left: list[_Edit] = []
    certain: list[_Edit] = []
    for _ in range(_PASSES):
        edits = list(template.edits(_LONGEST))
        left = [edit for edit in edits if not edit.is_certain]
        certain = [edit for edit in edits if edit.is_certain]
        if not certain:
            break
        _apply(certain)
        changed |= {edit.source for edit in certain}
    left += certain or template.edits(_SHORTEST)
    return Reformatted(
        changed=tuple(sorted(str(path.relative_to(root)) for path in changed)),
        left=tuple(dict.fromkeys(_described(edit, root) for edit in left)),
    )


class _Template:
    """The Python of a template, with the answers for which each file is rendered."""

    def __init__(self, questionnaire: Questionnaire) -> None:
        self._questionnaire = questionnaire
        listed = combinations_of(questionnaire)
        self._answers = {
            source: self._distinct(source, listed)
            for source in projection.sources(questionnaire)
            if any(suffix in source.name for suffix in _FORMATTED)
        }

    def _distinct(self, source: Path, listed: Iterable[Answers]) -> list[Answers]:
        """Return one combination for each set of answers that the file reads."""
        read = sorted(self._questionnaire.answers_read(source))
        distinct = {tuple(answers[name] for name in read): answers for answers in listed}
        return [each for each in distinct.values() if self._is_formatted(source, each)]

    def _is_formatted(self, source: Path, answers: Answers) -> bool:
        rendered = projection.project(source, answers, self._questionnaire)
        return rendered is not None and rendered[0].endswith(_FORMATTED)

    def edits(self, names: Answers) -> Iterator[_Edit]:
        """Yield what `ruff format` changes, as replacements in the template.

        Args:
            names: The package and the command of the rendered projects.
        """
        versions = [each for source in self._answers for each in self._versions(source, names)]
        seen: set[_Edit] = set()
        with tempfile.TemporaryDirectory() as folder:
            self._configure(Path(folder), names)
            formatted = _formatted(Path(folder), versions)
            for version, lines in zip(versions, formatted, strict=True):
                for edit in _edits_of(version, lines):
                    if edit not in seen:
                        seen.add(edit)
                        yield edit

    def _versions(self, source: Path, names: Answers) -> Iterator[_Version]:
        is_template = source.name.endswith(self._questionnaire.settings.templates_suffix)
        text = _marked(source.read_text(encoding="utf-8"), _JINJA if is_template else _NOTHING)
        name = source.name
        rendered = {
            projection.text_of(name, text, answers | names, self._questionnaire): None
            for answers in self._answers[source]
        }
        for each in rendered:
            lines = each.splitlines(keepends=True)
            if not _MARK.search(each):
                continue  # it includes another file
            yield _Version(
                source=source,
                lines=tuple(_MARK.sub("", line) for line in lines),
                origins=tuple(_origin(line) for line in lines),
            )

    def _configure(self, folder: Path, names: Answers) -> None:
        """Write a project's settings of ruff, for its oldest Python."""
        questionnaire = self._questionnaire
        source = questionnaire.root / questionnaire.settings.subdirectory / "pyproject.toml.jinja"
        oldest = questionnaire.question("python_version").values[0]
        answers = combinations_of(questionnaire)[0] | names | {"python_version": oldest}
        text = source.read_text(encoding="utf-8")
        settings = projection.text_of(source.name, text, answers, questionnaire)
        known = f'known-first-party = ["{names["package_name"]}"]'
        settings = settings.replace(_SORTING, f"{_SORTING}{known}\n")
        (folder / "pyproject.toml").write_text(settings, encoding="utf-8")


def _marked(text: str, jinja: re.Pattern[str]) -> str:
    """Put the number of each line in front of it, unless it is a statement or within one."""
    spans = [found.span() for found in jinja.finditer(text)]
    marked: list[str] = []
    position = 0
    for number, line in enumerate(text.splitlines(keepends=True)):
        code = position + len(line) - len(line.lstrip())
        is_jinja = any(start <= code < end and text[start + 1] != "{" for start, end in spans)
        is_inside = any(start < position < end for start, end in spans)
        marked.append(line if is_jinja or is_inside else f"\x01{number}\x02{line}")
        position += len(line)
    return "".join(marked)


def _origin(line: str) -> int | None:
    """Return the source line of a rendered line, unless it has none or several."""
    numbers = _MARK.findall(line)
    return int(numbers[0]) if len(numbers) == 1 else None


def _formatted(folder: Path, versions: Iterable[_Version]) -> list[list[str]]:
    """Sort the imports of all versions, and format them."""
    paths: list[Path] = []
    for number, version in enumerate(versions):
        suffix = ".md" if ".md" in version.source.name else ".py"
        paths.append(folder / f"{number}{suffix}")
        paths[-1].write_text("".join(version.lines), encoding="utf-8")
    _ruff(folder, "check", "--select=I", "--fix")
    _ruff(folder, "format")
    for path in folder.glob("*.py"):
        _split_calls(path)
    _ruff(folder, "format")
    return [path.read_text(encoding="utf-8").splitlines(keepends=True) for path in paths]


def _ruff(folder: Path, *command: str) -> None:
    ruff = [sys.executable, "-m", "ruff", *command, "--no-cache", "--quiet", str(folder)]
    subprocess.run(ruff, check=True)


def _split_calls(path: Path) -> None:
    """Let calls that only a long name breaks stay broken with a short one, by a last comma."""
    text = path.read_text(encoding="utf-8")
    split = _BROKEN_CALL.sub(r"\1,\n\2)", text)
    if split != text and _means(split, text):
        path.write_text(split, encoding="utf-8")


def _means(code: str, other: str) -> bool:
    try:
        return ast.dump(ast.parse(code)) == ast.dump(ast.parse(other))
    except SyntaxError:  # a generator expression takes no comma
        return False


def _edits_of(version: _Version, formatted: Sequence[str]) -> Iterator[_Edit]:
    source = version.source.read_text(encoding="utf-8").splitlines(keepends=True)
    for start, end, wanted in _hunks(version.lines, formatted):
        known = [origin for origin in version.origins[start:end] if origin is not None]
        first, last = (known[0], known[-1] + 1) if known else (0, 0)
        is_whole = known == list(range(first, last)) and 0 < len(known) == end - start
        rendered = "".join(version.lines[start:end])
        text = _unrendered("".join(source[first:last]), rendered, wanted) if is_whole else None
        yield _Edit(
            source=version.source,
            start=first,
            end=last,
            text=wanted if text is None else text,
            is_certain=text is not None,
        )


def _hunks(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[int, int, str]]:
    """Yield the smallest changes: from and to which line, and the text that replaces them."""
    for (start, end), (first, last) in _parts(old, new):
        while start < end and first < last and old[end - 1] == new[last - 1]:
            end, last = end - 1, last - 1
        while start < end and first < last and old[start] == new[first]:
            start, first = start + 1, first + 1
        if start < end or first < last:
            yield start, end, "".join(new[first:last])


def _parts(
    old: Sequence[str], new: Sequence[str]
) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Split both texts wherever they have a line break after the same code."""
    if _code("".join(old)) != _code("".join(new)):
        for _, start, end, first, last in SequenceMatcher(None, old, new).get_opcodes():
            yield (start, end), (first, last)
        return
    ends, ends_new = _ends(old), _ends(new)
    shared = [0, *sorted(ends.keys() & ends_new.keys())]
    for before, after in pairwise(shared):
        yield (ends.get(before, 0), ends[after]), (ends_new.get(before, 0), ends_new[after])


def _ends(lines: Sequence[str]) -> dict[int, int]:
    """Return the line after each amount of code; an opening bracket belongs to what follows."""
    amounts = accumulate(len(_code(line)) for line in lines)
    return {
        amount: number
        for number, (amount, line) in enumerate(zip(amounts, lines, strict=True), start=1)
        if line.strip() != "("
    }


def _unrendered(source: str, rendered: str, wanted: str) -> str | None:
    """Put the expressions of the source into a rendered text, if each has a clear place.

    Args:
        source: Lines of the template.
        rendered: The same lines, rendered.
        wanted: The rendered lines after formatting.
    """
    expressions = _EXPRESSION.findall(source)
    literals = _EXPRESSION.split(source)
    found = re.fullmatch("(.+?)".join(map(re.escape, literals)), rendered, re.DOTALL)
    if found is None or _code(wanted) != _code(rendered):
        return None
    for expression, value in dict(zip(expressions, found.groups(), strict=True)).items():
        if wanted.count(value) != rendered.count(value) or value in "".join(literals):
            return None
        wanted = wanted.replace(value, expression)
    return wanted


def _code(text: str) -> str:
    return _LAYOUT.sub("", text)


def _apply(edits: Iterable[_Edit]) -> None:
    """Write the edits that do not overlap; another pass finds the others again."""
    by_source: dict[Path, list[_Edit]] = {}
    for edit in edits:
        by_source.setdefault(edit.source, []).append(edit)
    for source, own in by_source.items():
        lines = source.read_text(encoding="utf-8").splitlines(keepends=True)
        start = len(lines)
        for edit in sorted(own, key=lambda edit: edit.start, reverse=True):
            if edit.end <= start:
                lines[edit.start : edit.end] = [edit.text]
                start = edit.start
        source.write_text("".join(lines), encoding="utf-8")


def _described(edit: _Edit, root: Path) -> str:
    place = f"{edit.source.relative_to(root)}:{edit.start + 1}"
    return f"{place}: ruff format wants\n{edit.text}".rstrip()
