"""`python -m extensions diff` shows what a change does to projects; `fleet` lists projects."""

import ast
import itertools
import json
import os
from collections.abc import Iterable
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from jinja2.nativetypes import NativeEnvironment

from extensions.contract.comparison import Change, Comparison, compare
from extensions.contract.questionnaire import ALONGSIDE, ROOT
from extensions.contract.report import Report, as_json, as_markdown, as_text, summary
from extensions.contract.selections import Combinations
from extensions.maintenance import fleet
from extensions.maintenance.command_line import main
from extensions.maintenance.difference import difference, unannounced
from extensions.maintenance.releases import Release, releases
from tests.support.history import assert_whole_clone, released
from tests.support.projects import BLOCKS, combinations

RELEASES = released()
PAIRS = [(older.version, newer.version) for newer, older in itertools.pairwise(RELEASES)]
EVERY = Combinations(combinations(is_every=True), least=ALONGSIDE)
PURE = ("comparison", "projection", "report", "selections")
"""The modules that a page in a browser can run."""


@pytest.fixture(scope="module")
def latest() -> Report:
    """Changes from the newest release to the working tree, in less than a minute of work."""
    assert_whole_clone()
    before = os.times()
    report = difference(RELEASES[0].version)
    assert sum(os.times()[:4]) - sum(before[:4]) < 60
    return report


# ------------------------------------------------------------------------------------ the core


def test_files_come_go_move_and_change_by_combination() -> None:
    old = [{"a": "1\n", "b": "same\n", "c": "x\ny\nz\n"}, {"a": "1\n", "d": "gone\n"}]
    new = [{"a": "2\n", "b": "same\n", "e": "x\ny\nz\nw\n"}, {"a": "1\n", "f": "come\n"}]

    found = compare(old, new)

    assert [(each.name, each.where) for each in found.changed] == [("a", 0b01)]
    assert [(each.name, each.new, each.where) for each in found.moved] == [("c", "e", 0b01)]
    assert [(each.name, each.where) for each in found.gone] == [("d", 0b10)]
    assert [(each.name, each.where) for each in found.new] == [("f", 0b10)]
    assert found.where == 0b11


def test_file_moves_only_where_it_comes_elsewhere() -> None:
    found = compare([{"c": "x\ny\n"}, {"c": "x\ny\n"}], [{"e": "x\ny\n"}, {}])

    assert [(each.name, each.new, each.where) for each in found.moved] == [("c", "e", 0b01)]


def test_known_moves_count_however_much_has_changed() -> None:
    found = compare([{"a": "one\n"}], [{"b": "two\n"}], {"a": "b"})

    assert [(each.name, each.new) for each in found.moved] == [("a", "b")]
    assert (found.new, found.gone) == ((), ())


def test_each_distinct_hunk_is_there_once() -> None:
    old = [{"a": "1\nkeep\n", "b": "keep\n1\n"}, {"a": "1\nother\n"}]
    new = [{"a": "2\nkeep\n", "b": "keep\n2\n"}, {"a": "2\nother\n"}]

    (hunk,) = compare(old, new).hunks

    assert (hunk.removed, hunk.added) == (("1",), ("2",))
    assert hunk.places == {"a": 0b11, "b": 0b01}


def test_packages_and_settings_are_compared_by_name() -> None:
    project = '[project]\ndependencies = [{}]\n[dependency-groups]\ndev = ["ruff~=1.0"]\n'
    old = {
        "pyproject.toml": project.format('"a[x]~=1.0", "b~=1.0"'),
        ".env.example": "#GONE=\n#LIMIT=1\n# A sentence=no.\n",
    }
    new = {
        "pyproject.toml": project.format('"a[x]~=2.0", "c~=1.0"'),
        ".env.example": "#LIMIT=2\nNEW=x\n",
    }

    found = compare([old], [new])

    assert [(each.name, each.old, each.new) for each in found.packages] == [
        ("a", "[x]~=1.0", "[x]~=2.0"),
        ("b", "~=1.0", None),
        ("c", None, "~=1.0"),
    ]
    assert [(each.name, each.old, each.new) for each in found.settings] == [
        ("GONE", "", None),
        ("LIMIT", "1", "2"),
        ("NEW", None, "x"),
    ]


@pytest.mark.quick
@given(
    numbers=st.sets(st.integers(0, len(EVERY.listed) - 1), max_size=12), is_inverted=st.booleans()
)
def test_terms_match_exactly_the_chosen(numbers: set[int], *, is_inverted: bool) -> None:
    chosen = sum(1 << number for number in numbers) ^ (EVERY.everything * is_inverted)

    found = 0
    for term in EVERY.terms(chosen):
        found |= EVERY.matching(term)

    assert found == chosen


