"""Past states of the template: the files of a release, or of any revision that git knows."""

import io
import shutil
import subprocess
import tarfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from extensions.contract.questionnaire import ROOT
from extensions.maintenance.releases import Release, releases

__all__ = ["TEMPLATE", "UnknownRevisionError", "commit_of", "is_tagged", "template_at"]

TEMPLATE = ("template", "extensions", "copier.yml")
"""What decides about the files of projects."""


class UnknownRevisionError(ValueError):
    """A revision is neither a release nor known to git; the message says what to do."""


def commit_of(revision: str, root: Path = ROOT) -> str:
    """Find the commit of a release, with or without its tag, or of another revision.

    The newest release may not be tagged yet; then it is `HEAD`.

    Args:
        revision: A version such as `0.4.1`, or any name that git knows.
        root: The folder that holds `copier.yml`.

    Returns:
        The commit.

    Raises:
        UnknownRevisionError: There is no such revision.
    """
    recorded = {entry.version: entry.commit or entry.tag for entry in releases(root)}
    found = _resolved(root, recorded.get(revision.removeprefix("v"), revision))
    if found is None and revision.removeprefix("v") in list(recorded)[:1]:
        found = _resolved(root, "HEAD")
    if found is None:
        raise UnknownRevisionError(
            f"git does not know {revision}. Name a release of releases.toml, such as 0.4.1, or "
            "a revision; in a shallow clone, run `git fetch --unshallow --tags` first."
        )
    return found


def is_tagged(entry: Release, root: Path = ROOT) -> bool:
    """Check whether a release was made.

    Args:
        entry: The release.
        root: The folder that holds `copier.yml`.

    Returns:
        Whether its commit is known.
    """
    return bool(entry.commit or _resolved(root, f"refs/tags/{entry.tag}"))


def _resolved(root: Path, name: str) -> str | None:
    found = _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    return None if found is None else found.decode().strip()


@contextmanager
def template_at(revision: str | None, root: Path = ROOT) -> Generator[Path]:
    """Provide the template of a revision.

    Args:
        revision: A release or any other revision; None for the working tree.
        root: The folder that holds `copier.yml`.

    Yields:
        The folder that holds its `copier.yml` and `releases.toml`, if it has the latter.

    Raises:
        UnknownRevisionError: There is no such revision.
    """
    if revision is None:
        yield root
        return
    commit = commit_of(revision, root)
    names = (_git(root, "ls-tree", "--name-only", commit, "releases.toml") or b"").decode().split()
    archive = _git(root, "archive", commit, *TEMPLATE, *names)
    assert archive is not None
    with TemporaryDirectory(prefix="template-") as folder:
        with tarfile.open(fileobj=io.BytesIO(archive)) as files:
            files.extractall(folder, filter="data")
        yield Path(folder)


def _git(root: Path, *arguments: str) -> bytes | None:
    """Return the output of git, or None if it fails."""
    command = [shutil.which("git") or "git", *arguments]
    result = subprocess.run(command, cwd=root, capture_output=True, check=False)
    return None if result.returncode else result.stdout
