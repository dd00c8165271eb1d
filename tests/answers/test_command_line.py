"""`python -m extensions` documents itself and prints lines that other programs can parse."""

import json
import re
import shlex
import subprocess
import sys

import pytest

from extensions.contract.questionnaire import ROOT
from extensions.maintenance.command_line import main
from extensions.maintenance.releases import releases
from tests.support.projects import QUESTIONNAIRE, combinations

pytestmark = pytest.mark.quick

COUNT = len(combinations())


def lines(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    assert main(arguments) == 0
    written = capsys.readouterr()
    assert written.err == ""
    return written.out.splitlines()


def test_combinations_are_commands(capsys: pytest.CaptureFixture[str]) -> None:
    found = lines(capsys, "combinations")

    assert len(found) == len(set(found)) == COUNT
    assert all(line.startswith("uv run copier copy --defaults -") for line in found)


def test_combinations_as_json_are_whole_answers(capsys: pytest.CaptureFixture[str]) -> None:
    found = [json.loads(line) for line in lines(capsys, "combinations", "--json")]

    assert len(found) == COUNT
    assert all(QUESTIONNAIRE.complete(answers) == answers for answers in found)


def test_combinations_closed_pipe_ends_quietly() -> None:
    command = f"{shlex.quote(sys.executable)} -m extensions combinations | head -1"
    result = subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, check=True)

    assert (result.stdout.count(b"\n"), result.stderr) == (1, b"")


@pytest.mark.parametrize("of", [1, 2, 7])
def test_shards_are_a_partition(of: int, capsys: pytest.CaptureFixture[str]) -> None:
    shared = [
        line
        for number in range(1, of + 1)
        for line in lines(capsys, "combinations", "--shard", f"{number}/{of}")
    ]

    assert sorted(shared) == sorted(lines(capsys, "combinations"))


def test_shards_are_listed_for_a_matrix(capsys: pytest.CaptureFixture[str]) -> None:
    (listed,) = lines(capsys, "combinations", "--shards")

    shards = json.loads(listed)
    assert shards == [f"{number}/{len(shards)}" for number in range(1, len(shards) + 1)]


def test_docs_are_current(capsys: pytest.CaptureFixture[str]) -> None:
    assert lines(capsys, "docs") == []


def test_releases_are_tags_with_commits_oldest_first(capsys: pytest.CaptureFixture[str]) -> None:
    listed = [line.split() for line in lines(capsys, "releases")]

    assert [tag for tag, _ in listed] == [entry.tag for entry in reversed(releases())]
    assert all(re.fullmatch(r"[0-9a-f]{40}|HEAD", commit) for _, commit in listed)


def test_notes_are_those_of_the_newest_release(capsys: pytest.CaptureFixture[str]) -> None:
    newest = releases()[0]

    head, *notes = lines(capsys, "releases", "--notes")

    assert newest.version in head
    assert {f"- {note}" for note in newest.all_notes} <= {*notes}


def test_schema_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert json.loads("\n".join(lines(capsys, "schema"))) == QUESTIONNAIRE.json_schema()


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        ([], "COMMAND"),
        (["unheard-of"], "invalid choice: 'unheard-of'"),
        (["validate"], "ANSWERS.yml"),
        (["combinations", "--shard", "x"], "x is not a shard; use K/N, such as 3/16"),
        (["combinations", "--shard", "0/2"], "0/2 is not a shard; use K/N, such as 3/16"),
        (["combinations", "--json", "--shards"], "not allowed with"),
    ],
)
def test_wrong_usage_exits_with_2_and_a_hint(
    arguments: list[str], hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main(arguments)

    assert stop.value.code == 2
    assert hint in capsys.readouterr().err


@pytest.mark.parametrize(
    "command",
    [
        [],
        ["combinations"],
        ["diff"],
        ["docs"],
        ["fleet"],
        ["pictures"],
        ["releases"],
        ["schema"],
        ["validate"],
    ],
)
def test_help_is_there(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main([*command, "--help"])

    assert stop.value.code == 0
    assert "usage: python -m extensions" in capsys.readouterr().out
