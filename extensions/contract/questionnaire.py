"""The questionnaire of `copier.yml`, read as a typed contract.

Copier asks the questions; this module answers for whoever wants to know more about them without
copying anything: tests, pipelines and portals. It renders defaults, conditions and validators in an
environment like Copier's own, so a rule is written once, in `copier.yml`.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Literal, Self

import yaml
from jinja2 import FileSystemLoader, StrictUndefined, Template, meta, nodes
from jinja2.sandbox import SandboxedEnvironment
from pathspec import GitIgnoreSpec
from pydantic import BaseModel, ConfigDict, Field, model_validator

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
    "read",
]

ROOT = Path(__file__).resolve().parents[2]
ALONGSIDE = ("kubernetes", "license", "python_version", "type_checker")
"""The questions whose answers change no code, so that crossing the others covers it all."""

LAID_ACROSS: tuple[str, ...] = ("rate_limit", "http_client")
"""Blocks that are laid across the others, and crossed by `--every` only: those that no other block
asks for anything. Forks declare theirs in `extensions/own.jinja`."""

METADATA = frozenset({"_commit", "_src_path"})
WORDS: Mapping[str, bool] = {
    **dict.fromkeys(("true", "yes", "y", "on"), True),
    **dict.fromkeys(("false", "no", "n", "off"), False),
}

type Answer = str | bool
type Answers = dict[str, Answer]


class InvalidAnswersError(ValueError):
    """Answers that the questionnaire refuses.

    Attributes:
        errors: One line for each refusal, each naming its question and the way out.
    """

    def __init__(self, errors: list[str]) -> None:
        """Keep the lines and make them the message."""
        super().__init__("\n".join(errors))
        self.errors = errors


class Contract(BaseModel):
    """A part of `copier.yml` in which nothing unknown may stand."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class EnvironmentOptions(Contract):
    """How Jinja is set up, under `_envops`."""

    undefined: Literal["jinja2.StrictUndefined"]
    trim_blocks: bool
    lstrip_blocks: bool
    keep_trailing_newline: bool


