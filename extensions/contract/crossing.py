"""The combinations of answers that are tested.

Most blocks are fully crossed with each other; some are laid across them, so that every possible
triple of blocks' answers occurs. Answers that change no code occur in every possible pair with the
others. Combinations are added only for triples and pairs that would otherwise be missing.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

from extensions.contract.questionnaire import ALONGSIDE, Answer, Answers, Question, Questionnaire

__all__ = ["combinations_of"]

type _Crossing = tuple[tuple[str, Answer], ...]


def combinations_of(
    questionnaire: Questionnaire,
    fixed: Mapping[str, object] | None = None,
    *,
    is_every: bool = False,
) -> list[Answers]:
    """List the combinations that are tested.

    Args:
        questionnaire: The questions.
        fixed: Answers to keep constant.
        is_every: Whether to cross even the blocks that are otherwise laid across the others.

    Returns:
        Complete answers, one mapping for each combination.
    """
    crossed = questionnaire.blocks if is_every else questionnaire.crossed
    laid = [
        question
        for question in questionnaire.questions
        if question.values and question.name not in {*crossed, *(fixed or {})}
    ]
    laid.sort(key=_changes_no_code)
    spread = _Spread(questionnaire, crossed, laid)
    found = [spread.add(row) for row in questionnaire.combinations(over=crossed, fixed=fixed)]
    return [*found, *spread.add_missing()]


def _changes_no_code(question: Question) -> bool:
    return question.name in ALONGSIDE


class _Spread:
    """Lays questions evenly across combinations.

    Greedy: each question takes the answer with the most new triples or pairs; on a tie, the answer
    whose triples or pairs are the least frequent.
    """

    def __init__(
        self, questionnaire: Questionnaire, crossed: Sequence[str], laid: Sequence[Question]
    ) -> None:
        self._questionnaire = questionnaire
        self._crossed = crossed
        self._laid = laid
        self._occurred: Counter[_Crossing] = Counter()
        self._possible: dict[_Crossing, Answers] = {}

    def add(self, row: Answers) -> Answers:
        """Complete a combination of the crossed questions."""
        laid = {question.name for question in self._laid}
        return self._complete({name: row[name] for name in row if name not in laid})

    def add_missing(self) -> Iterator[Answers]:
        """Yield a combination for each triple or pair that has not occurred yet."""
        while missing := next((each for each in self._possible if not self._occurred[each]), None):
            yield self._complete(self._possible[missing])

    def _complete(self, start: Answers) -> Answers:
        answers = dict(start)
        before = [*self._crossed]
        for question in self._laid:
            answers[question.name] = self._choose(question, answers, before)
            before.append(question.name)
        computed = {each.name for each in self._questionnaire.questions if each.is_computed}
        given = {name: answers[name] for name in answers if name not in computed}
        return self._questionnaire.complete(given)

    def _choose(self, question: Question, answers: Answers, before: Sequence[str]) -> Answer:
        size = 1 if _changes_no_code(question) else min(2, len(before))
        others = list(combinations([(name, answers[name]) for name in before], size))
        crossings: dict[Answer, list[_Crossing]] = {
            answer: [(*each, (question.name, answer)) for each in others]
            for answer in self._alternatives(question, answers)
        }
        for answer, new in crossings.items():
            start = answers | {question.name: answer}
            self._possible |= {each: start for each in new if each not in self._possible}
        chosen = min(crossings, key=lambda answer: self._weight(crossings[answer]))
        self._occurred.update(crossings[chosen])
        return chosen

    def _alternatives(self, question: Question, answers: Answers) -> Sequence[Answer]:
        if question.name in answers:
            return [answers[question.name]]
        return self._questionnaire.alternatives(question, answers)

    def _weight(self, crossings: Sequence[_Crossing]) -> tuple[int, int]:
        counts = [self._occurred[each] for each in crossings]
        return -counts.count(0), sum(counts)
