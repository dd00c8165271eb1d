"""Files for coding agents: true, short, and where each tool looks for them."""

import re
import shlex
import tomllib
from collections.abc import Iterator, Mapping

import pytest
import yaml

from extensions.contract.questionnaire import ROOT, Answers
from tests.support.projection import files_of
from tests.support.projects import covering, shortened
from tests.support.steps import AGENTS, CLAUDE, commands_in, names_in

pytestmark = pytest.mark.quick

COMBINATIONS = shortened(covering(2))
MOST_WORDS = 600

FOREIGN = {
    *("Annotated", "app", "from", "yes", "code"),
    *("is", "has", "can", "should"),
    *("test_<unit>_<scenario>_<expected>", "list_orders", "orders", "orders_list"),
    *("/api/v1", "application/problem+json", "git status", "datetime.now(UTC)", "copier update"),
    *("uv.lock", "openapi.json", "openapi-allowed.txt", ".env", "review-change", "add-setting"),
    *("print", "except", "os.path", "BaseHTTPMiddleware", "CancelledError", "TaskGroup"),
}
"""What the texts name that is of Python, of the examples in them, or made by a command."""

TOOLS = {
    "lint-imports": "import-linter",
    "mypy": "mypy",
    "prek": "prek",
    "pyright": "pyright",
    "pytest": "pytest",
    "ruff": "ruff",
}
"""The commands of a project that are not its own, and the packages they are of."""

type Files = Mapping[str, str]


@pytest.fixture(params=COMBINATIONS, scope="module")
def files(request: pytest.FixtureRequest) -> Files:
    """The files of one combination."""
    answers: Answers = request.param
    return files_of(answers)


def code_of(files: Files, folder: str = "src/") -> str:
    return "".join(
        text for name, text in files.items() if name.startswith(folder) and name.endswith(".py")
    )


def skills_of(files: Files, folder: str = AGENTS) -> dict[str, str]:
    """Return the skills by what follows on the folder."""
    return {
        name.removeprefix(f"{folder}/"): text
        for name, text in files.items()
        if name.startswith(f"{folder}/")
    }


# ------------------------------------------------------------------------------------- the rules


def test_rules_of_a_project_are_short(files: Files) -> None:
    assert len(files["AGENTS.md"].split()) <= MOST_WORDS


def test_rules_of_a_project_name_only_existing_things(files: Files) -> None:
    assert list(missing(files, files["AGENTS.md"])) == []


def test_rules_of_a_project_place_names_where_they_are(files: Files) -> None:
    placed = re.findall(r"`(\w+)` in\s+`([\w/]+\.py)`", files["AGENTS.md"])

    assert len(placed) >= 2
    for name, module in placed:
        (code,) = (text for path, text in files.items() if path == f"src/my_app/{module}")
        defined = rf"^(?:async def |def |class |type )?{name}\b[ (\[:=]"
        assert re.search(defined, code, re.MULTILINE), f"{module} does not define {name}"


def test_rules_of_a_project_list_its_middleware(files: Files) -> None:
    (line,) = re.findall(r"^- Middleware is pure ASGI: (.*?)\.", files["AGENTS.md"], re.MULTILINE)
    added = re.findall(r"app\.add_middleware\(\s*(\w+)", code_of(files))

    assert sorted(re.findall(r"`(\w+)`", line)) == sorted(added)


def test_rules_of_a_project_say_who_raises_http_exceptions(files: Files) -> None:
    raising = {name for name in files if name.startswith("src/") and _raises(files[name])}

    assert raising == {"src/my_app/core/bodies.py"}
    assert "only `core/bodies.py` raises `HTTPException`" in files["AGENTS.md"]


def _raises(code: str) -> bool:
    return bool(re.search(r"(?:raise|return) HTTPException\(", code))


def test_rules_of_a_project_say_where_the_time_comes_from(files: Files) -> None:
    """Tables have a default that migrations know, services ask the clock themselves."""
    clocks = {name for name in files if "datetime.now(UTC)" in files[name]}
    found = {name for name in clocks if name.startswith("src/my_app/database/")}

    assert found <= {"src/my_app/database/base.py"}
    assert bool(found) == ("`utc_now` in" in files["AGENTS.md"])
    assert "utc_now" not in code_of(files, "src/my_app/services/")


# ------------------------------------------------------------------------------------ the skills


def test_skills_name_only_what_the_project_has(files: Files) -> None:
    for name, text in skills_of(files).items():
        assert [each for each in missing(files, text) if not is_example(each)] == [], name


def is_example(name: str) -> bool:
    return name in EXAMPLES or bool(re.search("rooms|exchange|TERMS|terms", name))