class Settings(Contract):
    """The settings of `copier.yml`, among which none asks for trust."""

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
    """One question, with the rules its answer keeps.

    Attributes:
        name: The name of the answer.
        type: What the answer is: a text or a yes or no.
        help: The sentence that asks.
        default: What holds without an answer; a template if it is a text.
        choices: The only answers there are, if they are few.
        validator: A template that renders to nothing, or to why the answer is refused.
        when: A template or constant; a question that does not apply has its default.
        ask: A template or constant; a question that is not asked has its stored answer or default.
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
        """Whether nobody is ever asked."""
        return self.when is False or self.ask is False

    @property
    def is_stored(self) -> bool:
        """Whether a project keeps the answer."""
        return self.when is not False

    @property
    def values(self) -> tuple[Answer, ...]:
        """All answers there are, or nothing when the answer is free text."""
        return (True, False) if self.type == "bool" else self.choices

    def parse(self, value: object) -> Answer:
        """Read a value as YAML or a command line gives it.

        Where Copier guesses (`maybe` is true, a text `yes` is `True`), this refuses.

        Args:
            value: The value as it was given.

        Returns:
            The answer in the type of the question.

        Raises:
            ValueError: The value is none of the possible answers.
        """
        if self.type == "bool":
            return _parse_bool(value)
        text = _parse_text(value)
        if self.choices and text not in self.choices:
            raise ValueError(f"Choose one of {', '.join(self.choices)}.")
        return text


def _parse_bool(value: object) -> bool:
    answer = WORDS.get(str(value).lower()) if isinstance(value, str | bool) else None
    if answer is None:
        raise ValueError("Answer true or false.")
    return answer


def _parse_text(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError("Write a text, in quotes where YAML would read something else.")
    return str(value)


class Questionnaire(Contract):
    """The settings and questions of one template.

    Attributes:
        root: The folder that holds `copier.yml`.
        settings: How Copier is to work.
        questions: The questions in the order in which they are asked.
        environment_type: The kind of Jinja environment that renders, by default Copier's.
    """

    model_config = ConfigDict(ignored_types=(cached_property,))

    root: Path
    settings: Settings
    questions: tuple[Question, ...]
    environment_type: type[SandboxedEnvironment] = SandboxedEnvironment

    @cached_property
    def environment(self) -> SandboxedEnvironment:
        """Jinja as Copier sets it up for this template."""
        options = self.settings.envops.model_dump() | {"undefined": StrictUndefined}
        return self.environment_type(
            loader=FileSystemLoader(self.root),
            extensions=["jinja2_ansible_filters.AnsibleCoreFiltersExtension"],
            **options,
        )

    @cached_property
    def _templates(self) -> dict[tuple[str, str], Template]:
        return {}

    def question(self, name: str) -> Question:
        """Return the question of a name.

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
        """The questions whose answers can be given, and are stored."""
        return {name: question for name, question in self._by_name.items() if question.is_stored}

    @property
    def blocks(self) -> tuple[str, ...]:
        """The questions that decide what a project consists of."""
        listed = (question for question in self.questions if question.values)
        return tuple(question.name for question in listed if question.name not in ALONGSIDE)

    @cached_property
    def crossed(self) -> tuple[str, ...]:
        """The blocks that are crossed with each other in full: all that are not laid across."""
        own = self.root / "extensions" / "own.jinja"
        text = own.read_text(encoding="utf-8") if own.exists() else ""
        module = self.environment.from_string(text).module
        laid: tuple[str, ...] = (*LAID_ACROSS, *getattr(module, "own_laid_across", ()))
        return tuple(name for name in self.blocks if name not in laid)

    # ------------------------------------------------------------------------------- answers

    def complete(self, given: Mapping[str, object], folder: str = "service") -> Answers:
        """Check given answers and add all others, as `copier copy --defaults` would.

        Args:
            given: Answers by name, as a YAML file gives them.
            folder: The name of the folder that would be copied into.

        Returns:
            The answers to all questions.

        Raises:
            InvalidAnswersError: An answer is unknown or refused.
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
        """Return what holds if a question is not answered.

        Args:
            question: The question.
            context: The answers before it.

        Returns:
            Its default, rendered.
        """
        return question.parse(self._render(question, "default", context))

    def _answer(self, question: Question, default: Answer, context: Mapping[str, object]) -> Answer:
        answer = question.parse(context.get(question.name, default))
        if not self._applies(question, context):
            if answer != default:
                raise ValueError("This does not go with the other answers. Leave it out.")
            return default
        refusal = str(
            self._render(question, "validator", {**context, question.name: answer})
        ).strip()
        if refusal:
            raise ValueError(refusal)
        return answer

    def _applies(self, question: Question, context: Mapping[str, object]) -> bool:
        return _parse_bool(self._render(question, "when", context))

    def _is_known(self, name: str) -> bool:
        return name in self._by_name or name in METADATA

    def _unknown(self, name: str) -> str:
        near = get_close_matches(name, self._known, n=1)
        return f"{name}: There is no such question. " + (
            f"Did you mean {near[0]}?" if near else "Leave it out."
        )

    def _render(self, question: Question, field: str, context: Mapping[str, object]) -> Answer:
        source: Answer = getattr(question, field)
        if isinstance(source, bool):
            return source
        return self.render(f"copier.yml:{question.name}.{field}", source, context)

    def render(self, name: str, source: str, context: Mapping[str, object]) -> str:
        """Render a text as Copier does.

        Args:
            name: What errors and branch coverage call the text.
            source: The text.
            context: The answers and whatever else it may read.

        Returns:
            What it renders to.
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
        """Cross the answers of all questions whose answers can be listed.

        Args:
            over: The questions to cross; all of them if left out.
            fixed: Answers that stay the same; all others stay at their defaults.
            folder: The name of the folder that would be copied into.

        Yields:
            The answers to all questions, once for each combination there can be.
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
        """Return the answers that a question can have beside other answers.

        Args:
            question: The question.
            context: The other answers.

        Returns:
            All its values, or only its default where it is not asked or its answer is free text.
        """
        if question.is_computed or not self._applies(question, context):
            return (self._answer(question, self.default(question, context), context),)
        return question.values or (self.default(question, context),)

    # ------------------------------------------------------------------------------ templates

    def answers_read(self, source: Path) -> frozenset[str]:
        """Tell which answers a file of the template depends on, by its name or its text.

        Args:
            source: The file, under the template's folder.

        Returns:
            The names of the answers; also those that an import `with context` may read, and those
            that decide about these.
        """
        read = self.answers_deciding(source)
        if source.name.endswith(self.settings.templates_suffix):
            read |= self._names_read(source.read_text(encoding="utf-8"))
        return self.with_reasons(read.intersection(self._by_name))

    def answers_deciding(self, source: Path) -> frozenset[str]:
        """Return the answers that decide whether there is a file, and where.

        Args:
            source: The file or folder, under the template's folder.

        Returns:
            Their names: those in its own name and in the rows of `files.jinja`.
        """
        path = str(source.relative_to(self.root / self.settings.subdirectory))
        rendered = path.removesuffix(self.settings.templates_suffix)
        matching = (pattern for pattern in self._deciding if _matcher(pattern).match_file(rendered))
        rows = (self._deciding[pattern] for pattern in matching)
        return self._names_read(path).intersection(self._by_name).union(*rows)

    def excludes(self, path: str, answers: Answers) -> bool:
        """Return whether the answers leave a path of the project out.

        Args:
            path: The path, from the root of the project.
            answers: The answers to all questions.

        Returns:
            Whether Copier writes no such file.
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
        """Add the answers that decide whether a question applies, or what is computed for it.

        Args:
            names: The names of answers.

        Returns:
            These names, and those of all answers that they depend on.
        """
        found = names
        for question in map(self.question, names):
            for text in (question.when, question.default if question.is_computed else ""):
                found |= self._names_read(str(text)).intersection(self._by_name)
        return names if found == names else self.with_reasons(found)

    def _names_read(self, text: str) -> frozenset[str]:
        tree = self.environment.parse(text)
        names = frozenset(meta.find_undeclared_variables(tree))
        imports: list[nodes.Import | nodes.FromImport | nodes.Include] = [
            *tree.find_all(nodes.Import),
            *tree.find_all(nodes.FromImport),
            *tree.find_all(nodes.Include),
        ]
        for node in imports:
            if node.with_context:
                names |= self._names_read(self._extension(str(node.template.as_const())))
        return names

    def _extension(self, name: str) -> str:
        return (self.root / name).read_text(encoding="utf-8")

    # ----------------------------------------------------------------------------- for others

    def command(self, answers: Mapping[str, Answer]) -> str:
        """Write the command line that copies a project with these answers.

        Args:
            answers: Answers that differ from the defaults, or all of them.

        Returns:
            A line for a shell, to be run in the folder of the template. It copies the template as
            it stands there, where Copier alone would take the newest release.
        """
        asked = (name for name in answers if not self.question(name).is_computed)
        data = [word for name in asked for word in ("-d", f"{name}={_as_text(answers[name])}")]
        copy = ["uv", "run", "copier", "copy", "--defaults", "--vcs-ref", "HEAD"]
        return shlex.join([*copy, *data, ".", "../project"])

    def json_schema(self) -> dict[str, Any]:
        """Describe an answers file for editors and portals, as far as JSON Schema can.

        Returns:
            A schema of the 2020-12 draft.
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


def _as_text(answer: Answer) -> str:
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
        pydantic.ValidationError: `copier.yml` says something that this contract does not know.
    """
    content: dict[str, Any] = yaml.safe_load((root / "copier.yml").read_text(encoding="utf-8"))
    settings = {name: value for name, value in content.items() if name.startswith("_")}
    asked = {name: value for name, value in content.items() if not name.startswith("_")}
    return Questionnaire(
        root=root,
        settings=Settings.model_validate(settings),
        questions=tuple(Question(name=name, **fields) for name, fields in asked.items()),
    )
