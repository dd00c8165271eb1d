"""Invalid answers with their error messages, and unusual folder names that are accepted."""

from dataclasses import dataclass

__all__ = ["BAD_ANSWERS", "ODD_FOLDERS", "BadAnswer"]


@dataclass(frozen=True)
class BadAnswer:
    """An invalid answer and its one-line error message."""

    question: str
    answer: str
    refusal: str

    def __str__(self) -> str:
        return f"{self.question}={self.answer[:20]!r}"


_LINE = "Not a valid line. Enter 1 to {} visible characters, with no space at either end."
_SLUG = (
    "Invalid name. Use at most 50 lower-case letters, digits and single hyphens, "
    "starting with a letter, such as"
)
_PACKAGE = (
    "Invalid name. Use at most 32 lower-case letters, digits and underscores, "
    "starting with a letter, such as"
)
_MAIL = "Not an email address. Enter one such as ada@example.com, or leave it empty."
_URL = (
    "Not a repository URL. Enter one without a trailing slash, "
    "such as https://github.com/ada/engine."
)
_ACCOUNT = (
    "Not a GitHub account. Use at most 39 letters, digits and single hyphens, such as ada-lovelace."
)

BAD_ANSWERS = [
    BadAnswer("project_name", "", _LINE.format(64)),
    BadAnswer("project_name", " padded ", _LINE.format(64)),
    BadAnswer("project_name", "x" * 65, _LINE.format(64)),
    BadAnswer("project_name", "two\nlines", _LINE.format(64)),
    BadAnswer("project_name", "bell\a", _LINE.format(64)),
    BadAnswer("project_name", "right\u202eleft", _LINE.format(64)),
    BadAnswer("project_description", "", _LINE.format(200)),
    BadAnswer("project_description", "zero\u200bwidth", _LINE.format(200)),
    BadAnswer("project_description", "x" * 201, _LINE.format(200)),
    BadAnswer("user_name", "", _LINE.format(100)),
    BadAnswer("user_name", "tab\tbed", _LINE.format(100)),
    BadAnswer("user_email", "nobody", _MAIL),
    BadAnswer("user_email", "a@b", _MAIL),
    BadAnswer("user_email", 'a"@example.com', _MAIL),
    BadAnswer("github_user", "two words", _ACCOUNT),
    BadAnswer("github_user", "-dash", _ACCOUNT),
    BadAnswer("repository_url", "ftp://example.com/x", _URL),
    BadAnswer("repository_url", "https://example.com/", _URL),
    BadAnswer("repository_url", "https://${{ github.actor }}", _URL),
    BadAnswer("project_slug", "My App", f"{_SLUG} my-app."),
    BadAnswer("project_slug", "9lives", f"{_SLUG} app-9lives."),
    BadAnswer("project_slug", "a--b", f"{_SLUG} a-b."),
    BadAnswer(
        "project_slug",
        "fastapi",
        "fastapi is one of the project's own dependencies. "
        "Choose another name, such as fastapi-service.",
    ),
    BadAnswer(
        "project_slug",
        "python",
        "python is a command in every Python environment. "
        "Choose another name, such as python-service.",
    ),
    BadAnswer(
        "project_slug",
        "git",
        "git is a program that the project starts. Choose another name, such as git-service.",
    ),
    BadAnswer(
        "project_slug",
        "nul",
        "nul is a reserved device name on Windows. Choose another name, such as nul-service.",
    ),
    BadAnswer(
        "project_slug",
        "yes",
        "yes is a constant in YAML. Choose another name, such as yes-service.",
    ),
    BadAnswer("package_name", "my-app", f"{_PACKAGE} my_app."),
    BadAnswer("package_name", "Größe", f"{_PACKAGE} grosse."),
    BadAnswer("package_name", "x" * 33, f"{_PACKAGE} {'x' * 32}."),
    BadAnswer(
        "package_name",
        "class",
        "class is a Python keyword. Choose another name, such as class_service.",
    ),
    BadAnswer(
        "package_name",
        "json",
        "json is a module of Python's standard library. Choose another name, such as json_service.",
    ),
    BadAnswer(
        "package_name",
        "jwt",
        "jwt is one of the project's own dependencies. Choose another name, such as jwt_service.",
    ),
    BadAnswer(
        "package_name",
        "tests",
        "tests is the name of another file or folder in the project. "
        "Choose another name, such as tests_service.",
    ),
    BadAnswer("copyright_year", "MMXXVI", "Not a year. Enter four digits, such as 2026."),
    BadAnswer("excluded", "tests", "This conflicts with the other answers. Leave it out."),
]

ODD_FOLDERS = [
    "2024-service",
    "Zoë & Söhne “Straße” 日本",
    "日本語",
    "🎉",
    "class",
    "json",
    "fastapi",
    "tests",
    "con",
    "yes",
    "-",
    "x" * 200,
    "a.b.c",
    "it's",
    'say "hi"',
    "back\\slash",
    "${{ secrets.X }}",
    "{{ 7 * 7 }}",
    "naïve café",
]
