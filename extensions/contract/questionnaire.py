"""The questionnaire of `copier.yml`, read as a typed contract.

Copier asks the questions; this module lets tests, pipelines and portals inspect them without
copying a project. It renders defaults, conditions and validators in an environment like Copier's
own, so that each rule is written once, in `copier.yml`.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Literal, Self

import yaml
from jinja2 import FileSystemLoader, StrictUndefined, Template
from jinja2.sandbox import SandboxedEnvironment
from pathspec import GitIgnoreSpec
from pydantic import BaseModel, ConfigDict, Field, model_validator

from extensions.contract.names_read import names_read
from extensions.contract.tables import deciding

__all__ = [
    "ALONGSIDE",
    "LAID_ACROSS",
    "ROOT",
    "Answer",
    "Answers",
    "InvalidAnswersError",
    "Question",
    "Questionnaire",
    "Settings",
    "answer_text",
    "read",
]

ROOT = Path(__file__).resolve().parents[2]
ALONGSIDE = ("kubernetes", "license", "python_version", "type_checker")
"""Questions that change no code: crossing the others covers all code."""

LAID_ACROSS: tuple[str, ...] = ("plugins", "rate_limit", "http_client", "observability")
"""Blocks that are laid across the others, and crossed only by `--every`: no other block depends on
them. Forks declare theirs in `extensions/own.jinja`."""

METADATA = frozenset({"_commit", "_src_path"})
WORDS: Mapping[str, bool] = {
    **dict.fromkeys(("true", "yes", "y", "on"), True),
    **dict.fromkeys(("false", "no", "n", "off"), False),
}

type Answer = str | bool
type Answers = dict[str, Answer]


class InvalidAnswersError(ValueError):
    """Invalid answers.

    Attributes:
        errors: One line for each invalid answer: the question, what is wrong and what to do.
    """

    def __init__(self, errors: list[str]) -> None:
        """Keep the lines, and join them for the message."""
        super().__init__("\n".join(errors))
        self.errors = errors


class Contract(BaseModel):
    """A part of `copier.yml` that allows no unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class EnvironmentOptions(Contract):
    """Jinja's options, under `_envops`."""

    undefined: Literal["jinja2.StrictUndefined"]
    trim_blocks: bool
    lstrip_blocks: bool
    keep_trailing_newline: bool


class Settings(Contract):
    """The settings of `copier.yml`, none of which needs `--trust`."""

    min_copier_version: str = Field(alias="_min_copier_version")
    subdirectory: str = Field(alias="_subdirectory")
    templates_suffix: str = Field(alias="_templates_suffix")
    exclude: tuple[Literal["{{ excluded | default('') }}"], ...] = Field((), alias="_exclude")
    skip_if_exists: tuple[str, ...] = Field((), alias="_skip_if_exists")
    envops: EnvironmentOptions = Field(alias="_envops")
    message_before_copy: str = Field(alias="_message_before_copy")
    message_before_update: str = Field(alias="_message_before_update")
    message_after_copy: str = Field(alias="_message_after_copy")
    message_after_update: str = Field(alias="_message_after_update")


class Question(Contract):
    """One question, with the rules for its answer.

    Attributes:
        name: The name of the answer.
        type: The type of the answer: text or yes/no.
        help: The prompt.
        default: The default answer; a template if it is text.
        choices: The allowed answers, if they are limited.
        validator: A template that renders an error message, or nothing if the answer is valid.
        when: A template or constant; a question that does not apply takes its default.
        ask: A template or constant; a question not asked takes its stored answer or default.
    """

    name: str
    type: Literal["str", "bool"]
    help: str = ""
    default: Answer
    choices: tuple[str, ...] = ()
    validator: str = ""
    when: str | bool = True
    ask: str | bool = True

    @model_validator(mode="after")
    def _asks_in_words(self) -> Self:
        if not self.is_computed and not self.help:
            raise ValueError(f"{self.name} is asked without a help sentence")
        return self

    @property
    def is_computed(self) -> bool:
        """True if the question is never asked."""
        return self.when is False or self.ask is False

    @property
    def is_stored(self) -> bool:
        """True if a project stores the answer."""
        return self.when is not False

    @property
    def values(self) -> tuple[Answer, ...]:
        """All possible answers; empty for free text."""
        return (True, False) if self.type == "bool" else self.choices

    def parse(self, value: object) -> Answer:
        """Parse a value from YAML or the command line.

        Stricter than Copier, which guesses (`maybe` is true, a text `yes` is `True`).

        Args:
            value: The raw value.

        Returns:
            The answer in the type of the question.

        Raises:
            ValueError: The value is not a possible answer.
        """
        if self.type == "bool":
            return _parse_bool(value)
        text = _parse_text(value)
        if self.choices and text not in self.choices:
            raise ValueError(f"Invalid choice. Choose one of {', '.join(self.choices)}.")
        return text


