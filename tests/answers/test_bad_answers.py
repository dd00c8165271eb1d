"""A bad answer is refused in one line, however it is entered, and nothing is written."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest
import yaml
from copier import run_copy

from extensions.contract.questionnaire import ROOT, InvalidAnswersError
from extensions.maintenance.command_line import main
from tests.support.bad_answers import BAD_ANSWERS, ODD_FOLDERS, BadAnswer
from tests.support.projects import QUESTIONNAIRE, render

pytestmark = pytest.mark.quick


@pytest.mark.parametrize("bad", BAD_ANSWERS, ids=str)
def test_validate_bad_answer_names_question_and_remedy(
    bad: BadAnswer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = tmp_path / "answers.yml"
    answers.write_text(yaml.safe_dump({bad.question: bad.answer}))

    assert main(["validate", str(answers)]) == 1
    assert capsys.readouterr().err == f"{bad.question}: {bad.refusal}\n"


@pytest.mark.parametrize("bad", BAD_ANSWERS, ids=str)
def test_data_bad_answer_is_refused_and_writes_nothing(
    bad: BadAnswer, template: Path, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=re.escape(bad.refusal)) as error:
        run_copy(
            str(template),
            tmp_path / "app",
            data={bad.question: bad.answer},
            defaults=True,
            quiet=True,
            unsafe=False,
        )

    assert bad.question in str(error.value)
    assert not (tmp_path / "app").exists()


TYPED = {
    bad.question: bad
    for bad in sorted(BAD_ANSWERS, key=lambda bad: -len(bad.answer))
    if bad.answer.isprintable()
}
"""The shortest bad answer to each question among those that can be typed."""

CLEAR = "\x15"


def test_prompt_refuses_bad_answers_until_corrected(template: Path, tmp_path: Path) -> None:
    better = QUESTIONNAIRE.complete({}, folder="app")
    terminal: pexpect.spawn[str] = pexpect.spawn(
        str(Path(sys.executable).with_name("copier")),
        ["copy", str(template), str(tmp_path / "app")],
        dimensions=(50, 200),
        env=os.environ | {"PROMPT_TOOLKIT_NO_CPR": "1"},  # no cursor position report here
        encoding="utf-8",
        timeout=20,
    )

    asked = QUESTIONNAIRE.asked(better)
    for question in QUESTIONNAIRE.questions:
        if question.is_computed or question.name not in asked:
            continue
        terminal.expect_exact(question.help)
        if bad := TYPED.get(question.name):
            terminal.send(f"{CLEAR}{bad.answer}\r")
            terminal.expect_exact(bad.refusal)
            terminal.send(f"{CLEAR}{better[question.name]}")
        terminal.send("\r")

    terminal.expect(pexpect.EOF)
    stored = yaml.safe_load((tmp_path / "app/.copier-answers.yml").read_text())
    assert {name: stored[name] for name in asked} == asked


@pytest.mark.long
@pytest.mark.parametrize("folder", ODD_FOLDERS)
def test_any_folder_name_renders_a_project(folder: str, template: Path, tmp_path: Path) -> None:
    project = render(template, tmp_path / folder, {})

    answers = yaml.safe_load((project / ".copier-answers.yml").read_text())
    assert (project / "src" / answers["package_name"] / "main.py").is_file()
    QUESTIONNAIRE.complete({name: value for name, value in answers.items() if name[0] != "_"})


def test_validate_unknown_question_suggests_the_closest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = tmp_path / "answers.yml"
    answers.write_text("licence: MIT\nzzz: 1\nexample: maybe\nlicense: GPL\n")

    assert main(["validate", str(answers)]) == 1
    assert capsys.readouterr().err.splitlines() == [
        "licence: Unknown question. Did you mean license?",
        "zzz: Unknown question. Leave it out.",
        "license: Invalid choice. Choose one of MIT, Apache-2.0, BSD-3-Clause, Proprietary.",
        "example: Not a boolean. Use true or false.",
    ]


@pytest.mark.parametrize(
    ("content", "refusal"),
    [
        (b"[1, 2]", "Not a YAML mapping. Write one `question: answer` per line."),
        (b"a: [", "Not a YAML mapping. Write one `question: answer` per line."),
        (b"\xff\xfe\x00", "Not a YAML mapping. Write one `question: answer` per line."),
    ],
)
def test_validate_refuses_other_files(
    content: bytes, refusal: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = tmp_path / "answers.yml"
    answers.write_bytes(content)

    assert main(["validate", str(answers)]) == 1
    assert capsys.readouterr().err == f"{answers}: {refusal}\n"


def test_validate_names_a_missing_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", "nowhere.yml"]) == 1
    assert capsys.readouterr().err == "nowhere.yml: No such file or directory\n"


def test_validate_accepts_the_answers_of_a_project(template: Path, tmp_path: Path) -> None:
    project = render(template, tmp_path / "app", {"license": "Apache-2.0"})

    assert main(["validate", str(project / ".copier-answers.yml")]) == 0


def test_package_name_is_locked() -> None:
    with pytest.raises(InvalidAnswersError, match="to keep old"):
        QUESTIONNAIRE.complete({"package_name": "new", "package_name_locked": "old"})


def test_command_line_of_the_module_exits_with_2_for_usage() -> None:
    command = [sys.executable, "-m", "extensions", "combinations", "--shard", "3/2"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert result.returncode == 2
    assert "3/2 is not a shard; use K/N, such as 3/16" in result.stderr
