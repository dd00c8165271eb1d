"""The steps of a page or a skill: what its text says to write, to add and to run."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

__all__ = ["AGENTS", "CLAUDE", "Step", "commands_in", "names_in", "steps_of"]

AGENTS, CLAUDE = ".agents/skills", ".claude/skills"
"""Where skills are, and where their copies for Claude Code are."""

_WRITE = re.compile(r"Write `([^`]+)`:$")
_ADD = re.compile(
    r"In `([^`]+)`, (?P<side>before|after) (?P<which>the|each) (?P<kind>line|line with|text)"
    r" (?P<anchor>`+.+`+), add:$"
)
_REPLACE = re.compile(r"In `([^`]+)`, replace `(?P<old>.+)` with:$")
_NAMED = re.compile(r"(?://|#) (\S+\.\w+)\n")


@dataclass(frozen=True, kw_only=True)
class Step:
    """One block of code with the sentence above it.

    Attributes:
        sentence: Says where the text goes.
        language: What the block is written in.
        text: The text to write, to add or to run.
    """

    sentence: str
    language: str
    text: str

    @property
    def is_run(self) -> bool:
        """True if the text is commands."""
        return self.language == "shell"

    @property
    def is_placed(self) -> bool:
        """True if the sentence above the text, or its first line, says where it goes."""
        return self._target is not None

    @property
    def path(self) -> str:
        """The file that the step writes or changes."""
        assert self._target, f"It does not say where this goes: {self.sentence}"
        return self._target[1]

    @property
    def _target(self) -> re.Match[str] | None:
        said = (each.search(self.sentence) for each in (_WRITE, _ADD, _REPLACE))
        return next(filter(None, said), None) or _NAMED.match(self.text)

    def edit(self, root: Path) -> None:
        """Write the text to its file, or add it there.

        Args:
            root: The folder from which the sentence names the file.
        """
        path = root / self.path
        before = path.read_text() if path.exists() else None
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.edited(before))

    def edited(self, before: str | None) -> str:
        """Return the text of the file after the step.

        Args:
            before: The text of the file, or None if there is none.
        """
        if _WRITE.search(self.sentence) or _NAMED.match(self.text):
            assert before is None, f"{self.path} exists"
            return self.text
        assert before is not None, f"{self.path} is missing"
        if replaced := _REPLACE.search(self.sentence):
            assert before.count(replaced["old"]) == 1, f"{self.path} has not one {replaced['old']}"
            return before.replace(replaced["old"], self.text.removesuffix("\n"))
        found = _ADD.search(self.sentence)
        assert found
        anchor = found["anchor"].strip("`")
        pattern = {
            "line": rf"^{re.escape(anchor)}\n",
            "line with": rf"^.*{re.escape(anchor)}.*\n",
            "text": re.escape(anchor),
        }[found["kind"]]
        added = self.text.removesuffix("\n") if found["kind"] == "text" else self.text
        order = (r"\g<0>{}" if found["side"] == "after" else r"{}\g<0>").format(
            added.replace("\\", r"\\")
        )
        after, count = re.subn(pattern, order, before, flags=re.MULTILINE)
        wanted = 1 if found["which"] == "the" else count
        assert count == wanted > 0, f"{count} places in {self.path} have {anchor}"
        return after


def steps_of(page: str) -> Iterator[Step]:
    """Yield each block of code, with the paragraph above it."""
    sentence = ""
    for token in MarkdownIt().parse(page):
        if token.type == "inline":
            sentence = token.content.replace("\n", " ")
        elif token.type == "fence":
            yield Step(sentence=sentence, language=token.info, text=token.content)


def commands_in(text: str) -> Iterator[str]:
    """Return the lines of all shell blocks, without their comments."""
    for step in steps_of(text):
        if step.is_run:
            lines = step.text.replace("\\\n", "").splitlines()
            yield from (re.sub(r"\s+# .*", "", line) for line in lines)


def names_in(text: str) -> Iterator[str]:
    """Return what a text names between backticks, less the places of its steps."""
    for token in MarkdownIt().parse(text):
        if token.type == "inline":
            prose = token.content.replace("\n", " ")
            yield from re.findall(r"`([^`]+)`", _ADD.sub("", _WRITE.sub("", prose)))
