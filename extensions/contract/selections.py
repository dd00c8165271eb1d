"""Sets of combinations, and the answers that they have in common, in words."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import combinations

from extensions.contract.questionnaire import Answer, Answers

__all__ = ["Combinations", "Selection"]

type Selection = int
"""A set of combinations: bit number i stands for the i-th."""

type Term = Mapping[str, tuple[Answer, ...]]
"""The values that some answers may have; a combination matches if all of them do."""

_FEW = 3
"""The number of answers in a term that is found by trying all such terms."""

_SHOWN = 4


class Combinations:
    """The combinations that are compared.

    Attributes:
        listed: Their answers.
        everything: All of them.
    """

    def __init__(self, listed: Sequence[Answers], least: Sequence[str] = ()) -> None:
        """Index the combinations.

        Args:
            listed: Their answers.
            least: The answers to name only if others do not explain a set as well.
        """
        self.listed = tuple(listed)
        self.everything: Selection = (1 << len(self.listed)) - 1
        self._least = tuple(least)
        self._words: dict[Selection, str] = {}

    def describe(self, chosen: Selection) -> str:
        """Describe a set of combinations by its answers.

        Args:
            chosen: The set.

        Returns:
            The answers in words, such as "`cache` and `database` postgresql"; "always" for all.
        """
        if chosen not in self._words:
            terms = self.terms(chosen)
            words = [" and ".join(self._word(name, term[name]) for name in term) for term in terms]
            self._words[chosen] = "; or ".join(words[:_SHOWN] + ["…"] * (len(words) > _SHOWN))
        return self._words[chosen] or "always"

    def terms(self, chosen: Selection) -> list[Term]:
        """Find terms that together match exactly the combinations of a set.

        Args:
            chosen: The set.

        Returns:
            The terms, those with the fewest answers first.
        """
        found: list[Term] = []
        left = chosen
        for terms in self._small:
            inside = {place: term for place, term in terms.items() if not place & ~chosen}
            while any(place & left for place in inside):
                best = max(inside, key=lambda place: (place & left).bit_count())
                found.append(inside[best])
                left &= ~best
        while left:
            found.append(self._large(left, chosen))
            left &= ~self.matching(found[-1])
        return found

    def matching(self, term: Term) -> Selection:
        """Return the combinations that match a term."""
        found = self.everything
        for name, values in term.items():
            either = 0
            for value in values:
                either |= self._values[name][value]
            found &= either
        return found

    @cached_property
    def _values(self) -> dict[str, dict[Answer, Selection]]:
        """The combinations with each value of the answers that differ."""
        found: dict[str, dict[Answer, Selection]] = {}
        for index, answers in enumerate(self.listed):
            for name, value in answers.items():
                values = found.setdefault(name, {})
                values[value] = values.get(value, 0) | 1 << index
        differing = (name for name in found if len(found[name]) > 1)
        return {name: found[name] for name in sorted(differing, key=self._least.__contains__)}

    @cached_property
    def _small(self) -> list[dict[Selection, Term]]:
        """All terms with few answers, by the combinations that match, in groups of one size."""
        groups: list[dict[Selection, Term]] = [{self.everything: {}}]
        for size in range(1, _FEW + 1):
            found: dict[Selection, Term] = {}
            for parts in combinations(self._parts(), size):
                term = dict(parts)
                if len(term) == size and (place := self.matching(term)):
                    found.setdefault(place, term)
            groups.append(found)
        return groups

    def _parts(self) -> Iterator[tuple[str, tuple[Answer, ...]]]:
        """Yield each answer with one of its values, and with all but one."""
        for name, values in self._values.items():
            yield from ((name, (value,)) for value in values)
            for value in values if len(values) > 2 else ():
                yield name, tuple(other for other in values if other != value)

    def _large(self, left: Selection, chosen: Selection) -> Term:
        """Leave out answers of one combination as long as the others imply that it is chosen."""
        first = self.listed[(left & -left).bit_length() - 1]
        term: Term = {name: (first[name],) for name in self._values}
        for name in reversed(self._values):
            rest = {other: values for other, values in term.items() if other != name}
            if not self.matching(rest) & ~chosen:
                term = rest
        return term

    def _word(self, name: str, values: Sequence[Answer]) -> str:
        others = [value for value in self._values[name] if value not in values]
        if values[0] is True or others == ["none"]:
            return f"`{name}`"
        if len(values) > 1:
            return f"`{name}` other than {others[0]}"
        is_off = values[0] in {False, "none"}
        return f"without `{name}`" if is_off else f"`{name}` {values[0]}"