@pytest.mark.quick
@pytest.mark.parametrize(
    ("words", "chosen"),
    [
        ("always", "True"),
        ("`cache`", "cache"),
        ("without `database`", "database == 'none'"),
        ("`database`", "database != 'none'"),
        ("`database` sqlite and `auth`", "database == 'sqlite' and auth == 'jwt'"),
        ("`license` other than MIT", "license != 'MIT'"),
        ("`database` sqlite and `kubernetes`", "database == 'sqlite' and kubernetes"),
        ("`rate_limit`; or `cache`", "cache or rate_limit"),
    ],
)
def test_sets_are_described_by_few_answers(words: str, chosen: str) -> None:
    holds = NativeEnvironment().from_string(f"{{{{ true if {chosen} else false }}}}")
    found = sum(1 << number for number, each in enumerate(EVERY.listed) if holds.render(each))

    assert {*EVERY.describe(found).split("; or ")} == {*words.split("; or ")}


@pytest.mark.quick
@pytest.mark.parametrize("name", PURE)
def test_core_needs_no_process(name: str) -> None:
    tree = ast.parse((ROOT / f"extensions/contract/{name}.py").read_text())
    found = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    found |= {
        each.name for node in ast.walk(tree) if isinstance(node, ast.Import) for each in node.names
    }

    assert not found & {"concurrent.futures", "multiprocessing", "os", "subprocess", "tempfile"}
    assert not [each for each in found if str(each).startswith("extensions.maintenance")]


# ---------------------------------------------------------------------------------- the releases


@pytest.mark.parametrize(("older", "newer"), PAIRS)
def test_release_announced_what_it_changed(older: str, newer: str) -> None:
    """Releases before the record of releases announced nothing."""
    report = difference(older, newer)

    assert report.unannounced == () or older < "0.3.0"


def test_next_release_announces_what_it_changes(latest: Report) -> None:
    assert latest.unannounced == (), "releases.toml does not say it."
    assert latest.refused == 0
    names = sorted(latest.combinations.listed[0].keys() & BLOCKS)
    compared = [tuple(each[name] for name in names) for each in latest.combinations.listed]
    assert {*compared} == {
        tuple(each[name] for name in names) for each in combinations(is_every=True)
    }


def test_unannounced_changes_are_named() -> None:
    old = {"gone": "1\n", "listed": "2\n", "moved": "a\nb\n", ".env.example": "#A=1\n#B=1\n#C=1\n"}
    new = {"place": "a\nb\n", ".env.example": "#A=2\n#C=2\n#D=\n"}
    entry = Release.model_validate(
        {"version": "9.0.0", "date": "2030-01-01", "notes": ["`C`."], "removed": ["listed"]}
    )

    found = list(unannounced(compare([old], [new]), [entry]))

    assert found == [
        "List `gone` under `removed`.",
        "List `moved` under `moved`, to `place`.",
        "Name the new default of `A` in `notes`.",
        "Name the setting `B` in `notes`.",
        "Name the setting `D` in `notes`.",
    ]


# ----------------------------------------------------------------------------------- the reports


def changes_of(comparison: Comparison) -> int:
    return sum(len(each.places) for each in comparison.hunks)


def named(changes: Iterable[Change], index: int) -> set[str]:
    return {each.name for each in changes if each.where >> index & 1}


@pytest.mark.parametrize("part", [0, 0.25, 0.5, 0.75])
def test_each_combination_changes_as_it_does_alone(latest: Report, part: float) -> None:
    index = int(part * len(latest.combinations.listed))
    everything, answers = latest.comparison, latest.combinations.listed[index]

    alone = difference(latest.old, answers=answers).comparison

    assert named(alone.new, 0) == named(everything.new, index)
    assert named(alone.gone, 0) == named(everything.gone, index)
    assert named(alone.changed, 0) == named(everything.changed, index)
    assert named(alone.packages, 0) == named(everything.packages, index)
    assert named(alone.settings, 0) == named(everything.settings, index)


def test_every_hunk_is_in_the_text_and_the_json(latest: Report) -> None:
    text, parsed = as_text(latest), json.loads(json.dumps(as_json(latest)))

    assert text.count("\n@@ ") == changes_of(latest.comparison)
    assert len(parsed["hunks"]) == len(latest.comparison.hunks)
    assert text.startswith("Projects from ")
    first = parsed["hunks"][0]["places"][0]
    assert {*first} == {"file", "answers", "combinations"}


def test_markdown_keeps_its_limit_and_says_what_it_left_out(latest: Report) -> None:
    whole, short = as_markdown(latest), as_markdown(latest, 150_000)

    assert len(short.encode()) <= 150_000 < len(whole.encode())
    assert f"hunks were left out: `python -m extensions diff {latest.old}`" in short
    assert "left out" not in whole.splitlines()[-1]
    for title, changes in latest.sections.items():
        assert f"| {title} | {len(changes)} |" in short


