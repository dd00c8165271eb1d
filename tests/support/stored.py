"""Files whose contents git keeps elsewhere, as with git LFS, without installing that."""

from pathlib import Path

from tests.support.history import Project

__all__ = ["leave_pointer", "store_elsewhere"]

_FILTER = """\
#!/bin/sh
text=$(mktemp)
cat > "$text"
case $1 in
    clean)
        if head -c 8 "$text" | grep -q ^version; then
            cat "$text"
        else
            digest=$(sha256sum < "$text" | cut -c -64)
            cp "$text" "$0.$digest"
            echo "version https://git-lfs oid $digest"
        fi ;;
    smudge)
        if [ -n "$GIT_LFS_SKIP_SMUDGE" ]; then
            cat "$text"
        else
            cat "$0.$(cut -d " " -f 4 "$text")"
        fi ;;
esac
"""


def store_elsewhere(project: Project, *names: str, rules: str = ".git/info/attributes") -> Path:
    """Keep the contents of files in a folder, and their digests in git.

    Args:
        project: The project.
        names: The files; those with the same name in other folders are kept there, too.
        rules: The file that names them.

    Returns:
        The folder with the contents.
    """
    program = project.top.with_name("stored") / "filter"
    program.parent.mkdir()
    program.write_text(_FILTER)
    program.chmod(0o755)
    for action in ("clean", "smudge"):
        project.git("config", f"filter.lfs.{action}", f"'{program}' {action}")
    project.git("config", "filter.lfs.required", "true")
    kept = project.read(rules) if (project.path / rules).exists() else ""
    lines = "".join(f"{Path(name).name} filter=lfs -text\n" for name in names)
    project.write(rules, kept + lines)
    project.git("add", "--all", "--renormalize")
    project.commit()
    return program.parent


def leave_pointer(project: Project, name: str) -> None:
    """Keep a file elsewhere, and leave only its pointer, as a checkout without git LFS does."""
    for contents in store_elsewhere(project, name).glob("filter.*"):
        contents.unlink()
    # Otherwise git might look at the text again, and store its contents again.
    project.write(name, project.git("show", f"HEAD:./{name}"))
    project.git("add", name)
