"""The questionnaire on the command line: `python -m extensions`.

For pipelines and portals that validate an answers file before copying or shard the combinations
across machines, and for the template's maintainers.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import yaml

from extensions.contract.crossing import combinations_of
from extensions.contract.questionnaire import ROOT, InvalidAnswersError, read
from extensions.contract.report import as_json, as_markdown, as_text
from extensions.maintenance.bump import UnresolvableError, bump
from extensions.maintenance.difference import difference, newest
from extensions.maintenance.documentation import pages
from extensions.maintenance.fleet import as_table, inventory
from extensions.maintenance.reformat import reformat
from extensions.maintenance.releases import releases, section
from extensions.maintenance.revisions import UnknownRevisionError

__all__ = ["main", "part"]

_PER_SHARD = 48
_NO_MAPPING = "Not a YAML mapping. Write one `question: answer` per line."


class UnreadableError(ValueError):
    """A file cannot be read; the message names it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: The arguments after `python -m extensions`; by default those of the process.

    Returns:
        The exit code: 0 on success, 1 on an error. Wrong usage exits with 2.
    """
    options = _parser().parse_args(arguments)
    exit_code: int = options.run(options)
    return exit_code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m extensions", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    combinations = commands.add_parser(
        "combinations", help="list the tested combinations of answers"
    )
    combinations.add_argument(
        "--shard", type=part, default=(1, 1), metavar="K/N", help="list only the K-th of N shards"
    )
    combinations.add_argument(
        "--every", action="store_true", help="cross even the blocks that are laid across others"
    )
    form = combinations.add_mutually_exclusive_group()
    form.add_argument(
        "--json", action="store_true", help="print the answers, one JSON object per line"
    )
    form.add_argument(
        "--shards", action="store_true", help=f"print a JSON list of shards of about {_PER_SHARD}"
    )
    combinations.set_defaults(run=_combinations)

    schema = commands.add_parser("schema", help="print the JSON Schema of an answers file")
    schema.set_defaults(run=_schema)

    validate = commands.add_parser(
        "validate", help="check an answers file; print one line per error"
    )
    validate.add_argument("answers", type=Path, metavar="ANSWERS.yml")
    validate.set_defaults(run=_validate)

    compared = commands.add_parser(
        "diff", help="show what a change of the template does to generated projects"
    )
    _take_diff(compared)

    docs = commands.add_parser("docs", help="regenerate the pages that come from other files")
    docs.set_defaults(run=_docs)

    counted = commands.add_parser("fleet", help="list projects, and how far behind they are")
    counted.add_argument(
        "places",
        nargs="+",
        type=Path,
        metavar="DIR",
        help="a checkout, a folder of checkouts, or a YAML file with the answers of repositories",
    )
    counted.add_argument("--json", action="store_true", help="print a JSON list")
    counted.set_defaults(run=_fleet)

    made = commands.add_parser("pictures", help="make the pictures and samples of the README")
    made.set_defaults(run=_pictures)

    newer = commands.add_parser("bump", help="update the package versions in stack.jinja")
    newer.add_argument(
        "--until", default=_now(), metavar="TIME", help="ignore later releases; by default now"
    )
    newer.set_defaults(run=_bump)

    formatted = commands.add_parser(
        "reformat", help="format the template's Python for the line length in house.jinja"
    )
    formatted.set_defaults(run=_reformat)

    listed = commands.add_parser("releases", help="list the tags and their commits")
    listed.add_argument(
        "--notes", action="store_true", help="print the notes of the newest release"
    )
    listed.set_defaults(run=_releases)
    return parser


def _take_diff(compared: argparse.ArgumentParser) -> None:
    """Add the arguments of `diff`."""
    compared.add_argument("old", metavar="OLD", help="a release, such as 0.4.1, or a git revision")
    compared.add_argument("new", metavar="NEW", nargs="?", help="by default the working tree")
    compared.add_argument(
        "--answers", type=Path, metavar="FILE", help="compare one project instead of all"
    )
    form = compared.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print one JSON object")
    form.add_argument("--markdown", action="store_true", help="print Markdown")
    compared.add_argument(
        "--limit", type=int, metavar="BYTES", help="leave out hunks that make Markdown longer"
    )
    compared.set_defaults(run=_diff)


def part(text: str) -> tuple[int, int]:
    """Parse a shard.

    Args:
        text: Its number and the number of shards, such as `3/16`.

    Returns:
        The number of the shard, from 1, and the number of shards.

    Raises:
        argparse.ArgumentTypeError: The text is not a shard.
    """
    number, _, of = text.partition("/")
    if not (number.isdigit() and of.isdigit() and 1 <= int(number) <= int(of)):
        raise argparse.ArgumentTypeError(f"{text} is not a shard; use K/N, such as 3/16")
    return int(number), int(of)


def _combinations(options: argparse.Namespace) -> int:
    questionnaire = read()
    found = combinations_of(questionnaire, is_every=options.every)
    if options.shards:
        parts = -(-len(found) // _PER_SHARD)
        _write(json.dumps([f"{number}/{parts}" for number in range(1, parts + 1)]))
        return 0
    number, of = options.shard
    for answers in found[number - 1 :: of]:
        listed = {name: answers[name] for name in answers if questionnaire.question(name).values}
        _write(json.dumps(answers) if options.json else questionnaire.command(listed))
    return 0


def _schema(_options: argparse.Namespace) -> int:
    _write(json.dumps(read().json_schema(), indent=2))
    return 0


def _validate(options: argparse.Namespace) -> int:
    try:
        read().complete(_answers_in(options.answers))
    except (UnreadableError, InvalidAnswersError) as error:
        return _refuse(str(error))
    return 0


def _diff(options: argparse.Namespace) -> int:
    try:
        answers = _answers_in(options.answers) if options.answers else None
        report = difference(options.old, options.new, answers)
    except (UnknownRevisionError, UnreadableError, InvalidAnswersError) as error:
        return _refuse(str(error))
    if options.json:
        _write(json.dumps(as_json(report)))
    else:
        _write(as_markdown(report, options.limit) if options.markdown else as_text(report))
    return 0


def _fleet(options: argparse.Namespace) -> int:
    missing = [place for place in options.places if not place.exists()]
    if missing:
        return _refuse(f"{missing[0]}: No such file or directory")
    found = inventory(options.places)
    _write(json.dumps([asdict(each) for each in found]) if options.json else as_table(found))
    return 0


def _docs(_options: argparse.Namespace) -> int:
    try:
        changes = newest()
    except UnknownRevisionError as error:
        sys.stderr.write(f"CHANGELOG.md keeps its list of what changes in projects: {error}\n")
        changes = None
    for name, text in pages(difference=changes).items():
        if (ROOT / name).read_text(encoding="utf-8") != text:
            (ROOT / name).write_text(text, encoding="utf-8")
            _write(name)
    return 0


def _pictures(_options: argparse.Namespace) -> int:
    from extensions.maintenance.pictures import pictures  # needs Copier and Selenium

    for name in pictures():
        _write(name)
    return 0


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _bump(options: argparse.Namespace) -> int:
    try:
        changes = bump(options.until)
    except UnresolvableError as error:
        return _refuse(str(error))
    for change in changes:
        _write(change)
    return 0


def _reformat(_options: argparse.Namespace) -> int:
    result = reformat()
    for name in result.changed:
        _write(name)
    return _refuse("\n".join(result.left)) if result.left else 0


def _releases(options: argparse.Namespace) -> int:
    entries = releases()
    if options.notes:
        _write("\n".join(section(entries[0])))
        return 0
    for entry in reversed(entries):
        _write(f"{entry.tag} {entry.commit or 'HEAD'}")
    return 0


def _answers_in(path: Path) -> dict[str, object]:
    try:
        content: object = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except OSError as error:
        raise UnreadableError(f"{path}: {error.strerror}") from error
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise UnreadableError(f"{path}: {_NO_MAPPING}") from error
    if not isinstance(content, dict):
        raise UnreadableError(f"{path}: {_NO_MAPPING}")
    return {str(name): value for name, value in cast("dict[object, object]", content).items()}


def _refuse(message: str) -> int:
    sys.stderr.write(f"{message}\n")
    return 1


def _write(line: str) -> None:
    sys.stdout.write(f"{line}\n")