EXAMPLES = {
    *("str", "str(80)", "text", "int", "float", "bool", "decimal", "decimal(12,2)", "date"),
    *("datetime", "uuid", "json", "enum(a,b)", "?", "anybody", "users", "admins", "owner"),
    *("--data plural=", "--data cached=true", "--data observed=true", "--data KEY=VALUE"),
    *("--trust", "export_enabled", "timeout_seconds", "git add", "git restore PATH", "_src_path"),
    *(
        "selectinload",
        "joinedload",
        "SecretStr",
        ".copier-answers.yml",
        'db revision --empty "WHAT"',
    ),
}
"""What the skills name beside it: types of the scaffold, answers, and names of their examples."""


def test_skills_are_four_to_six_and_follow_their_format(files: Files) -> None:
    skills = skills_of(files)

    assert 4 <= len(skills) <= 6
    for name, text in skills.items():
        assert_format(name, text)


def assert_format(name: str, text: str) -> None:
    """Insist on what https://agentskills.io/specification asks for."""
    folder, file = name.split("/")
    assert file == "SKILL.md"
    front = yaml.safe_load(text.split("---\n")[1])
    assert front.keys() == {"name", "description"}
    assert front["name"] == folder
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", folder)
    assert len(folder) <= 64
    assert 0 < len(front["description"]) <= 1024
    assert text.count("\n") < 500


def test_skills_are_mirrored_for_claude_code(files: Files) -> None:
    assert skills_of(files, CLAUDE) == skills_of(files)


def test_skills_name_each_other(files: Files) -> None:
    named = {each for text in files.values() for each in re.findall(r"skill\s+`([\w-]+)`", text)}

    assert "review-change" in named
    assert {f"{name}/SKILL.md" for name in named} <= skills_of(files).keys()


def test_other_tools_are_led_to_the_rules(files: Files) -> None:
    pointer = files[".github/instructions/python.instructions.md"]

    assert files["CLAUDE.md"] == "@AGENTS.md\n"
    assert yaml.safe_load(pointer.split("---\n")[1]) == {"applyTo": "**/*.py"}
    assert "[AGENTS.md](../../AGENTS.md)" in pointer


# ----------------------------------------------------------------------------- this repository


def test_own_skills_follow_their_format_and_are_mirrored() -> None:
    skills, copies = (
        {str(path.relative_to(ROOT / each)): path.read_text() for path in found}
        for each in (AGENTS, CLAUDE)
        for found in [(ROOT / each).rglob("*.md")]
    )

    assert skills.keys() == {"create-service/SKILL.md"}
    assert copies == skills
    for name, text in skills.items():
        assert_format(name, text)


def test_links_of_llms_txt_lead_somewhere() -> None:
    text = (ROOT / "llms.txt").read_text()
    links = re.findall(r"^- \[[^\]]+\]\(([^)]+)\): .", text, re.MULTILINE)

    assert re.match(r"# .+\n\n> .+\n\n## ", text)
    assert len(links) == text.count("](")
    assert [link for link in links if not (ROOT / link).is_file()] == []


# ---------------------------------------------------------------------------------------- names


def missing(files: Files, text: str) -> Iterator[str]:
    """Yield what a text names and the project does not have."""
    for command in commands_in(text):
        yield from _missing_of_command(files, command)
    for name in names_in(text):
        if name not in FOREIGN and not _is_there(files, name):
            yield name


def _is_there(files: Files, name: str) -> bool:
    if name.startswith(("uv ", "uvx ", "kubectl ")):
        return not list(_missing_of_command(files, name))
    if "/" in name or re.search(r"\.(py|md|ya?ml|example|toml)$", name):
        return _is_path(files, name.removesuffix("/"))
    if name in TOOLS:
        return TOOLS[name] in files["pyproject.toml"]
    code = code_of(files) + code_of(files, "tests/")
    return bool(re.search(rf"(?<![\w.]){re.escape(name.partition('(')[0])}\b", code))


def _is_path(files: Files, path: str) -> bool:
    """Return whether there is a file or folder, from the root, the package, or for manifests."""
    places = tuple(f"{folder}{path}" for folder in ("", "src/my_app/", "deploy/kubernetes/base/"))
    return any(
        file in places or file.startswith(tuple(f"{each}/" for each in places)) for file in files
    )


def _missing_of_command(files: Files, command: str) -> Iterator[str]:
    words = shlex.split(command)
    paths = (word for word in words[2:] if re.fullmatch(r"\w[\w./-]*/[\w./-]+", word))
    yield from (path for path in paths if not _is_path(files, path))
    if words[:2] != ["uv", "run"]:
        return
    program, *rest = words[2:]
    if program == "my-app":
        known = code_of(files)
        yield from (each for each in rest if _is_word(each) and f'"{each}"' not in known)
    elif program != "python":
        tools = tomllib.loads(files["pyproject.toml"])["dependency-groups"]["dev"]
        if not any(re.match(rf"{TOOLS[program]}\b", tool) for tool in tools):
            yield program


def _is_word(argument: str) -> bool:
    """Return whether an argument is a command or an option, and no value."""
    return bool(re.fullmatch(r"[a-z]+|--[a-z-]+", argument))