def _parse_bool(value: object) -> bool:
    answer = WORDS.get(str(value).lower()) if isinstance(value, str | bool) else None
    if answer is None:
        raise ValueError("Not a boolean. Use true or false.")
    return answer


def _parse_text(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError("Not a string. Put it in quotes if YAML reads another type.")
    return str(value)


class Questionnaire(Contract):
    """The settings and questions of one template.

    Attributes:
        root: The folder that holds `copier.yml`.
        settings: The settings for Copier.
        questions: The questions, in the order they are asked.
        environment_type: The class of the Jinja environment; by default Copier's.
    """

    model_config = ConfigDict(ignored_types=(cached_property,))

    root: Path
    settings: Settings
    questions: tuple[Question, ...]
    environment_type: type[SandboxedEnvironment] = SandboxedEnvironment

    @cached_property
    def environment(self) -> SandboxedEnvironment:
        """The Jinja environment, set up like Copier's for this template."""
        options = self.settings.envops.model_dump() | {"undefined": StrictUndefined}
        return self.environment_type(
            loader=FileSystemLoader(self.root),
            extensions=["jinja2_ansible_filters.AnsibleCoreFiltersExtension"],
            **options,
        )

    def rendered_by(self, environment_type: type[SandboxedEnvironment]) -> Questionnaire:
        """Return the same questionnaire with another Jinja environment.

        Args:
            environment_type: The class of the environment.

        Returns:
            A new questionnaire, without what this one has compiled.
        """
        return Questionnaire(
            root=self.root,
            settings=self.settings,
            questions=self.questions,
            environment_type=environment_type,
        )

    @cached_property
    def _templates(self) -> dict[tuple[str, str], Template]:
        return {}

    def question(self, name: str) -> Question:
        """Return the question with the given name.

        Args:
            name: The name of the answer.

        Returns:
            The question.

        Raises:
            KeyError: There is no such question.
        """
        return self._by_name[name]

    @cached_property
    def _by_name(self) -> dict[str, Question]:
        return {question.name: question for question in self.questions}

    @cached_property
    def _known(self) -> dict[str, Question]:
        """The questions that projects store and users may answer."""
        return {name: question for name, question in self._by_name.items() if question.is_stored}

    @property
    def blocks(self) -> tuple[str, ...]:
        """The questions that change a project's code."""
        listed = (question for question in self.questions if question.values)
        return tuple(question.name for question in listed if question.name not in ALONGSIDE)

    @cached_property
    def crossed(self) -> tuple[str, ...]:
        """The fully crossed blocks: all that are not laid across."""
        own = self.root / "extensions" / "own.jinja"
        text = own.read_text(encoding="utf-8") if own.exists() else ""
        module = self.environment.from_string(text).module
        laid: tuple[str, ...] = (*LAID_ACROSS, *getattr(module, "own_laid_across", ()))
        return tuple(name for name in self.blocks if name not in laid)

    # ------------------------------------------------------------------------------- answers

    def complete(self, given: Mapping[str, object], folder: str = "service") -> Answers:
        """Validate the given answers and add all others, as `copier copy --defaults` would.

        Args:
            given: Answers by name, as read from a YAML file.
            folder: The name of the target folder.

        Returns:
            The answers to all questions.

        Raises:
            InvalidAnswersError: A question is unknown or an answer is invalid.
        """
        errors = [self._unknown(name) for name in given if not self._is_known(name)]
        context: dict[str, object] = {**given, "_folder_name": folder}
        for question in self.questions:
            if not question.is_stored and question.name not in given:
                continue
            default = self.default(question, context)
            try:
                answer = self._answer(question, default, context)
            except ValueError as error:
                errors.append(f"{question.name}: {error}")
                answer = default
            context[question.name] = answer
        if errors:
            raise InvalidAnswersError(errors)
        return self._stored(context)

    def _stored(self, context: Mapping[str, object]) -> Answers:
        return {name: _as_answer(context[name]) for name in self._known}

    def default(self, question: Question, context: Mapping[str, object]) -> Answer:
        """Return the default answer of a question.

        Args:
            question: The question.
            context: The answers before it.

        Returns:
            The rendered default.
        """
        return question.parse(self._render(question, "default", context))

    def _answer(self, question: Question, default: Answer, context: Mapping[str, object]) -> Answer:
        answer = question.parse(context.get(question.name, default))
        if not self.applies(question, context):
            if answer != default:
                raise ValueError("This conflicts with the other answers. Leave it out.")
            return default
        refusal = str(
            self._render(question, "validator", {**context, question.name: answer})
        ).strip()
        if refusal:
            raise ValueError(refusal)
        return answer

    def applies(self, question: Question, context: Mapping[str, object]) -> bool:
        """Check whether a question is asked, given the answers before it.

        Args:
            question: The question.
            context: The answers.

        Returns:
            Whether its `when` holds; a question without one always applies.
        """
        return _parse_bool(self._render(question, "when", context))

    def asked(self, answers: Answers) -> Answers:
        """Return the answers to questions that apply: Copier stores no others.

        Args:
            answers: The answers to all questions.
        """
        return {
            name: answer
            for name, answer in answers.items()
            if self.applies(self._by_name[name], answers)
        }

    def _is_known(self, name: str) -> bool:
        return name in self._by_name or name in METADATA

    def _unknown(self, name: str) -> str:
        near = get_close_matches(name, self._known, n=1)
        return f"{name}: Unknown question. " + (
            f"Did you mean {near[0]}?" if near else "Leave it out."
        )

    def _render(self, question: Question, field: str, context: Mapping[str, object]) -> Answer:
        source: Answer = getattr(question, field)
        if isinstance(source, bool):
            return source
        return self.render(f"copier.yml:{question.name}.{field}", source, context)

    def render(self, name: str, source: str, context: Mapping[str, object]) -> str:
        """Render a template as Copier does.

        Args:
            name: The template's name in errors and branch coverage.
            source: The template.
            context: The answers, and any other variables.

        Returns:
            The rendered text.
        """
        if "{" not in source:
            return source
        key = (name, source)
        if key not in self._templates:
            code = self.environment.compile(source, name)
            template = self.environment.template_class.from_code(self.environment, code, {}, None)
            self._templates[key] = template
        return self._templates[key].render(context)

    # -------------------------------------------------------------------------- combinations

    def combinations(
        self,
        over: Collection[str] | None = None,
        fixed: Mapping[str, object] | None = None,
        folder: str = "service",
    ) -> Iterator[Answers]:
        """Cross the answers of all questions that have listed answers.

        Args:
            over: The questions to cross; by default all.
            fixed: Answers to keep constant; all others keep their defaults.
            folder: The name of the target folder.

        Yields:
            Complete answers, one mapping for each possible combination.
        """
        context: dict[str, object] = {**(fixed or {}), "_folder_name": folder}
        yield from self._cross(tuple(self._known.values()), context, over)

    def _cross(
        self,
        questions: tuple[Question, ...],
        context: dict[str, object],
        over: Collection[str] | None,
    ) -> Iterator[Answers]:
        if not questions:
            yield self._stored(context)
            return
        question, *rest = questions
        is_crossed = (over is None or question.name in over) and question.name not in context
        answers = (
            self.alternatives(question, context)
            if is_crossed
            else (self._answer(question, self.default(question, context), context),)
        )
        for answer in answers:
            yield from self._cross(tuple(rest), {**context, question.name: answer}, over)

    def alternatives(self, question: Question, context: Mapping[str, object]) -> tuple[Answer, ...]:
        """Return the possible answers to a question, given the other answers.

        Args:
            question: The question.
            context: The other answers.

        Returns:
            All its values; only its default if it is not asked or takes free text.
        """
        if question.is_computed or not self.applies(question, context):
            return (self._answer(question, self.default(question, context), context),)
        return question.values or (self.default(question, context),)

    # ------------------------------------------------------------------------------ templates

    def answers_read(self, source: Path) -> frozenset[str]:
        """Find the answers that a template file depends on, in its path or its text.

        Args:
            source: The file, under the template's folder.

        Returns:
            The names of the answers, including those that imports with context read and those that
            these depend on.
        """
        read = self.answers_deciding(source)
        if source.name.endswith(self.settings.templates_suffix):
            read |= self._names_read(source.read_text(encoding="utf-8"))
        return self.with_reasons(read.intersection(self._by_name))

    def answers_deciding(self, source: Path) -> frozenset[str]:
        """Return the answers that decide whether a file is rendered, and where.

        Args:
            source: The file or folder, under the template's folder.

        Returns:
            The names of the answers in its path and in the rows of `files.jinja`.
        """
        path = str(source.relative_to(self.root / self.settings.subdirectory))
        rendered = path.removesuffix(self.settings.templates_suffix)
        matching = (pattern for pattern in self._deciding if _matcher(pattern).match_file(rendered))
        rows = (self._deciding[pattern] for pattern in matching)
        return self._names_read(path).intersection(self._by_name).union(*rows)

    def excludes(self, path: str, answers: Answers) -> bool:
        """Check whether the answers exclude a path.

        Args:
            path: The path, relative to the project.
            answers: The answers to all questions.

        Returns:
            Whether Copier leaves the file out.
        """
        if "excluded" not in self._by_name:
            return False
        key = tuple(answers.items())
        if key not in self._excluded:
            patterns = self._render(self.question("excluded"), "default", answers)
            self._excluded[key] = str(patterns)
        return _matcher(self._excluded[key]).match_file(path)

    @cached_property
    def _excluded(self) -> dict[tuple[tuple[str, Answer], ...], str]:
        return {}

    @cached_property
    def _deciding(self) -> Mapping[str, frozenset[str]]:
        return deciding(self.root)

    def with_reasons(self, names: frozenset[str]) -> frozenset[str]:
        """Add the answers that the given answers depend on, by `when` or a computed default.

        Args:
            names: The names of answers.

        Returns:
            These names, and the names of all answers that they depend on.
        """
        found = names
        for question in map(self.question, names):
            for text in (question.when, question.default if question.is_computed else ""):
                found |= self._names_read(str(text)).intersection(self._by_name)
        return names if found == names else self.with_reasons(found)

    def _names_read(self, text: str) -> frozenset[str]:
        return names_read(text, self.environment, self._extension)

    def _extension(self, name: str) -> str:
        return (self.root / name).read_text(encoding="utf-8")

    # --------------------------------------------------------------------------- for callers

    def command(self, answers: Mapping[str, Answer]) -> str:
        """Return the shell command that copies a project with the given answers.

        Args:
            answers: The answers that differ from the defaults, or all of them.

        Returns:
            One line to run in the template's folder. It copies the template's current state, not
            its newest release, which is Copier's default.
        """
        asked = (name for name in answers if not self.question(name).is_computed)
        data = [word for name in asked for word in ("-d", f"{name}={answer_text(answers[name])}")]
        copy = ["uv", "run", "copier", "copy", "--defaults", "--vcs-ref", "HEAD"]
        return shlex.join([*copy, *data, ".", "../project"])

    def json_schema(self) -> dict[str, Any]:
        """Describe an answers file for editors and portals, as far as JSON Schema can.

        Returns:
            A schema in the 2020-12 draft.
        """
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "Answers",
            "type": "object",
            "properties": {
                **{name: _property_of(question) for name, question in self._known.items()},
                **{name: {"type": "string", "readOnly": True} for name in sorted(METADATA)},
            },
            "additionalProperties": False,
        }


