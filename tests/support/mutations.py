"""Small breakages of the template, each with the test that must notice it.

They are in `tests/mutations/`: each file in `template/` breaks tests of one folder of `tests/`, and
each file in `project/` breaks tests of one block of a rendered project.
"""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from extensions.contract.questionnaire import ROOT, Answer, Answers

__all__ = ["Mutation", "mutations_of"]

FOLDER = ROOT / "tests" / "mutations"

type Kind = Literal["project", "template"]


class Mutation(BaseModel):
    """One breakage and the test that must notice it.

    Attributes:
        file: The file to break, relative to the template's repository.
        old: The text to remove, which must exist; by default the whole file.
        new: The replacement.
        test: The test that must fail, as pytest names it.
        answers: The answers of the project that differ from the defaults; by default those at the
            head of the row's file.
        tools: The programs that the test starts.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: str
    old: str = ""
    new: str = ""
    test: str
    answers: Answers = Field(default_factory=dict[str, Answer])
    tools: tuple[str, ...] = ()

    def __str__(self) -> str:
        name = re.sub(r"{%.*?%}", "", Path(self.file).name).removesuffix(".jinja")
        return f"{name}: {self.test.rpartition('/')[2]}"

    @property
    def is_deletion(self) -> bool:
        """Removal of the whole file, instead of a replacement in it."""
        return not self.old

    def broken(self, text: str) -> str:
        """Return the text of the file with the breakage."""
        if self.old in text:
            return text.replace(self.old, self.new)
        broken, count = re.subn(_any_layout(self.old), lambda _: self.new.strip(), text)
        assert count, f"{self.file} no longer contains {self.old!r}"
        return broken

    def apply(self, root: Path) -> None:
        """Break the file below another root."""
        path = root / self.file
        if self.is_deletion:
            path.unlink()
        else:
            path.write_text(self.broken(path.read_text()))


def _any_layout(code: str) -> str:
    """Return a pattern for code that a fork has reformatted for another line length."""
    start = code.strip().rstrip("()")
    brackets = code.strip().removeprefix(start)
    words = map(re.escape, re.findall(r"\w+|[^\s\w(),]", start))
    return r"[\s(),]*".join(words) + "".join(rf"[\s,]*{re.escape(each)}" for each in brackets)


class _Area(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    answers: Answers = Field(default_factory=dict[str, Answer])
    mutations: tuple[Mutation, ...]

    def rows(self) -> Iterator[Mutation]:
        for each in self.mutations:
            is_own = "answers" in each.model_fields_set
            yield each if is_own else each.model_copy(update={"answers": self.answers})


def mutations_of(kind: Kind, area: str = "*") -> list[Mutation]:
    """Read the breakages of a block, of a folder of tests, or all."""
    texts = [path.read_text() for path in sorted((FOLDER / kind).glob(f"{area}.toml"))]
    return [row for text in texts for row in _Area.model_validate(tomllib.loads(text)).rows()]
