"""The fields of `config.py` and the rows of `stack.jinja` are the same settings."""

import ast
import re
from collections.abc import Iterator
from typing import cast

import pytest

from extensions.contract.questionnaire import Answers
from tests.support.projection import project, sources
from tests.support.projects import covering, name_of

pytestmark = pytest.mark.quick

FILES = [each for each in sources() if each.name in {".env.example.jinja", "config.py.jinja"}]


@pytest.mark.parametrize("answers", covering(2), ids=name_of)
def test_settings_are_fields_with_the_defaults_that_are_told(answers: Answers) -> None:
    files = dict(filter(None, (project(source, answers) for source in FILES)))
    told = dict(re.findall(r"^#?([A-Z0-9_]+)=(.*)$", files[".env.example"], re.MULTILINE))

    fields = dict(fields_of(files["src/my_app/config.py"]))

    assert fields.keys() == told.keys(), "Each setting is a field and a row of stack.jinja."
    assert {name: plain(default) for name, default in fields.items()} == {
        name: plain(default) for name, default in told.items()
    }


def fields_of(module: str) -> Iterator[tuple[str, str]]:
    """Read each field of the settings: its variable, and its default as one would write it."""
    tree = ast.parse(module)
    (settings,) = (node for node in tree.body if getattr(node, "name", "") == "Settings")
    assert isinstance(settings, ast.ClassDef)
    for field in settings.body:
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            assert field.value
            options = options_of(field.value)
            alias = options.get("validation_alias")
            name = str(literal(alias)) if alias else f"APP_{field.target.id}".upper()
            yield name, written(literal(options.get("default", field.value)))


def options_of(value: ast.expr) -> dict[str | None, ast.expr]:
    if isinstance(value, ast.Call) and ast.unparse(value.func) == "Field":
        return {option.arg: option.value for option in value.keywords}
    return {}


def literal(value: ast.expr) -> object:
    """Return what an expression is: what a type is made of, and nothing for what has a name."""
    if isinstance(value, ast.Call):
        return literal(value.args[0])
    return None if isinstance(value, ast.Name) else ast.literal_eval(value)


def written(value: object) -> str:
    """Write a value as in the environment."""
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
    """Take away what makes no difference: 2 is 2.0, and a slash at the end of a URL."""
    return float(text) if re.fullmatch(r"\d+(\.\d+)?", text) else text.rstrip("/")