def _property_of(question: Question) -> dict[str, Any]:
    described: dict[str, Any] = {"type": "boolean" if question.type == "bool" else "string"}
    if question.help:
        described["description"] = question.help
    if question.choices:
        described["enum"] = list(question.choices)
    if not isinstance(question.default, str) or "{" not in question.default:
        described["default"] = question.default
    if question.is_computed:
        described["readOnly"] = True
    return described


def _as_answer(value: object) -> Answer:
    assert isinstance(value, str | bool)
    return value


def answer_text(answer: Answer) -> str:
    """Write an answer as in YAML or on the command line: `true`, not `True`.

    Args:
        answer: The answer.

    Returns:
        Its text.
    """
    return str(answer).lower() if isinstance(answer, bool) else answer


@cache
def _matcher(patterns: str) -> GitIgnoreSpec:
    return GitIgnoreSpec.from_lines(patterns.splitlines())


@cache
def read(root: Path = ROOT) -> Questionnaire:
    """Read the questionnaire of a template.

    Args:
        root: The folder that holds `copier.yml`.

    Returns:
        Its settings and questions.

    Raises:
        pydantic.ValidationError: `copier.yml` has something that this contract does not allow.
    """
    content: dict[str, Any] = yaml.safe_load((root / "copier.yml").read_text(encoding="utf-8"))
    settings = {name: value for name, value in content.items() if name.startswith("_")}
    asked = {name: value for name, value in content.items() if not name.startswith("_")}
    return Questionnaire(
        root=root,
        settings=Settings.model_validate(settings),
        questions=tuple(Question(name=name, **fields) for name, fields in asked.items()),
    )
