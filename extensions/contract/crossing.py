"""The combinations of answers that are tested.

Blocks are fully crossed with each other. All other listed answers are laid across them: every
possible triple of answers occurs, and combinations are added only for triples that would otherwise
be missing.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

from extensions.contract.questionnaire import Answer, Answers, Question, Questionnaire

__all__ = ["combinations_of"]

type _Triple = tuple[tuple[str, Answer], ...]


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
    spread = _Spread(questionnaire, crossed, laid)
    found = [spread.add(row) for row in questionnaire.combinations(over=crossed, fixed=fixed)]
    return [*found, *spread.add_missing()]


class _Spread:
    """Lays questions evenly across combinations.

    Greedy: each question takes the answer with the most new triples; on a tie, the answer with the
    least frequent triples.
    """

    def __init__(
        self, questionnaire: Questionnaire, crossed: Sequence[str], laid: Sequence[Question]
    ) -> None:
        self._questionnaire = questionnaire
        self._crossed = crossed
        self._laid = laid
        self._occurred: Counter[_Triple] = Counter()
        self._possible: dict[_Triple, Answers] = {}

    def add(self, row: Answers) -> Answers:
        """Complete a combination of the crossed questions."""
        laid = {question.name for question in self._laid}
        return self._complete({name: row[name] for name in row if name not in laid})

    def add_missing(self) -> Iterator[Answers]:
        """Yield a combination for each triple that has not occurred yet."""
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
        pairs = list(combinations([(name, answers[name]) for name in before], min(2, len(before))))
        triples: dict[Answer, list[_Triple]] = {
            answer: [(*pair, (question.name, answer)) for pair in pairs]
            for answer in self._alternatives(question, answers)
        }
        for answer, each in triples.items():
            start = answers | {question.name: answer}
            self._possible |= {triple: start for triple in each if triple not in self._possible}
        chosen = min(triples, key=lambda answer: self._weight(triples[answer]))
        self._occurred.update(triples[chosen])
        return chosen

    def _alternatives(self, question: Question, answers: Answers) -> Sequence[Answer]:
        if question.name in answers:
            return [answers[question.name]]
        return self._questionnaire.alternatives(question, answers)

    def _weight(self, triples: Sequence[_Triple]) -> tuple[int, int]:
        counts = [self._occurred[triple] for triple in triples]
        return -counts.count(0), sum(counts)
