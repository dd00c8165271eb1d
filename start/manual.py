"""The template's pages as HTML, so that the start page can link to them wherever it is."""

import html
import posixpath
import re
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from extensions.contract.questionnaire import ROOT
from start.engine import Origin

__all__ = ["write_manual"]

_DOCS = ROOT / "docs"
_POLICY = "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self'"
_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<link rel="icon" href="{up}{base}/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="{up}{base}/page.css">
</head>
<body class="manual">
<nav><a href="{up}index.html">Start a service</a></nav>
<main class="prose">
{body}</main>
</body>
</html>
"""


def write_manual(into: Path, base: str, origin: Origin) -> None:
    """Write the pages that explain blocks, choices and updates.

    Args:
        into: The folder to write.
        base: The folder of the assets, next to it.
        origin: Where the template is; links to other files lead there.
    """
    pages = sorted([*_DOCS.glob("*.md"), *_DOCS.glob("blocks/*.md")])
    names = {path.relative_to(ROOT).as_posix() for path in pages}
    for path in pages:
        place = path.relative_to(_DOCS)
        target = into / place.with_suffix(".html")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(_page(path, names, base, origin), encoding="utf-8")


def _page(path: Path, names: set[str], base: str, origin: Origin) -> str:
    markdown = MarkdownIt().enable("table")
    tokens = markdown.parse(path.read_text(encoding="utf-8"))
    folder = path.parent.relative_to(ROOT).as_posix()
    for token, following in pairwise(tokens):
        if token.type == "heading_open":
            token.attrSet("id", _anchor(following.content))
        for child in token.children or []:
            _point(child, folder, names, origin)
    title = next(token.content for token in tokens if token.type == "inline")
    up = "../" * (len(path.relative_to(ROOT).parts) - 1)
    body = markdown.renderer.render(tokens, markdown.options, {})
    title = html.escape(title.replace("`", ""))
    return _PAGE.format(policy=_POLICY, title=title, up=up, base=base, body=body)


def _anchor(title: str) -> str:
    """Return the name that GitHub gives to a heading, which links use."""
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")


def _point(token: Token, folder: str, names: set[str], origin: Origin) -> None:
    """Point a link to the page beside it or into the repository; without one it is plain text."""
    target = str(token.attrGet("href") or "")
    if token.type != "link_open" or "://" in target or target.startswith("#"):
        return
    path, _, anchor = target.partition("#")
    place = posixpath.normpath(f"{folder}/{path}")
    if place in names:
        token.attrSet("href", f"{path.removesuffix('.md')}.html{anchor and '#'}{anchor}")
    elif origin.source.startswith("gh:"):
        repository = origin.source.removeprefix("gh:")
        token.attrSet("href", f"https://github.com/{repository}/blob/{origin.commit}/{place}")
    else:
        token.attrs.pop("href")
