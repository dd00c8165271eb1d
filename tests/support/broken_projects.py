"""Projects with one breakage each; their common parts are rendered and synced once."""

from dataclasses import dataclass, field
from pathlib import Path

from extensions.contract.questionnaire import ROOT, Answers
from tests.support.history import scratch_copy
from tests.support.mutations import Mutation
from tests.support.projection import FOLDER, project, text_of
from tests.support.projects import PEOPLE, QUESTIONNAIRE, Workshop, date_by_content, runnable

__all__ = ["BrokenProjects", "by_project"]


def by_project(mutation: Mutation) -> tuple[bool, str]:
    """Sort breakages so that those with the same answers are consecutive."""
    return not _is_in_one_file(mutation), repr(sorted(mutation.answers.items()))


def _is_in_one_file(mutation: Mutation) -> bool:
    return (ROOT / mutation.file).is_relative_to(FOLDER)


@dataclass(kw_only=True)
class BrokenProjects:
    """Makes one broken project after another; nothing else may use the workshop meanwhile.

    Attributes:
        workshop: The workshop that makes the projects.
    """

    workshop: Workshop
    _whole: tuple[Answers, Path] | None = field(default=None, init=False)

    def make(self, mutation: Mutation, scratch: Path) -> Path:
        """Return a broken project without traces of the previous one.

        Args:
            mutation: The breakage.
            scratch: A folder for a copy of the template, if the breakage affects many files.
        """
        answers = runnable(QUESTIONNAIRE.complete(PEOPLE | mutation.answers))
        if _is_in_one_file(mutation):
            broken = self.workshop.put_back(self._whole_of(answers))
            _break(broken, mutation, answers)
            return broken
        self._whole = None
        template = scratch_copy(scratch / "template")
        mutation.apply(template)
        return self.workshop.make(answers, template)

    def _whole_of(self, answers: Answers) -> Path:
        if self._whole is None or self._whole[0] != answers:
            self.workshop.make(answers)
            self._whole = answers, self.workshop.keep()
        return self._whole[1]


def _break(whole: Path, mutation: Mutation, answers: Answers) -> None:
    """Break one file of a rendered project."""
    source = ROOT / mutation.file
    there = project(source, answers)
    assert there, f"no project with {mutation.answers} has {mutation.file}"
    broken = whole / there[0]
    if mutation.is_deletion:
        broken.unlink()
        return
    text = text_of(mutation.file, mutation.broken(source.read_text()), answers)
    assert text != there[1], (
        f"the mutation has no effect on {mutation.file} with {mutation.answers}"
    )
    broken.write_text(text)
    date_by_content(broken)
