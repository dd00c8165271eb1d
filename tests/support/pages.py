"""Pages of this repository and of projects: their links, and the checks of their blocks of code."""

import ast
import builtins
import json
import os
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath

import yaml

from extensions.contract.questionnaire import ROOT
from tests.support.steps import commands_in, steps_of

__all__ = ["broken_links", "own_pages", "programs_in", "prose_of", "unchecked_blocks", "walkers"]

SKIPPED = {".git", ".pytest_cache", ".venv", "node_modules", "template"}
WALKS = re.compile(r"\b(?:commands_in|follow_page|steps_of)\(")


def own_pages(root: Path = ROOT) -> dict[str, str]:
    """Return the path and text of each page of this repository outside `template/`."""
    pages: dict[str, str] = {}
    for folder, folders, names in root.walk():
        folders[:] = [each for each in folders if each not in SKIPPED]
        paths = (folder / name for name in names if name.endswith(".md"))
        pages |= {path.relative_to(root).as_posix(): path.read_text() for path in paths}
    return pages


def prose_of(page: str) -> str:
    """Return a page without its blocks of code."""
    return re.sub(r"```.*?```", "", page, flags=re.DOTALL)


# -------------------------------------------------------------------------------------- links


def broken_links(
    pages: Mapping[str, str], exists: Callable[[str], bool] = lambda _: False
) -> Iterator[str]:
    """Describe each link between pages whose page or heading does not exist.

    Args:
        pages: The path and text of each page.
        exists: Returns whether there is something else at a path.
    """
    for page, text in pages.items():
        for target in re.findall(r"\]\(([^)\s]+)\)", prose_of(text)):
            path, _, anchor = target.partition("#")
            name = os.path.normpath(PurePosixPath(page).parent / path) if path else page
            if "://" in target or (exists(name) and not anchor):
                continue
            if name not in pages or (anchor and anchor not in _anchors(pages[name])):
                yield f"{page}: {target}"


def _anchors(page: str) -> set[str]:
    """Return the anchors that GitHub gives the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", prose_of(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}


# -------------------------------------------------------------------------------------- blocks


def unchecked_blocks(page: str, *, programs: Iterable[str], known: str) -> Iterator[str]:
    """Describe each block of code that no test can check.

    A block is run, placed into a file by the sentence or the comment above it, or a sample. Samples
    must be valid, show no commands, and name only what exists.

    Args:
        page: The text of the page.
        programs: The programs that commands call.
        known: Text with all names that Python may use.
    """
    samples: Mapping[str, Callable[[str], object]] = {
        "json": json.loads,
        "python": lambda text: _check_names(text, known),
        "text": lambda text: _refuse_commands(text, programs),
        "toml": tomllib.loads,
        "yaml": yaml.safe_load,
    }
    for step in steps_of(page):
        if step.is_run or step.is_placed:
            continue
        first = step.text.partition("\n")[0]
        if step.language not in samples:
            yield f"`{step.language}`, {first}: run it, place it, or use {', '.join(samples)}"
            continue
        try:
            samples[step.language](step.text)
        except (SyntaxError, ValueError, yaml.YAMLError) as error:
            yield f"`{step.language}`, {first}: {error}"


def programs_in(pages: Iterable[str]) -> set[str]:
    """Return the programs that the commands of pages call."""
    commands = (command.split() for page in pages for command in commands_in(page))
    return {words[0] for words in commands if words and re.fullmatch(r"[\w-]+", words[0])}


def _refuse_commands(text: str, programs: Iterable[str]) -> None:
    shown = {line.split()[0] for line in text.splitlines() if line.strip()} & set(programs)
    if shown:
        raise ValueError(f"shows a command ({', '.join(sorted(shown))}), and is not `shell`")


def _check_names(code: str, known: str) -> None:
    nodes = [*ast.walk(ast.parse(code))]
    made = {node.arg for node in nodes if isinstance(node, ast.arg)} | set(dir(builtins))
    for node in nodes:
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.alias(name=name):
                made.add(name)
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                made.add(name)
            case ast.AsyncFunctionDef(name=name):
                made.add(name)
            case _:
                pass
    used = {node.id for node in nodes if isinstance(node, ast.Name)}
    if missing := [name for name in used - made if not re.search(rf"\b{name}\b", known)]:
        raise ValueError(f"names what does not exist: {', '.join(sorted(missing))}")


def walkers(page: str) -> list[str]:
    """Return the test modules that follow the blocks of a page, of which they name the path."""
    path = PurePosixPath(page)
    name = path.parent.name if path.name == "SKILL.md" else page
    modules = ((each.name, each.read_text()) for each in (ROOT / "tests").rglob("test_*.py"))
    return [module for module, code in modules if WALKS.search(code) and f'"{name}"' in code]
