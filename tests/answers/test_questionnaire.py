"""The questionnaire is read as a contract, completed as Copier does, and crossed exactly."""

import itertools
import json
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from copier import run_copy
from pydantic import ValidationError

from extensions.contract.questionnaire import (
    ROOT,
    Answers,
    InvalidAnswersError,
    Questionnaire,
    read,
)
from tests.support.history import History, run_copier, substitute
from tests.support.projects import QUESTIONNAIRE

pytestmark = pytest.mark.quick

SETTINGS: dict[str, Any] = {
    name: value
    for name, value in yaml.safe_load((ROOT / "copier.yml").read_text()).items()
    if name.startswith("_")
}
FLAG = {"type": "bool", "help": "Add it?", "default": False}
QUESTIONS: dict[str, Any] = {
    "name": {"type": "str", "help": "Who?", "default": "{{ _folder_name }}"},
    "store": {"type": "str", "help": "Where?", "default": "none", "choices": ["none", "disk"]},
    "backup": {**FLAG, "when": "{{ store == 'disk' }}"},
    "loud": FLAG,
    "title": {"type": "str", "default": "{{ name }} on {{ store }}", "ask": False},
}


@pytest.fixture
def make(tmp_path: Path) -> "Make":
    return Make(tmp_path)


class Make:
    """Writes small templates."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def __call__(
        self, files: Mapping[str, str] | None = None, changes: Mapping[str, Any] | None = None
    ) -> Questionnaire:
        """Write a template with the questions of this module, and read it."""
        content = {**SETTINGS, **QUESTIONS, **(changes or {})}
        (self.root / "copier.yml").write_text(yaml.safe_dump(content, sort_keys=False))
        for name, text in (files or {}).items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return read.__wrapped__(self.root)


# ------------------------------------------------------------------------------------ contract


@pytest.mark.parametrize(
    "changes",
    [
        {"_tasks": ["rm -rf /"]},
        {"_migrations": []},
        {"_jinja_extensions": ["x"]},
        {"_envops": {**SETTINGS["_envops"], "undefined": "jinja2.Undefined"}},
        {"loud": {**FLAG, "secret": True}},
        {"loud": {**FLAG, "type": "yaml"}},
        {"loud": {"type": "bool", "help": "Add it?"}},
        {"loud": {"type": "bool", "default": False}},
    ],
    ids=str,
)
def test_contract_refuses_unknown_features(make: Make, changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        make(changes=changes)


def test_every_question_is_a_sentence() -> None:
    for question in QUESTIONNAIRE.questions:
        if not question.is_computed:
            assert question.help[-1] in ".?", question.name


def test_every_free_text_is_validated() -> None:
    for question in QUESTIONNAIRE.questions:
        is_free = question.type == "str" and not question.choices
        assert not is_free or question.validator or question.name == "package_name_locked"


# ------------------------------------------------------------------------------------- answers


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"project_name": "Zoë & Söhne", "license": "BSD-3-Clause", "example": False},
        {"project_slug": "shop", "package_name": "store", "user_email": "ada@example.com"},
        {"project_name": 12, "python_version": 3.12, "example": "no"},
        {"copyright_year": "1999", "github_user": "ada"},
    ],
    ids=str,
)
def test_complete_answers_as_copier_does(
    given: dict[str, Any], template: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "my shop"
    run_copy(str(template), folder, data=given, defaults=True, quiet=True, unsafe=False)

    stored = yaml.safe_load((folder / ".copier-answers.yml").read_text())
    completed = QUESTIONNAIRE.complete(given, folder=folder.name)
    assert QUESTIONNAIRE.asked(completed) == {
        name: value for name, value in stored.items() if name[0] != "_"
    }


@pytest.mark.parametrize(
    ("answer", "refusal"),
    [
        ({"name": None}, "name: Not a string. Put it in quotes if YAML reads another type."),
        ({"name": True}, "name: Not a string. Put it in quotes if YAML reads another type."),
        ({"name": ["a"]}, "name: Not a string. Put it in quotes if YAML reads another type."),
        ({"store": "tape"}, "store: Invalid choice. Choose one of none, disk."),
        ({"loud": "maybe"}, "loud: Not a boolean. Use true or false."),
        ({"loud": 1}, "loud: Not a boolean. Use true or false."),
        ({"backup": True}, "backup: This conflicts with the other answers. Leave it out."),
        ({"stor": "disk"}, "stor: Unknown question. Did you mean store?"),
        ({"_tasks": []}, "_tasks: Unknown question. Leave it out."),
    ],
)
def test_refusal_is_one_line(make: Make, answer: dict[str, object], refusal: str) -> None:
    with pytest.raises(InvalidAnswersError) as error:
        make().complete(answer)

    assert error.value.errors == [refusal]


def test_all_refusals_are_reported_together(make: Make) -> None:
    with pytest.raises(InvalidAnswersError) as error:
        make().complete({"loud": "maybe", "store": "tape", "x": 1})

    assert [line.split(":")[0] for line in error.value.errors] == ["x", "store", "loud"]


def test_answers_of_a_project_and_bool_words_are_accepted(make: Make) -> None:
    given = {"_commit": "v1", "_src_path": "here", "loud": "Yes", "store": "disk", "backup": "off"}

    assert make().complete(given, folder="shop") == {
        "name": "shop",
        "store": "disk",
        "backup": False,
        "loud": True,
        "title": "shop on disk",
    }


# -------------------------------------------------------------------------------- combinations


def test_combinations_include_every_possible_one(make: Make) -> None:
    found = [tuple(answers.values()) for answers in make().combinations(folder="shop")]

    possible = [("none", False), ("disk", True), ("disk", False)]
    assert found == [
        ("shop", store, backup, loud, f"shop on {store}")
        for (store, backup), loud in itertools.product(possible, (True, False))
    ]


def test_combinations_cross_the_given_questions(make: Make) -> None:
    questionnaire = make()

    def crossed(*over: str, **fixed: object) -> list[tuple[object, object]]:
        found = questionnaire.combinations(over=over, fixed=fixed)
        return [(answers["store"], answers["loud"]) for answers in found]

    assert crossed() == [("none", False)]
    assert crossed("loud") == [("none", True), ("none", False)]
    assert crossed("store", "loud", loud=True) == [("none", True), ("disk", True)]


@pytest.mark.long
def test_every_combination_passes_the_validators() -> None:
    for answers in QUESTIONNAIRE.combinations():
        assert QUESTIONNAIRE.complete(answers) == answers


@pytest.mark.long
def test_command_renders_the_combination_from_head(history: History, tmp_path: Path) -> None:
    chosen: Answers = {"project_name": 'It\'s "me"', "example": False, "license": "Proprietary"}
    repository = history.fork(tmp_path).repository
    substitute(repository / "template/SECURITY.md.jinja", "^# .*", "# Not committed, less released")

    uv, run, copier, *words = shlex.split(QUESTIONNAIRE.command(chosen))
    ran = run_copier(*words, folder=repository)

    assert (uv, run, copier, ran.returncode) == ("uv", "run", "copier", 0), ran.stderr
    stored = yaml.safe_load((tmp_path / "project/.copier-answers.yml").read_text())
    assert {name: stored[name] for name in chosen} == chosen
    assert "Not committed" in (tmp_path / "project/SECURITY.md").read_text()


# ------------------------------------------------------------------------------- answers read

PLAIN = "{% macro greet() %}hello{% endmacro %}{% set shown = store %}"
ROWS = (
    "{% from 'extensions/plain.jinja' import shown, greet with context %}"
    "{% set first = [loud] %}{% set second = [name] %}{% set both = first + second %}"
    "{% macro told() %}{{ shown }}{% endmacro %}"
)
NESTED = (
    "{% import 'extensions/plain.jinja' as plain with context %}"
    "{% macro shout() %}{{ loud }}{% endmacro %}"
)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.txt", "{{ loud }}", set[str]()),
        ("a.txt.jinja", "{{ loud }}", {"loud"}),
        ("a.txt.jinja", "{% if loud %}{{ name }}{% endif %}", {"loud", "name"}),
        ("a.txt.jinja", "{% set loud = 1 %}{{ loud }}", set[str]()),
        ("{% if loud %}a.txt{% endif %}", "", {"loud"}),
        ("{% if loud %}folder{% endif %}/{{ name }}.jinja", "", {"loud", "name"}),
        ("a.jinja", "{% import 'extensions/plain.jinja' as p %}{{ p.greet() }}", set[str]()),
        ("a.jinja", "{% import 'extensions/plain.jinja' as p with context %}", {"store"}),
        ("a.jinja", "{% from 'extensions/plain.jinja' import shown with context %}", {"store"}),
        ("a.jinja", "{% from 'extensions/plain.jinja' import greet with context %}", set[str]()),
        (
            "a.jinja",
            "{% from 'extensions/nested.jinja' import shout with context %}",
            {"loud", "store"},
        ),
        ("a.jinja", "{% from 'extensions/rows.jinja' import first with context %}", {"loud"}),
        (
            "a.jinja",
            "{% from 'extensions/rows.jinja' import both as b with context %}",
            {"loud", "name"},
        ),
        ("a.jinja", "{% from 'extensions/rows.jinja' import told with context %}", {"store"}),
        ("a.jinja", "{% include 'extensions/plain.jinja' %}", {"store"}),
        ("a.jinja", "{% include 'extensions/plain.jinja' without context %}", set[str]()),
        ("a.jinja", "{{ backup }}", {"backup", "store"}),
        ("a.jinja", "{{ title }}", {"title", "name", "store"}),
        ("a.jinja", "{% import 'extensions/nested.jinja' as n with context %}", {"loud", "store"}),
    ],
)
def test_answers_read_are_found(make: Make, name: str, text: str, expected: set[str]) -> None:
    extensions = {
        "extensions/plain.jinja": PLAIN,
        "extensions/rows.jinja": ROWS,
        "extensions/nested.jinja": NESTED,
    }
    questionnaire = make({f"template/{name}": text, **extensions})

    assert questionnaire.answers_read(make.root / "template" / name) == expected


# -------------------------------------------------------------------------------------- schema


def test_schema_describes_an_answers_file(make: Make) -> None:
    schema = make().json_schema()

    assert schema["additionalProperties"] is False
    assert schema["properties"]["store"] == {
        "type": "string",
        "description": "Where?",
        "enum": ["none", "disk"],
        "default": "none",
    }
    assert schema["properties"]["name"] == {"type": "string", "description": "Who?"}
    assert schema["properties"]["loud"]["type"] == "boolean"
    assert schema["properties"]["title"]["readOnly"] is True
    assert {"_commit", "_src_path"} <= schema["properties"].keys()
    json.dumps(schema)


def test_reading_needs_only_the_template(tmp_path: Path) -> None:
    shutil.copy(ROOT / "copier.yml", tmp_path)
    shutil.copytree(ROOT / "extensions", tmp_path / "extensions")

    assert read(tmp_path).complete({}, folder="x") == QUESTIONNAIRE.complete({}, folder="x")
