"""The start page's own code, natively: what it packs is what Copier writes."""

import io
import json
import os
import re
import shlex
import shutil
import zipfile
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from copier import run_copy
from jinja2.sandbox import SandboxedEnvironment

from extensions.contract.questionnaire import ROOT, Answers, InvalidAnswersError, Questionnaire
from extensions.maintenance.difference import difference
from extensions.maintenance.releases import releases
from extensions.maintenance.revisions import template_at
from start.build import origin_of
from start.content import first_paint, sections
from start.engine import Engine, Origin
from start.manual import write_manual
from start.prepared import prepare
from start.updates import Listed, update
from tests.support.bad_answers import BAD_ANSWERS, BadAnswer
from tests.support.history import PRESENT, History, Project
from tests.support.projects import PEOPLE, QUESTIONNAIRE, name_of
from tests.support.start_page import CASES, HOSTILE, unpacked

pytestmark = pytest.mark.quick

TWICE: list[Listed] = [{"version": "1.1.0", "moved": {}}, {"version": "1.0.0", "moved": {}}]
"""Two releases without a difference."""
ENDLESS = "a: &a {k: v}\n" + "".join(
    f"{name}: &{name} {{<<: [{', '.join([f'*{last}'] * 9)}]}}\n"
    for last, name in pairwise("abcdef")
)
"""A short text that YAML's aliases make endless."""


@pytest.fixture
def engine(history: History) -> Engine:
    """The page's code for a template with releases."""
    return Engine(history.repository, Origin(str(history.repository), PRESENT))


def asked_of(answers: Answers) -> Answers:
    """Leave out what the questionnaire computes."""
    return {
        name: value
        for name, value in answers.items()
        if not QUESTIONNAIRE.question(name).is_computed
    }


@pytest.mark.long
@pytest.mark.parametrize("answers", CASES, ids=name_of)
def test_archive_equals_the_copy_by_copier(
    engine: Engine, history: History, tmp_path: Path, answers: Answers
) -> None:
    asked = asked_of(answers)
    wanted = tmp_path / str(asked["project_slug"])
    source = str(history.repository)
    run_copy(source, wanted, data=asked, vcs_ref=PRESENT, defaults=True, quiet=True)

    packed = engine.archive(asked)

    assert unpacked(packed) == {
        path.relative_to(tmp_path).as_posix(): (
            path.read_bytes(),
            0o100755 if os.access(path, os.X_OK) else 0o100644,
        )
        for path in wanted.rglob("*")
        if path.is_file()
    }


def test_unpacked_archive_can_be_updated(engine: Engine, tmp_path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(engine.archive(PEOPLE))) as archive:
        archive.extractall(tmp_path)
    project = Project(tmp_path / "my-app", tmp_path / "my-app")
    project.git("init", "--quiet")
    project.commit()

    project.update(data={"cache": True})

    assert project.conflicts() == []
    assert "cache: true" in project.read(".copier-answers.yml")
    assert (project.path / "src/my_app/cache/service.py").is_file()


def test_command_copies_the_same_project(engine: Engine) -> None:
    preview = engine.preview(HOSTILE | {"cache": True})

    words = shlex.split(preview["command"])

    data = dict(each.split("=", 1) for flag, each in pairwise(words) if flag == "-d")
    assert data == {name: str(value) for name, value in HOSTILE.items()} | {"cache": "true"}
    assert words[:4] == ["uvx", "copier", "copy", "--defaults"]
    assert words[-1] == preview["folder"] == "my-app"
    assert "--vcs-ref" not in words
    assert engine.preview({})["command"].endswith(f"{words[-2]} myapp")


def test_preview_sends_only_what_differs(engine: Engine) -> None:
    first = engine.preview({})

    second = engine.preview({"example": False, "cache": True, "auth": "none"})

    assert "src/myapp/routers/items.py" in second["gone"]
    assert "src/myapp/cache/service.py" in second["changed"]
    assert "src/myapp/logs.py" in first["changed"].keys() - second["changed"].keys()
    assert [first["is_whole"], second["is_whole"]] == [True, False]
    assert second["differing"] == {"example": False, "cache": True}
    assert yaml.safe_load(second["changed"][".copier-answers.yml"])["_commit"] == PRESENT


def test_previews_in_any_order_are_whole_projects(history: History) -> None:
    """Files of earlier answers, or rendered ahead, never show in later projects."""
    origin = Origin(str(history.repository), PRESENT)
    engine = Engine(history.repository, origin)
    shown: dict[str, str] = {}
    for answers in [*CASES, *reversed(CASES)]:
        asked = asked_of(answers)
        changes = engine.preview(asked)
        list(islice(engine.ahead(json.dumps({"given": asked})), 5))
        shown = {
            path: text
            for path, text in (shown | changes["changed"]).items()
            if path not in changes["gone"]
        }

        fresh = Engine(history.repository, origin).preview(asked)["changed"]

        assert shown == fresh


