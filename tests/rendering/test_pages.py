"""Pages of a project name only what the project has, and every link on them resolves."""

import ast
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

import pytest
from markdown_it import MarkdownIt

from extensions.contract.questionnaire import Answers
from tests.support.pages import broken_links, programs_in, prose_of, unchecked_blocks
from tests.support.projection import files_of
from tests.support.projects import PEOPLE, QUESTIONNAIRE, covering, shortened

pytestmark = pytest.mark.quick

PACKAGE = "src/my_app"
COVERING = shortened(covering(2))
WRITTEN_LATER = {"openapi.json", "openapi-allowed.txt", "uv.lock", "docker/.env", ".env"}
"""Files that a command or an owner writes."""

FOREIGN = {
    *("BookingRow", "HttpClient", "btree_gist", "list_things", "max_body_size"),
    *("UploadFile", "max_connections", "pg_trgm", "things_list"),
    *("BLOCKER", "DATABASE_FILE", "NEXT_PASSWORD", "NEXT_URL", "RESTORED_URL"),
    *("default_transaction_read_only", "pg_wal"),
}
"""Names of libraries and servers, made-up resources, and a reader's variables."""

MADE_UP = {"Price", "ShopDep"}
"""Names of made-up code in samples."""

ACCESS_LOG = "request"
"""The event of the access log, at info."""

SCAFFOLD = "scaffold/resource/template"
SUFFIXES = r"py|md|toml|yaml|yml|json|conf|txt|lock|example"


def with_rooms(answers: Answers) -> dict[str, str]:
    """Return the text of each file of a project, with those that the scaffold writes for rooms."""
    files = files_of(answers)
    files[".copier-answers.yml"] = ""
    for name in [each for each in files if each.startswith(SCAFFOLD)]:
        path = name.removeprefix(f"{SCAFFOLD}/").removesuffix(".tmpl")
        for raw, filled in (("package", "my_app"), ("plural", "rooms")):
            path = path.replace(f"@@{raw}@@", filled)
        text = files[name]
        for raw, filled in (("Name", "Room"), ("resource", "room"), ("plural", "rooms")):
            text = text.replace(f"@@ {raw} @@", filled)
        files[path] = text
    return files


def pages_of(files: dict[str, str]) -> dict[str, str]:
    return {
        name: text
        for name, text in files.items()
        if re.fullmatch(r"(README|CONTRIBUTING)\.md|docs/\w+\.md", name)
    }


def markdown_of(files: dict[str, str]) -> dict[str, str]:
    return {name: text for name, text in files.items() if name.endswith(".md")}


def quoted(page: str) -> list[str]:
    return re.findall(r"`([^`\n]+)`", prose_of(page))


def folders_of(files: dict[str, str]) -> set[str]:
    return {str(folder) for name in files for folder in PurePosixPath(name).parents}


@pytest.mark.parametrize("answers", COVERING)
def test_pages_name_only_files_of_the_project(answers: Answers) -> None:
    files = with_rooms(answers)
    known = [*files, *folders_of(files), *WRITTEN_LATER]

    for page, text in pages_of(files).items():
        known += re.findall(r"\bWrite `([^`]+)`:$", text, re.MULTILINE)  # by the reader
        for name in quoted(text):
            if re.fullmatch(rf"(?!/)[\w./-]*(\.({SUFFIXES})|\w/)", name):
                path = name.rstrip("/")
                assert any(f"/{each}".endswith(f"/{path}") for each in known), f"{page}: {name}"


@pytest.mark.parametrize("answers", COVERING)
def test_pages_name_only_symbols_of_the_project(answers: Answers) -> None:
    files = with_rooms(answers)
    code = "".join(text for name, text in files.items() if not name.endswith(".md"))

    named = {
        name
        for text in pages_of(files).values()
        for name in (each.partition("(")[0] for each in quoted(text))
        if re.fullmatch(r"[A-Z]+[a-z]+[A-Z]\w+|[a-z]+_\w+|[A-Z]+_[A-Z_]+", name)
    }
    assert {name for name in named - FOREIGN if not re.search(rf"\b{name}\b", code)} == set()


@pytest.mark.parametrize("answers", COVERING)
def test_pages_name_only_commands_of_the_project(answers: Answers) -> None:
    files = with_rooms(answers)
    code = "".join(text for name, text in files.items() if name.startswith(PACKAGE))
    commands = set(re.findall(r"(?:add_parser|add_command)\(\s*\"([a-z-]+)\"", code)) | {""}

    for page, text in pages_of(files).items():
        named = re.findall(r"uv run my-app ?([a-z][a-z-]*|)(?: ([a-z]+)\b)?", text)
        named += [each.groups("") for each in re.finditer(r"`(db) ([a-z]+)", text)]
        assert {first for first, _ in named} <= commands, page
        actions = {second for first, second in named if first in {"auth", "db", "users"}}
        assert actions <= commands, page


@pytest.mark.parametrize("answers", COVERING)
def test_pages_links_resolve(answers: Answers) -> None:
    files = with_rooms(answers)
    known = {*files, *folders_of(files)}

    assert [*broken_links(markdown_of(files), known.__contains__)] == []


@pytest.mark.parametrize("answers", COVERING)
def test_pages_blocks_are_run_or_checked(answers: Answers) -> None:
    files = with_rooms(answers)
    pages = markdown_of(files)
    known = "".join(text for name, text in files.items() if name.endswith(".py"))

    for page, text in pages.items():
        programs = programs_in(pages.values())
        found = unchecked_blocks(text, programs=programs, known=f"{known} {' '.join(MADE_UP)}")
        assert [*found] == [], page


