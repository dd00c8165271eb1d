"""The requests of the page, answered in the browser by the template's own questionnaire.

The build asks the same code for what the page shows before Python is loaded.
"""

import io
import json
import re
import shlex
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypedDict

from extensions.contract.projection import ANSWERS_FILE, Projection, answers_file_of
from extensions.contract.questionnaire import Answer, Answers, InvalidAnswersError, answer_text
from start.differences import Difference, differences
from start.prepared import prepared
from start.updates import (
    Listed,
    MissingReleaseError,
    Update,
    between,
    release_of,
    source_of,
    update,
)

__all__ = ["Engine", "Origin", "Preview"]

_FOLDER = "myapp"
"""The folder of a project whose name is not given yet; its default name comes from it."""

_RELEASE = re.compile(r"v\d+\.\d+\.\d+")
_FILE, _PROGRAM = 0o100644, 0o100755
_KEPT = 8000
"""The number of rendered files to keep, some 20 MB: for the last answers and all next ones."""


@dataclass(frozen=True)
class Origin:
    """The source of projects, as Copier records it.

    Attributes:
        source: The address of the template, such as `gh:your-organisation/template`.
        commit: Its release, such as `v0.5.0`, or a commit.
    """

    source: str
    commit: str

    @property
    def is_release(self) -> bool:
        """True for a release: Copier takes the newest one by default."""
        return _RELEASE.fullmatch(self.commit) is not None

    @property
    def reference(self) -> list[str]:
        """Copier's option for this state of the template; none for a release."""
        return [] if self.is_release else ["--vcs-ref", "HEAD"]


class Preview(TypedDict):
    """A project as it will be.

    Attributes:
        answers: The answers to all questions.
        defaults: The default of each question, given the other answers.
        differing: The given answers that differ from their defaults.
        asked: The questions that apply.
        is_whole: True for the first preview, which has all files.
        changed: The texts of new and changed files by path, since the last preview.
        gone: The paths of removed files, since the last preview.
        folder: The name of the project's folder.
        command: The shell command that copies the project.
    """

    answers: Answers
    defaults: Answers
    differing: Answers
    asked: list[str]
    is_whole: bool
    changed: dict[str, str]
    gone: list[str]
    folder: str
    command: str


