"""Files that name a block they do not belong to: each has a reason."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from jinja2 import Environment, nodes
from pathspec import GitIgnoreSpec

from extensions.contract.questionnaire import ROOT, Answers
from extensions.contract.tables import conditions, deciding, rows
from tests.support.places import FREE, PLACES
from tests.support.projection import FOLDER, project, sources
from tests.support.projects import PEOPLE, QUESTIONNAIRE

pytestmark = pytest.mark.quick

CONDITION = re.compile(r"{% if .*?%}(.*?){% endif %}")
PACKAGES = {question: row.cells[0] for row in rows("blocks", ROOT) for question in row.reads}
QUESTIONS = frozenset({*PACKAGES, "example", "kubernetes"})
# The rows below the folder `deploy` name the blocks that its files belong to. A block that depends
# on another may name it.
OWN = {
    pattern: QUESTIONNAIRE.with_reasons(reads & QUESTIONS) & QUESTIONS
    for pattern, reads in deciding(ROOT).items()
    if pattern != "/deploy"
}
# Needed or added by several blocks independently, so these conditions name none of them.
SHARED = frozenset({"has_redis", "has_tables"})
CONDITIONS = {name: read for name, read in conditions(ROOT).items() if name not in SHARED}
EVERYTHING: Answers = {"database": "postgresql", "auth": "jwt"} | dict.fromkeys(
    QUESTIONS - {"database", "auth"}, True
)


@dataclass(frozen=True, order=True)
class Place:
    """A file that names a block it does not belong to."""

    path: str
    block: str


def find_places() -> Iterator[Place]:
    for source in sources():
        name = source.relative_to(FOLDER).as_posix().removesuffix(".jinja")
        path = CONDITION.sub(r"\1", name).replace("{{ package_name }}", "<package>")
        if path.startswith(FREE):
            continue
        text = source.read_text()
        for block in (names_read(text) | packages_named(text)) - own(name):
            yield Place(path, block)


def own(name: str) -> set[str]:
    """Return the blocks that own a file, according to the table of paths or its name."""
    path = CONDITION.sub(r"\1", name)
    rows_met = (OWN[each] for each in OWN if GitIgnoreSpec.from_lines([each]).match_file(path))
    return names_read(name).union(*rows_met)


def names_read(text: str) -> set[str]:
    """Return the blocks that a file reads, directly or through a named condition."""
    tree = Environment(autoescape=True).parse(text)
    names = {node.name for node in tree.find_all(nodes.Name) if node.ctx == "load"}
    return names.union(*(CONDITIONS.get(name, ()) for name in names)) & QUESTIONS


def packages_named(text: str) -> set[str]:
    """Return the blocks with code that a file names."""
    return {
        question
        for question, package in PACKAGES.items()
        if re.search(rf"{{{{ package_name }}}}\.{package}\b", text)
    }


FOUND = frozenset(find_places())
LISTED = {
    Place(path, block): reason
    for path, (blocks, reason) in PLACES.items()
    for block in blocks.split()
}


def test_places_that_name_a_block_are_listed() -> None:
    new = sorted(FOUND - LISTED.keys())

    assert not new, (
        "Move the condition to a hook in main.py or a table of extensions/; if neither fits, list "
        f"the file with its reason in tests/support/places.py: {new}"
    )


def test_listed_places_still_name_the_block() -> None:
    gone = sorted(LISTED.keys() - FOUND)

    assert not gone, (
        f"These no longer name the block: remove them from tests/support/places.py. {gone}"
    )


def test_listed_places_have_reasons() -> None:
    assert all(LISTED.values())


def test_places_are_found_by_question_and_package() -> None:
    asked = "{% from 'extensions/conditions.jinja' import has_users with context %}{{ has_users }}"

    assert names_read("{% if cache %}x{% endif %}") == {"cache"}
    assert names_read(asked) == {"auth", "database"}
    assert names_read(asked.replace("has_users", "has_redis")) == set()
    assert packages_named("from {{ package_name }}.weather.client import x") == {"http_client"}
    assert own("src/{{ package_name }}/cache/items.py") == {"cache", "example"}


def test_core_names_no_block() -> None:
    assert [place for place in FOUND if place.path.startswith("src/<package>/core/")] == []


def test_embedded_database_is_imported_lazily() -> None:
    """No production module imports it at the top level."""
    pattern = re.compile(r"^from {{ package_name }}\.database(\.embedded| import embedded)", re.M)
    files = FOLDER.glob("src/**/*.jinja")

    assert [file for file in files if pattern.search(file.read_text())] == []


OWN_PACKAGES = [
    path.name for path in (FOLDER / "src/{{ package_name }}").iterdir() if path.is_dir()
]


@pytest.mark.parametrize("package", sorted(OWN_PACKAGES))
def test_contracts_name_every_package(package: str) -> None:
    """Checks a project with all blocks and the package name `my_app`."""
    answers = QUESTIONNAIRE.complete(PEOPLE | EVERYTHING)
    rendered = project(FOLDER / "pyproject.toml.jinja", answers)

    assert rendered is not None
    contracts = tomllib.loads(rendered[1])["tool"]["importlinter"]["contracts"]
    assert f"my_app.{package}" in str(contracts)