@pytest.mark.parametrize("answers", COVERING)
def test_pages_are_all_linked_from_the_readme(answers: Answers) -> None:
    files = with_rooms(answers)
    linked = set(re.findall(r"\]\((docs/\w+\.md)\)", files["README.md"]))

    assert linked == {name for name in pages_of(files) if name.startswith("docs/")}


@pytest.mark.parametrize("answers", COVERING)
def test_readme_names_every_package(answers: Answers) -> None:
    files = files_of(answers)
    packages = {name.split("/")[2] for name in files if re.match(rf"{PACKAGE}/\w+/", name)}

    listed = re.findall(r"^\| `(\w+)/` \|", files["README.md"], re.MULTILINE)

    assert listed == sorted(packages)


@pytest.mark.parametrize("answers", COVERING)
def test_walk_of_a_request_names_functions_that_exist(answers: Answers) -> None:
    files = with_rooms(answers)
    walk = re.findall(
        r"^\| [\w ]*\| `([\w/]+\.py)` \| `(\w+)` \|", files["docs/request.md"], re.MULTILINE
    )
    elsewhere = re.findall(r"`(\w+)`,? (?:in|of|from) `([\w/]+\.py)`", files["docs/request.md"])

    assert len(walk) >= 10
    for module, name in [*walk, *((module, name) for name, module in elsewhere)]:
        code = files[f"{PACKAGE}/{module}"]
        defined = rf"^\s*(?:async def|def|class) {name}\b|^{name} = "
        assert re.search(defined, code, re.MULTILINE), f"{module} has no {name}"


@pytest.mark.parametrize("answers", COVERING)
def test_runbook_lists_the_events_to_act_on(answers: Answers) -> None:
    files = files_of(answers)
    code = [text for name, text in files.items() if re.match(rf"{PACKAGE}/.*\.py$", name)]
    logged = {event for text in code for event in events_of(text)} - {ACCESS_LOG}
    _, _, table = files["docs/runbook.md"].partition("## Log events")

    listed = re.findall(r"^\| `(\w+)` \|", table.partition("\n## ")[0], re.MULTILINE)

    assert listed == sorted(logged)


def events_of(code: str) -> Iterator[str]:
    """Return the events that a module logs at warning or above, or writes itself."""
    for node in ast.walk(ast.parse(code)):
        match node:
            case ast.Call(
                func=ast.Attribute(attr="warning" | "error" | "exception" | "critical"),
                args=[event, *_],
            ):
                assert isinstance(event, ast.Constant), ast.unparse(node)
                yield str(event.value)
            case ast.Dict(keys=[ast.Constant("event"), *_], values=[ast.Constant(str(event)), *_]):
                yield event
            case _:
                pass


@pytest.mark.parametrize("answers", COVERING)
def test_observability_page_lists_every_metric_and_label(answers: Answers) -> None:
    files = files_of(answers)
    page = files.get("docs/observability.md", "")
    rows = re.findall(r"^\| `(\w+)` \|(.*?)\| .+ \|$", page, re.MULTILINE)

    listed = [(name, re.findall(r"\w+", labels)) for name, labels in rows]

    assert listed == sorted(metrics_of(files.get(f"{PACKAGE}/observability/metrics.py", "")))


def metrics_of(code: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the name and the labels of each metric that a module defines."""
    for node in ast.walk(ast.parse(code)):
        match node:
            case ast.Call(
                func=ast.Name("Counter" | "Gauge" | "Histogram"),
                args=[ast.Constant(str(name)), _, *labels],
            ):
                yield name, [str(label) for each in labels for label in ast.literal_eval(each)]
            case _:
                pass


@pytest.mark.parametrize("answers", COVERING)
def test_layout_annotates_every_file(answers: Answers) -> None:
    files = files_of(answers)
    listed = set(annotated(files["docs/layout.md"]))
    known = {*files, *folders_of(files), ".copier-answers.yml", "openapi.json", "uv.lock"}
    in_detail = {str(PurePosixPath(each).parent) for each in listed & files.keys()}
    whole = tuple(f"{each}/" for each in listed - files.keys() - in_detail)

    assert listed <= known, listed - known
    missing = [name for name in files if name not in listed and not name.startswith(whole)]
    assert [name for name in missing if name != f"{PACKAGE}/__init__.py"] == []


ASVS = {
    **{"6.1": 3, "6.2": 12, "6.3": 8, "6.4": 6, "6.5": 8, "6.6": 4, "6.7": 2, "6.8": 4},
    **{"7.1": 3, "7.2": 4, "7.3": 2, "7.4": 5, "7.5": 3, "7.6": 2},
}
"""How many requirements each section of the standard has."""


@pytest.mark.parametrize("database", ["postgresql", "sqlite"])
def test_asvs_page_answers_every_requirement(database: str) -> None:
    """The tests above find the files and tests that the page names."""
    files = files_of(QUESTIONNAIRE.complete(PEOPLE | {"auth": "jwt", "database": database}))
    found = re.findall(r"^\| ([\d.]+) \| (.+?) \| (.+) \|$", files["docs/asvs.md"], re.MULTILINE)

    listed = [number for number, _, _ in found]
    assert listed == [f"{section}.{n + 1}" for section, n_max in ASVS.items() for n in range(n_max)]
    assert {answer for _, answer, _ in found} <= {"met", "in part", "not met", "does not apply"}
    assert all(where for _, _, where in found)


def annotated(page: str) -> Iterator[str]:
    """Return the path of each line of the tree, and hold each to have a note."""
    (tree,) = (each.content for each in MarkdownIt().parse(page) if each.type == "fence")
    parent = ""
    for line in tree.splitlines():
        name, _, note = line.strip().partition(" ")
        assert note or name.endswith("/"), line
        if not line.startswith(" "):
            parent = name if name.endswith("/") else ""
            yield name.rstrip("/")
        else:
            yield f"{parent}{name.rstrip('/')}"