class Engine:
    """Renders projects of one template.

    Args:
        root: The folder that holds `copier.yml`.
        origin: Where Copier finds the template.
        releases: The folder with the templates of past releases.
    """

    def __init__(self, root: Path, origin: Origin, releases: Path = Path("releases")) -> None:
        """Read the questionnaire."""
        self._releases = releases
        self._questionnaire, reads = prepared(root)
        self._projection = Projection(questionnaire=self._questionnaire, reads=reads, limit=_KEPT)
        self._origin = origin
        self._sent: dict[str, str] = {}

    def handle(self, kind: str, request: str) -> str | bytes:
        """Answer one request of the page.

        Args:
            kind: `preview`, `compare`, `archive` or `update`.
            request: Its parameters, as a JSON object.

        Returns:
            The result as JSON, or an archive; for invalid answers JSON with `errors`, the message
            for each question; for an update from a release that is not here yet, JSON with
            `missing`, its version.

        Raises:
            ValueError: There is no such kind of request.
        """
        parameters = json.loads(request)
        try:
            match kind:
                case "preview":
                    return json.dumps(self.preview(**parameters))
                case "compare":
                    return json.dumps(self.compare(**parameters))
                case "archive":
                    return self.archive(**parameters)
                case "update":
                    return json.dumps(self.update(**parameters))
                case _:
                    raise ValueError(f"{kind}: unknown kind of request")
        except MissingReleaseError as error:
            return json.dumps({"missing": error.version})
        except InvalidAnswersError as error:
            messages = (line.partition(": ") for line in error.errors)
            return json.dumps({"errors": {name: message for name, _, message in messages}})

    def ahead(self, request: str) -> Iterator[None]:
        """Render what one other answer would change, for each answer that can be chosen.

        Args:
            request: As for `preview`.

        Yields:
            Nothing, after each answer: other requests can be handled in between.
        """
        given = json.loads(request)["given"]
        for question in self._questionnaire.questions:
            for value in () if question.is_computed else question.values:
                with suppress(InvalidAnswersError):
                    self._projection.files(self._complete({**given, question.name: value}))
                yield

    def preview(self, given: Mapping[str, Answer]) -> Preview:
        """Render the project with the given answers.

        Args:
            given: Answers by question; all others are defaults.

        Returns:
            The project; of its files those that differ from the last preview.

        Raises:
            InvalidAnswersError: An answer is invalid.
        """
        answers = self._complete(given)
        files = self._files(answers)
        before, self._sent = self._sent, files
        defaults = self._defaults(answers)
        differing = _differing(given, answers, defaults)
        return Preview(
            answers=answers,
            defaults=defaults,
            differing=differing,
            asked=[name for name in defaults if self._is_asked(name, answers)],
            is_whole=not before,
            changed={path: text for path, text in files.items() if before.get(path) != text},
            gone=[path for path in before if path not in files],
            folder=self._folder(answers, differing),
            command=self._command(answers, differing),
        )

    def compare(self, given: Mapping[str, Answer], name: str, value: Answer) -> list[Difference]:
        """Show what another answer to one question would change.

        Args:
            given: Answers by question; all others are defaults.
            name: The question.
            value: The other answer.

        Returns:
            The files that would be added, changed or removed.

        Raises:
            InvalidAnswersError: An answer is invalid.
        """
        now = self._files(self._complete(given))
        then = self._files(self._complete({**given, name: value}))
        return differences(now, then)

    def archive(self, given: Mapping[str, Answer]) -> bytes:
        """Pack the project with the given answers.

        Args:
            given: Answers by question; all others are defaults.

        Returns:
            A zip file with the project's folder.

        Raises:
            InvalidAnswersError: An answer is invalid.
        """
        answers = self._complete(given)
        folder = self._folder(answers, _differing(given, answers, self._defaults(answers)))
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for path, text, mode in self._rendered(answers):
                entry = zipfile.ZipInfo(f"{folder}/{path}", time.localtime()[:6])
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.create_system = 3  # Unix, whose modes follow
                entry.external_attr = mode << 16
                archive.writestr(entry, text.encode())
        return buffer.getvalue()

    def update(self, text: str, target: str, releases: Sequence[Listed]) -> Update:
        """Show what an update brings to a project.

        Args:
            text: The project's answers file.
            target: The release to update to.
            releases: The releases of this template, newest first: the first is the template itself.

        Returns:
            The update.

        Raises:
            InvalidAnswersError: The text is no answers file of an older release, or a release
                refuses its answers.
            MissingReleaseError: The template of a release is not here yet.
        """
        own, newest = release_of(text), releases[0]["version"]
        brought = between(own, target, releases)
        moved = {old: new for each in brought for old, new in each["moved"].items()}
        roots = [self._template_of(each, newest) for each in (own, target)]
        reference = self._origin.reference if target == newest else ["--vcs-ref", f"v{target}"]
        return Update(
            **update(text, moved, *roots),
            versions=[each["version"] for each in brought],
            command=shlex.join(["uvx", "copier", "update", "--defaults", *reference]),
            foreign=self._foreign(source_of(text)),
        )

    def _foreign(self, source: str) -> str:
        """Return an address if its repository has another name: clones and forks keep the name."""
        return source if source and _name_of(source) != _name_of(self._origin.source) else ""

    def _template_of(self, version: str, newest: str) -> Path:
        root = self._questionnaire.root if version == newest else self._releases / version
        if not root.is_dir():
            raise MissingReleaseError(version)
        return root

    def _complete(self, given: Mapping[str, Answer]) -> Answers:
        return self._questionnaire.complete(given, _FOLDER)

    def _files(self, answers: Answers) -> dict[str, str]:
        return {path: text for path, text, _ in self._rendered(answers)}

    def _rendered(self, answers: Answers) -> Iterator[tuple[str, str, int]]:
        """Yield the path, text and mode of each file."""
        metadata = {"_commit": self._origin.commit, "_src_path": self._origin.source}
        yield ANSWERS_FILE, answers_file_of(answers, metadata, self._questionnaire), _FILE
        for source, mode in self._sources.items():
            if rendered := self._projection.file(source, answers):
                yield *rendered, mode

    @cached_property
    def _sources(self) -> dict[Path, int]:
        """The files of the template, with the modes that git records."""
        return {
            source: _PROGRAM if source.stat().st_mode & 0o100 else _FILE
            for source in self._projection.sources
        }

    def _defaults(self, answers: Answers) -> Answers:
        context = {**answers, "_folder_name": _FOLDER}
        stored = [each for each in self._questionnaire.questions if each.is_stored]
        return {each.name: self._questionnaire.default(each, context) for each in stored}

    def _is_asked(self, name: str, answers: Answers) -> bool:
        return self._questionnaire.applies(self._questionnaire.question(name), answers)

    def _folder(self, answers: Answers, given: Mapping[str, Answer]) -> str:
        """Return the folder's name: without a given name, the one that the defaults come from."""
        return str(answers["project_slug"]) if "project_name" in given else _FOLDER

    def _command(self, answers: Answers, given: Mapping[str, Answer]) -> str:
        data = [word for name in given for word in ("-d", f"{name}={answer_text(answers[name])}")]
        options = ["--defaults", *self._origin.reference, *data]
        where = [self._origin.source, self._folder(answers, given)]
        return shlex.join(["uvx", "copier", "copy", *options, *where])


def _differing(given: Mapping[str, Answer], answers: Answers, defaults: Answers) -> Answers:
    """Return the given answers that differ from their defaults."""
    return {
        name: answers[name]
        for name in defaults
        if name in given and answers[name] != defaults[name]
    }


def _name_of(source: str) -> str:
    """Return the name of a repository."""
    return re.split(r"[/\\:]", source.rstrip("/").removesuffix(".git"))[-1]
