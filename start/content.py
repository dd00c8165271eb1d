"""The page before Python is loaded: the form, the presets and the default project."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt

from extensions.contract.questionnaire import Answers, Question, Questionnaire
from start.engine import Engine, Origin

__all__ = ["first_paint", "sections"]

_HEADING = re.compile(r"^# -{10,} (?P<title>.+)$|^(?P<question>[a-z]\w*):", re.MULTILINE)


def first_paint(questionnaire: Questionnaire, origin: Origin) -> dict[str, Any]:
    """Describe the form and the default project.

    Args:
        questionnaire: The template.
        origin: Where Copier finds it.

    Returns:
        Plain data for the page.
    """
    return {
        "origin": {"source": origin.source, "commit": origin.commit},
        "sections": [
            {"title": title, "questions": [_field(questionnaire, each) for each in questions]}
            for title, questions in sections(questionnaire).items()
        ],
        "presets": [
            {"name": name, "text": text, "answers": _off(questionnaire) | answers}
            for name, text, answers in _presets(questionnaire)
        ],
        "preview": Engine(questionnaire.root, origin).preview({}),
    }


def sections(questionnaire: Questionnaire) -> dict[str, list[Question]]:
    """Group the questions that are asked by the headings in `copier.yml`.

    Args:
        questionnaire: The template.

    Returns:
        The questions by heading, in order.
    """
    found: dict[str, list[Question]] = {}
    title = ""
    text = (questionnaire.root / "copier.yml").read_text(encoding="utf-8")
    for line in _HEADING.finditer(text):
        title = line["title"] or title
        question = questionnaire.question(line["question"]) if line["question"] else None
        if question and not question.is_computed:
            found.setdefault(title.capitalize(), []).append(question)
    return found


def _field(questionnaire: Questionnaire, question: Question) -> dict[str, object]:
    asked, mark, more = question.help.partition("? ")
    return {
        "name": question.name,
        "type": question.type,
        "ask": asked + mark.strip(),
        "more": more,
        "choices": question.choices,
        "page": _page(questionnaire.root / "docs/blocks" / f"{question.name}.md"),
    }


def _page(path: Path) -> dict[str, str] | None:
    """Return the address and the first sentence of a block's page."""
    if not path.is_file():
        return None
    tokens = MarkdownIt().parse(path.read_text(encoding="utf-8"))
    paragraph = next(i for i, token in enumerate(tokens) if token.type == "paragraph_open")
    text = re.sub(r"\[(.*?)\]\(.*?\)", r"\1", tokens[paragraph + 1].content)
    sentence, *_ = re.split(r"(?<=\.)\s", text)
    return {"href": f"docs/blocks/{path.stem}.html", "text": " ".join(sentence.split())}


def _blocks(questionnaire: Questionnaire) -> list[Question]:
    """Return the questions that add something, which a preset answers."""
    return [
        question
        for question in questionnaire.questions
        if question.values and {False, "none"} & {*question.values}
    ]


def _off(questionnaire: Questionnaire) -> Answers:
    """Return the defaults of the blocks: a preset answers all of them."""
    return {question.name: question.default for question in _blocks(questionnaire)}


def _presets(questionnaire: Questionnaire) -> Iterator[tuple[str, str, Answers]]:
    every = {
        question.name: True if question.type == "bool" else question.choices[-1]
        for question in _blocks(questionnaire)
    }
    yield "Minimal", "A clean slate: no example, no blocks.", {"example": False}
    yield (
        "CRUD API with users",
        "PostgreSQL, accounts and log-in, an example.",
        {
            "database": "postgresql",
            "auth": "jwt",
        },
    )
    yield "Everything", "Each block on, to read and to take from.", every
