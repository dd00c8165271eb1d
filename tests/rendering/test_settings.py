"""Fields of settings classes match the rows of `stack.jinja`."""

import ast
import itertools
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from extensions.contract.questionnaire import ROOT, Answers
from extensions.contract.tables import rows
from tests.support.history import substitute
from tests.support.projection import files_of, sources
from tests.support.projects import covering, name_of

pytestmark = pytest.mark.quick

PACKAGE = Path("template/src/{{ package_name }}")
CELLS = ("module", "variable", "type", "options", "default", "meaning")
ENVIRONMENT = ".env.example"
FILES = [
    source
    for source in sources()
    if source.name in {f"{ENVIRONMENT}.jinja", "config.py.jinja"}
    or source.parent.name == "settings"
]


@pytest.mark.parametrize("answers", covering(2), ids=name_of)
def test_settings_defaults_match_the_documentation(answers: Answers) -> None:
    files = files_of(answers, FILES)
    told = dict(re.findall(r"^#?([A-Z0-9_]+)=(.*)$", files.pop(ENVIRONMENT), re.MULTILINE))

    fields = dict(field for module in files.values() for field in fields_of(module))

    assert fields.keys() == told.keys(), "Each setting is a field and a row of stack.jinja."
    assert {name: plain(default) for name, default in fields.items()} == {
        name: plain(default) for name, default in told.items()
    }


@pytest.mark.parametrize("answers", covering(2), ids=name_of)
def test_settings_docstrings_match_the_example(answers: Answers) -> None:
    files = files_of(answers, FILES)
    told = re.findall(r"^# (.*)\n#[A-Z0-9_]+=", files.pop(ENVIRONMENT), re.MULTILINE)

    meanings = [meaning for module in files.values() for meaning in meanings_of(module)]

    assert sorted(meanings) == sorted(told)


@pytest.mark.parametrize("answers", covering(2), ids=name_of)
def test_settings_classes_are_bases_of_settings(answers: Answers) -> None:
    files = files_of(answers, FILES)
    classes = {found.name: found for module in files.values() for found in classes_of(module)}

    bases = {ast.unparse(base) for base in classes.pop("Settings").bases}

    assert bases == (classes.keys() or {"BaseSettings"}), "Name each class in config.py.jinja."


def test_settings_are_complete() -> None:
    assert list(missing_pieces(ROOT)) == []


@pytest.mark.parametrize(
    ("path", "present", "past", "sentence"),
    [
        (
            "extensions/stack.jinja",
            r"(, 'APP_HOST'), 'str', ''",
            r"\1",
            "give it module, variable, type, options, default and meaning",
        ),
        (
            "extensions/stack.jinja",
            r"'config'(, 'APP_HOST')",
            r"'doors'\1",
            "write its fields in settings/doors.py.jinja",
        ),
        (
            "extensions/stack.jinja",
            r".*'APP_ITEMS_EXPORT_ENABLED'.*\n",
            "",
            "no row of extensions/stack.jinja names items",
        ),
    ],
    ids=["cells", "class", "rows"],
)
def test_settings_missing_part_is_reported_in_a_sentence(
    template: Path, tmp_path: Path, path: str, present: str, past: str, sentence: str
) -> None:
    root = shutil.copytree(template, tmp_path / "template")
    substitute(root / path, present, past)

    (told,) = missing_pieces(root)

    assert sentence in told


def missing_pieces(root: Path) -> Iterator[str]:
    """Describe rows without a cell or a class, and classes without rows."""
    modules = set[str]()
    written = set(modules_written(root))
    for row in rows("settings", root):
        if len(row.cells) != len(CELLS) or not row.cells[-1]:
            wanted = f"{', '.join(CELLS[:-1])} and {CELLS[-1]}"
            yield f"Line {row.line} of stack.jinja is incomplete: give it {wanted}."
            continue
        module, variable, *_ = row.cells
        modules.add(module)
        if module not in written:
            yield f"{variable} is in no class: write its fields in settings/{module}.py.jinja."
    for module in sorted(written - modules):
        yield f"{module} has a class, but no row of extensions/stack.jinja names {module}."


def modules_written(root: Path) -> Iterator[str]:
    """Return the modules with a settings class, and check that each writes its own fields."""
    for path in (root / PACKAGE).rglob("*.jinja"):
        for module in re.findall(r"{{ fields\('(\w+)'\)", path.read_text()):
            assert path.name == f"{module}.py.jinja", f"{path.name} writes fields of {module}."
            yield module


def classes_of(module: str) -> Iterator[ast.ClassDef]:
    return (node for node in ast.parse(module).body if isinstance(node, ast.ClassDef))


def fields_of(module: str) -> Iterator[tuple[str, str]]:
    """Yield each field's environment variable, and its default as written in the environment."""
    for field in [field for settings in classes_of(module) for field in settings.body]:
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            assert field.value
            options = options_of(field.value)
            alias = options.get("validation_alias")
            name = str(literal(alias)) if alias else f"APP_{field.target.id}".upper()
            yield name, written(literal(options.get("default", field.value)))


def meanings_of(module: str) -> Iterator[str]:
    """Return the docstring of each field as one line without backticks."""
    for settings in classes_of(module):
        for field, docstring in itertools.pairwise(settings.body):
            if isinstance(field, ast.AnnAssign):
                assert isinstance(docstring, ast.Expr), ast.unparse(field)
                meaning = str(ast.literal_eval(docstring.value))
                yield " ".join(meaning.split()).replace("`", "")


def options_of(value: ast.expr) -> dict[str | None, ast.expr]:
    if isinstance(value, ast.Call) and ast.unparse(value.func) == "Field":
        return {option.arg: option.value for option in value.keywords}
    return {}


def literal(value: ast.expr) -> object:
    """Return the parts of a type expression, or nothing for a named type."""
    if isinstance(value, ast.Call):
        return literal(value.args[0])
    return None if isinstance(value, ast.Name) else ast.literal_eval(value)


def written(value: object) -> str:
    """Format a value for the environment."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case tuple():
            return ",".join(map(str, cast("tuple[object, ...]", value)))
        case _:
            return str(value)


def plain(text: str) -> str | float:
    """Normalize equivalent values: 2 and 2.0, and URLs with or without a trailing slash."""
    return float(text) if re.fullmatch(r"\d+(\.\d+)?", text) else text.rstrip("/")
