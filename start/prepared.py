"""Work that the build does for the page: byte code of templates, and which answers they read."""

import marshal
from pathlib import Path
from typing import Any, override

from jinja2.sandbox import SandboxedEnvironment

from extensions.contract.projection import Reads, answers_file_of, project, reads_of, sources
from extensions.contract.questionnaire import Questionnaire, read

__all__ = ["prepare", "prepared"]

_FILE = "prepared.marshal"


def prepare(root: Path) -> None:
    """Write the prepared work for a template, by the Python that will read it.

    Args:
        root: The folder that holds `copier.yml`.
    """
    code: dict[str, bytes] = {}
    questionnaire = read(root).rendered_by(_with(code))
    _compile(questionnaire)
    by_name = {str(path.relative_to(root)): names for path, names in reads_of(root).items()}
    (root / _FILE).write_bytes(marshal.dumps((by_name, code)))


def _compile(questionnaire: Questionnaire) -> None:
    """Compile each template: files and questions themselves, what they import by rendering."""
    for question in questionnaire.questions:
        for part in ("default", "validator", "when", "ask"):
            text = getattr(question, part)
            if isinstance(text, str) and "{" in text:
                questionnaire.environment.compile(text, f"copier.yml:{question.name}.{part}")
    suffix = questionnaire.settings.templates_suffix
    answers = questionnaire.complete({})
    for source in sources(questionnaire):
        if source.name.endswith(suffix):
            name = str(source.relative_to(questionnaire.root))
            questionnaire.environment.compile(source.read_text(encoding="utf-8"), name)
        project(source, answers, questionnaire)
    answers_file_of(answers, {}, questionnaire)
    for extension in (questionnaire.root / "extensions").glob("*.jinja"):
        questionnaire.environment.get_template(f"extensions/{extension.name}")


def prepared(root: Path) -> tuple[Questionnaire, Reads]:
    """Read a questionnaire, with the work that `prepare` did for it.

    Args:
        root: The folder that holds `copier.yml`.

    Returns:
        The questionnaire, and the answers that each file depends on; those are empty if nothing
        was prepared.
    """
    if not (root / _FILE).is_file():
        return read(root), {}
    by_name, code = marshal.loads((root / _FILE).read_bytes())  # noqa: S302 -- the build's own
    reads = {root / name: tuple(answers) for name, answers in by_name.items()}
    return read(root).rendered_by(_with(code)), reads


def _with(code: dict[str, bytes]) -> type[SandboxedEnvironment]:
    """Return an environment that takes byte code by the template's name, and adds missing code."""

    class PreparedEnvironment(SandboxedEnvironment):
        @override
        def compile(self, source: Any, name: str | None = None, *rest: Any, **options: Any) -> Any:
            make: Any = super().compile
            if name is None:
                return make(source, name, *rest, **options)
            if name not in code:
                code[name] = marshal.dumps(make(source, name, *rest, **options))
            return marshal.loads(code[name])  # noqa: S302 -- the build's own

    return PreparedEnvironment
