"""The effect of a template change on generated projects: `python -m extensions diff`.

All combinations of the older state are rendered in both states. Answers that it did not ask for
have their default, as in a project that updates.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from extensions.contract.comparison import Change, Comparison, compare
from extensions.contract.crossing import combinations_of
from extensions.contract.projection import Files, Projection
from extensions.contract.questionnaire import (
    ALONGSIDE,
    ROOT,
    Answers,
    InvalidAnswersError,
    Questionnaire,
    answer_text,
    read,
)
from extensions.contract.report import Report, summary
from extensions.contract.selections import Combinations, Selection
from extensions.maintenance.releases import Release, releases
from extensions.maintenance.revisions import is_tagged, template_at

__all__ = ["difference", "newest", "unannounced"]

_SAMPLE = {"project_name": "My App"}


def difference(
    old: str, new: str | None = None, answers: Mapping[str, object] | None = None, root: Path = ROOT
) -> Report:
    """Compare the projects of two states of the template.

    Args:
        old: A release or any other revision.
        new: Another one; None for the working tree.
        answers: The answers of one project; by default all combinations are compared.
        root: The folder that holds `copier.yml`.

    Returns:
        The differences.

    Raises:
        UnknownRevisionError: There is no such revision.
        InvalidAnswersError: One of the states does not accept the answers.
    """
    with template_at(old, root) as before, template_at(new, root) as after:
        listed, refused = _translated(read(before), read(after), answers)
        with ProcessPoolExecutor(max_workers=2) as processes:
            projects = list(processes.map(_projects, (before, after), zip(*listed, strict=True)))
        entries = _entries(before, after, root)
        moved = {name: place for entry in entries for name, place in entry.moved.items()}
        comparison = compare(projects[0], projects[1], moved)
        combinations = Combinations([known for known, _ in listed], least=ALONGSIDE)
        return Report(
            old=old,
            new=new,
            combinations=combinations,
            refused=refused,
            comparison=comparison,
            answers=tuple(_questions(read(before), read(after), combinations.everything)),
            unannounced=tuple(unannounced(comparison, entries)),
        )


def newest(root: Path = ROOT) -> str:
    """Summarise what the newest release changes in projects, for the changelog.

    Args:
        root: The folder that holds `copier.yml`.

    Returns:
        The lines; none if there is no earlier release.

    Raises:
        UnknownRevisionError: git lacks the earlier release.
    """
    last, *older = releases(root)
    if not older:
        return ""
    report = difference(
        older[0].version, last.version if is_tagged(last, root) else None, root=root
    )
    command = f"python -m extensions diff {older[0].version} {last.version}"
    head = f"In projects, compared with {older[0].version} (`{command}` shows every line):\n"
    return "\n".join([head, *summary(report), "", ""])


def _translated(
    before: Questionnaire, after: Questionnaire, answers: Mapping[str, object] | None
) -> tuple[list[tuple[Answers, Answers]], int]:
    """Pair the answers in both states, and count those that the newer one refuses."""
    if answers is not None:
        known = before.complete(_asked(before, answers))
        return [(known, after.complete(_asked(after, known)))], 0
    pairs: list[tuple[Answers, Answers]] = []
    listed = combinations_of(before, _SAMPLE, is_every=True)
    for known in listed:
        try:
            pairs.append((known, after.complete(_asked(after, known))))
        except InvalidAnswersError:
            continue
    return pairs, len(listed) - len(pairs)


def _asked(questionnaire: Questionnaire, answers: Mapping[str, object]) -> dict[str, object]:
    """Leave out the answers that a state computes or does not know."""
    asked = {each.name for each in questionnaire.questions if not each.is_computed}
    return {name: answers[name] for name in answers if name in asked}


def _projects(root: Path, listed: Sequence[Answers]) -> list[Files]:
    """Render all combinations, with `<package>` for the package's name."""
    projection = Projection(questionnaire=read(root))
    return [
        {
            path.replace(f"src/{answers['package_name']}/", "src/<package>/"): text
            for path, text in projection.files(answers).items()
        }
        for answers in listed
    ]


def _questions(before: Questionnaire, after: Questionnaire, where: Selection) -> Iterator[Change]:
    """Compare the questions that have listed answers."""
    old, new = (_defaults(each) for each in (before, after))
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) != new.get(name):
            yield Change(name=name, old=old.get(name), new=new.get(name), where=where)


def _defaults(questionnaire: Questionnaire) -> dict[str, str]:
    """Return the possible answers to each question, the default first."""
    listed = (each for each in questionnaire.questions if each.values and not each.is_computed)
    return {
        each.name: ", ".join(map(answer_text, dict.fromkeys((each.default, *each.values))))
        for each in listed
    }


def _entries(before: Path, after: Path, root: Path) -> list[Release]:
    """Return the entries of releases that the older state does not have, as they are today.

    The newest entry of the newer state counts even if the older one has a part of it.
    """
    known, listed = (
        [entry.version for entry in releases(state)] if (state / "releases.toml").exists() else []
        for state in (before, after)
    )
    today = (
        {entry.version: entry for entry in (*releases(after), *releases(root))} if listed else {}
    )
    return [today[version] for version in listed if version not in known or version == listed[0]]


def unannounced(comparison: Comparison, entries: Iterable[Release]) -> Iterator[str]:
    """Find what owners of projects must know and the notes of releases do not say.

    Args:
        comparison: The differences between two states of the template.
        entries: The releases between them.

    Yields:
        A sentence for each file, setting and package that an entry must name.
    """
    listed = tuple(entries)
    removed = {name for entry in listed for name in entry.removed}
    moved = {name for entry in listed for name in entry.moved}
    notes = "\n".join(note for entry in listed for note in entry.all_notes)
    for change in comparison.gone:
        if change.name not in removed | moved:
            yield f"List `{change.name}` under `removed`."
    for change in comparison.moved:
        if change.name not in removed | moved:
            yield f"List `{change.name}` under `moved`, to `{change.new}`."
    for change in comparison.settings:
        if change.name not in notes:
            kind = "new default of" if change.old and change.new else "setting"
            yield f"Name the {kind} `{change.name}` in `notes`."
    for change in comparison.packages:
        if change.new is None and change.name not in notes:
            yield f"Name the removed package `{change.name}` in `notes`."