def test_summary_names_settings_and_counts_files(latest: Report) -> None:
    lines = dict(line.removeprefix("- ").split(": ", 1) for line in summary(latest))

    assert lines["changed files"] == str(len(latest.comparison.changed))
    for change in latest.comparison.settings:
        assert any(f"`{change.name}" in line for line in lines.values())


def test_changelog_has_the_difference_of_the_newest_release() -> None:
    newest, older, *_ = releases()
    _, _, block = (ROOT / "CHANGELOG.md").read_text().partition("<!-- difference -->\n")

    assert block.startswith(f"In projects, compared with {older.version} (")
    assert f"diff {older.version} {newest.version}`" in block
    assert "- new files: " in block


def test_one_project_is_compared_by_its_answers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "answers.yml"
    file.write_text("project_name: Shop\ndatabase: sqlite\n")

    assert main(["diff", "0.4.0", "0.4.1", "--answers", str(file), "--json"]) == 0

    found = json.loads(capsys.readouterr().out)
    assert [each["database"] for each in found["combinations"]] == ["sqlite"]
    assert found["changed"] == 1
    assert "src/<package>/database/repository.py" in {
        each["name"] for each in found["changed_files"]
    }


def test_ci_writes_it_into_the_summary_of_a_pull_request(
    capsys: pytest.CaptureFixture[str],
) -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
    step = workflow["jobs"]["difference"]["steps"][-1]["run"]
    command, _, file = step.partition(" >> ")
    words = command.replace("HEAD^1", RELEASES[1].tag).split()

    assert words[:5] == ["uv", "run", "python", "-m", "extensions"]
    assert file.strip() == '"$GITHUB_STEP_SUMMARY"'
    assert main(words[5:]) == 0
    assert len(capsys.readouterr().out.encode()) <= 1024**2


@pytest.mark.quick
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["diff", "0.9"], "git does not know 0.9. Name a release"),
        (["diff", "HEAD", "no-such-branch"], "git does not know no-such-branch."),
        (["diff", "HEAD", "--answers", "no-such-file"], "no-such-file: No such file or directory"),
        (["fleet", "no-such-folder"], "no-such-folder: No such file or directory"),
    ],
)
def test_bad_input_gets_one_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 1

    written = capsys.readouterr()
    assert written.err.startswith(message)
    assert (written.err.count("\n"), written.out) == (1, "")


# --------------------------------------------------------------------------------------- a fleet


@pytest.fixture
def checkouts(tmp_path: Path) -> Path:
    """Three services: of an old release, of the newest one, and of another template."""
    answers = {
        "old": "_commit: v0.3.0\ndatabase: sqlite\nproject_name: Old\n",
        "group/new": f"_commit: {RELEASES[0].tag}\ncache: true\n",
        "foreign": "_commit: 2.0.0\n_src_path: gh:else/where\nflavour: sour\n",
    }
    for name, text in answers.items():
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / ".copier-answers.yml").write_text(text)
    return tmp_path


def test_fleet_lists_projects_and_what_they_lack(checkouts: Path) -> None:
    old, foreign, new = fleet.inventory([checkouts])

    newer = tuple(each.version for each in reversed(RELEASES) if each.number > (0, 3, 0))
    assert (old.place, old.release, old.behind) == (str(checkouts / "old"), "0.3.0", newer)
    assert dict(old.answers) == {"database": "sqlite"}
    assert (new.release, new.behind, new.problems) == (RELEASES[0].version, (), ())
    assert foreign.release is None
    assert foreign.problems == (
        "_commit: 2.0.0 is no release of this template",
        "flavour: Unknown question. Leave it out.",
    )


def test_fleet_reads_answers_of_repositories_from_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "repositories.yml"
    file.write_text('"a|shop":\n  _commit: v0.4.0-3-g1234567\n  auth: jwt\nlegacy:\n')
    newer = [each.version for each in reversed(RELEASES) if each.number > (0, 4, 0)]

    assert main(["fleet", str(file)]) == 0
    table = capsys.readouterr().out
    assert main(["fleet", "--json", str(file)]) == 0
    shop, legacy = json.loads(capsys.readouterr().out)

    assert f"| a\\|shop | 0.4.0 | {len(newer)} ({', '.join(newer)}) | auth=jwt |  |" in table
    assert (shop["place"], shop["behind"], shop["answers"]) == ("a|shop", newer, {"auth": "jwt"})
    assert (legacy["release"], legacy["problems"]) == (None, ["no answers file"])


def test_fleet_names_folders_without_projects(tmp_path: Path) -> None:
    (found,) = fleet.inventory([tmp_path])

    assert (found.release, found.problems) == (None, ("no answers file",))
