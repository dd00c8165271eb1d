"""Every branch of every condition in the template is taken by some combination."""

import pytest
from jinja2.sandbox import SandboxedEnvironment

from extensions.contract.questionnaire import (
    ROOT,
    Answers,
    InvalidAnswersError,
    Questionnaire,
    read,
)
from extensions.maintenance.branches import Arm, RecordingEnvironment
from tests.support.bad_answers import BAD_ANSWERS, ODD_FOLDERS
from tests.support.projection import project, sources, versions

PLAIN: Answers = {"project_name": 'Say "hi"', "user_email": ""}
RENAMED: Answers = {"package_name": "new", "package_name_locked": "old"}

pytestmark = pytest.mark.quick


def recording() -> Questionnaire:
    return read().rendered_by(RecordingEnvironment)


def dead_arms(questionnaire: Questionnaire, file: str = "") -> list[Arm]:
    """Return the branches that no combination takes, of one file or of all."""
    assert isinstance(questionnaire.environment, RecordingEnvironment)
    found = questionnaire.environment.branches.dead
    return [arm for arm in found if file in {"", arm.template}]


@pytest.mark.long
def test_every_branch_of_the_template_is_taken() -> None:
    questionnaire = recording()
    for source in sources():
        list(versions(source, questionnaire))
        project(source, questionnaire.complete(PLAIN), questionnaire)
        # After each file, so that a dead branch is reported before the next files render.
        dead = dead_arms(questionnaire, str(source.relative_to(ROOT)))
        assert not dead, "\n".join(map(str, dead))
    for folder in ODD_FOLDERS:
        questionnaire.complete({}, folder=folder)
    refused: list[Answers] = [{bad.question: bad.answer} for bad in BAD_ANSWERS]
    refuse_what_is_excluded(questionnaire)
    for answers in (*refused, RENAMED):
        with pytest.raises(InvalidAnswersError):
            questionnaire.complete(answers)

    assert not dead_arms(questionnaire), "\n".join(map(str, dead_arms(questionnaire)))


def refuse_what_is_excluded(questionnaire: Questionnaire) -> None:
    """Render the exclusion rule, which reads the one question that Copier alone asks."""
    excluded, answers = questionnaire.question("excluded"), questionnaire.complete({})
    for given in (questionnaire.default(excluded, answers), "tests"):
        context = answers | {"excluded": given}
        questionnaire.render("copier.yml:excluded.validator", excluded.validator, context)


BOTH = {"a": True, "b": True}
NEITHER = {"a": False, "b": False}


@pytest.mark.parametrize(
    ("source", "contexts", "dead"),
    [
        ("{% if a %}x{% endif %}", [BOTH], ["else"]),
        ("{% if a %}x{% endif %}", [NEITHER], ["if"]),
        ("{% if a %}x{% endif %}", [BOTH, NEITHER], []),
        ("{% if a %}x{% elif b %}y{% else %}z{% endif %}", [BOTH], ["elif", "else"]),
        ("{{ 1 if a else 2 }}", [BOTH], ["else"]),
        ("{{ 1 if a else 2 }}", [NEITHER], ["if"]),
        ("{% for x in '' %}y{% endfor %}", [BOTH], []),
        ("{% macro m() %}{% if a %}x{% endif %}{% endmacro %}", [BOTH], ["else", "if"]),
    ],
)
def test_dead_branches_are_named(
    source: str, contexts: list[dict[str, bool]], dead: list[str]
) -> None:
    environment = RecordingEnvironment()
    code = environment.compile(source, "t")
    template = environment.template_class.from_code(environment, code, {}, None)

    for context in contexts:
        template.render(context)

    assert [str(arm) for arm in environment.branches.dead] == [f"t:1 {arm}" for arm in dead]


def test_recorded_template_renders_the_same() -> None:
    source = "{% if a %}x{% elif b %}{{ 'y' if b else 'z' }}{% endif %}."

    for a, b in [(0, 0), (0, 1), (1, 0)]:
        recorded = RecordingEnvironment().from_string(source).render(a=a, b=b)
        assert recorded == SandboxedEnvironment().from_string(source).render(a=a, b=b)