@pytest.mark.long
def test_prepared_code_leaves_nothing_to_compile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("copier.yml", "extensions", "template"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
    origin = Origin("gh:ada/template", "v1.0.0")
    prepare(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(SandboxedEnvironment, "compile", pytest.fail)
        patch.setattr(Questionnaire, "answers_read", pytest.fail)
        found = [Engine(tmp_path, origin).preview(asked_of(answers)) for answers in CASES]

    assert found == [Engine(ROOT, origin).preview(asked_of(answers)) for answers in CASES]


def test_defaults_follow_the_other_answers(engine: Engine) -> None:
    defaults = engine.preview({"project_name": "Späti & Co"})["defaults"]

    assert defaults["project_slug"] == "spati-co"
    assert defaults["package_name"] == "spati_co"


@pytest.mark.parametrize("bad", BAD_ANSWERS, ids=str)
def test_invalid_answer_has_the_message_of_the_questionnaire(
    engine: Engine, bad: BadAnswer
) -> None:
    result = json.loads(engine.handle("preview", json.dumps({"given": {bad.question: bad.answer}})))

    with pytest.raises(InvalidAnswersError) as refusal:
        QUESTIONNAIRE.complete({bad.question: bad.answer}, "myapp")
    assert result["errors"][bad.question] == bad.refusal
    assert [f"{name}: {text}" for name, text in result["errors"].items()] == refusal.value.errors


def test_comparison_shows_what_one_answer_adds_and_removes(engine: Engine) -> None:
    found = {each["path"]: each for each in engine.compare({}, "cache", value=True)}

    assert found["src/myapp/cache/service.py"]["status"] == "added"
    assert found["src/myapp/main.py"]["status"] == "changed"
    assert "+cache: true" in found[".copier-answers.yml"]["lines"]
    back = {
        each["path"]: each["status"]
        for each in engine.compare({"cache": True}, "cache", value=False)
    }
    assert back["src/myapp/cache/service.py"] == "removed"
    assert back.keys() == found.keys()


def test_update_shows_what_the_diff_command_shows() -> None:
    given: Answers = PEOPLE | {"database": "sqlite", "cache": True}
    last = next(entry for entry in releases() if entry.version == "0.4.0")
    moved = {old: new for entry in releases() for old, new in entry.moved.items()}
    report = difference(last.version, None, QUESTIONNAIRE.complete(given))

    with template_at(last.version) as old:
        found = update(yaml.safe_dump({**given, "_commit": "v0.4.0"}), moved, old, ROOT)

    compared = report.comparison
    assert len(compared.new) == len(found["sections"]["New files"]) > 50
    assert len(compared.moved) == len(found["sections"]["Moved files"]) > 5
    names = {each.name for each in (*compared.packages, *compared.settings)}
    lines = "\n".join(found["sections"]["Packages"] + found["sections"]["Settings"])
    assert all(name in lines for name in names)
    files = {each["path"]: each for each in found["files"]}
    assert files["src/my_app/main.py"]["status"] == "changed"
    assert any(line.startswith("+") for line in files["src/my_app/main.py"]["lines"])


@pytest.fixture
def twice(tmp_path: Path) -> Engine:
    """The page's code for two releases of the same template."""
    (tmp_path / "1.0.0").symlink_to(ROOT)
    return Engine(ROOT, Origin("https://git.example.com/ada/template", "v1.1.0"), tmp_path)


def updated(engine: Engine, text: str, target: str = "1.1.0") -> dict[str, Any]:
    request = {"text": text, "target": target, "releases": TWICE}
    result: dict[str, Any] = json.loads(engine.handle("update", json.dumps(request)))
    return result


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[", "Not an answers file."),
        ("[" * 9999, "Not an answers file."),
        ("plain", "Not an answers file."),
        ("day: 2026-99-99", "Not an answers file."),
        (ENDLESS, "Not an answers file."),
        ("auth: jwt", "Missing."),
        ("_commit: [v1.0.0]", "Missing."),
        ("_commit: 0d1e2f3", "0d1e2f3 is not a release."),
        ("_commit: v9.9.9", "9.9.9 is not a release of this template."),
        ("_commit: v1.0.0\ncolour: red", "No question of this template is answered."),
        ("_commit: v1.0.0\nauth: maybe", "Invalid choice."),
    ],
)
def test_update_of_an_unknown_project_is_refused(twice: Engine, text: str, message: str) -> None:
    assert message in "".join(updated(twice, text)["errors"].values())


def test_update_never_goes_back(twice: Engine) -> None:
    refused = updated(twice, "_commit: v1.1.0\nauth: jwt", "1.0.0")

    assert "Copier does not go back to 1.0.0." in refused["errors"]["_commit"]


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("version", ["1.0.0", "1.1.0"])
def test_update_names_releases_and_command(twice: Engine, version: str, ending: str) -> None:
    lines = ("\ufeff# kept by Copier", f"_commit: v{version}", "auth: jwt", "")

    found = updated(twice, ending.join(lines))

    assert found["versions"] == ["1.1.0"] * (version == "1.0.0")
    assert found["command"] == "uvx copier update --defaults"
    assert not found["files"]
    back = updated(twice, ending.join(lines).replace("1.1.0", "1.0.0"), "1.0.0")
    assert back["command"] == "uvx copier update --defaults --vcs-ref v1.0.0"


@pytest.mark.parametrize(
    ("source", "foreign"),
    [
        ("git@git.example.com:fork/template.git", ""),
        ("C:\\checkouts\\template", ""),
        ("gh:ada/another", "gh:ada/another"),
    ],
)
def test_update_names_another_template(twice: Engine, source: str, foreign: str) -> None:
    text = yaml.safe_dump({"_commit": "v1.0.0", "_src_path": source, "auth": "jwt"})

    assert updated(twice, text)["foreign"] == foreign


@pytest.mark.parametrize(
    ("remote", "published"),
    [
        ("https://github.com/ada/template.git", "gh:ada/template"),
        ("git@github.com:ada/template.git", "gh:ada/template"),
        ("https://x-access-token:s3cr3t@github.com/ada/template", "gh:ada/template"),
        ("https://ci:s3cr3t@git.example.com/ada/t.git", "https://git.example.com/ada/t.git"),
    ],
)
def test_origin_has_no_credentials(remote: str, published: str) -> None:
    assert origin_of(remote, "v1.0.0").source == published


def test_answer_that_is_never_asked_is_shared_like_others(engine: Engine) -> None:
    preview = engine.preview({"copyright_year": "1999"})

    assert preview["differing"] == {"copyright_year": "1999"}
    assert "-d copyright_year=1999" in preview["command"]


def test_page_preloads_every_module_that_it_imports() -> None:
    """A module that is found only in another one costs the first paint a round trip."""
    page = ROOT / "start/page"
    imported, found = set[str](), {"page.js"}
    while found:
        name = found.pop()
        imported.add(name)
        text = (page / name).read_text(encoding="utf-8")
        found |= {*re.findall(r'^import .* from "\./(\w+\.js)"', text, re.MULTILINE)} - imported

    html = (page / "index.html").read_text(encoding="utf-8")
    preloaded = re.findall(r'<link rel="modulepreload" href="@base@/(\w+\.js)"', html)

    assert {*preloaded, "page.js"} == imported
    assert len(imported) > 5


def test_form_asks_every_question_under_its_heading() -> None:
    found = sections(QUESTIONNAIRE)

    asked = [each.name for each in QUESTIONNAIRE.questions if not each.is_computed]
    assert [each.name for questions in found.values() for each in questions] == asked
    assert list(found) == ["The project", "The people", "The service", "The checks"]


def test_links_of_the_manual_lead_somewhere(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    write_manual(docs, "base", Origin("gh:ada/template", "v1.0.0"))
    links = [
        (page, *target.partition("#")[::2])
        for page in docs.rglob("*.html")
        for target in re.findall(r'<a href="([^":]+)"', page.read_text())
        if not target.endswith("../index.html")
    ]

    assert len([anchor for *_, anchor in links if anchor]) > 5
    for page, path, anchor in links:
        target = page.parent / path if path else page
        assert target.is_file(), f"{page.name} leads to {path}"
        assert not anchor or f'id="{anchor}"' in target.read_text(), f"{page.name} to {anchor}"


def test_presets_are_complete_and_valid() -> None:
    first = first_paint(QUESTIONNAIRE, Origin("gh:ada/template", "v1.0.0"))

    for preset in first["presets"]:
        answers = QUESTIONNAIRE.complete(preset["answers"])
        assert {name: answers[name] for name in preset["answers"]} == preset["answers"]
    every = first["presets"][-1]["answers"]
    assert {False, "none"}.isdisjoint(every.values())
    pages = {
        each["name"] for part in first["sections"] for each in part["questions"] if each["page"]
    }
    assert pages == {path.stem for path in (ROOT / "docs/blocks").glob("*.md")}
