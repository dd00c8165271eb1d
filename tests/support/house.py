"""The house standards that tests follow, from `extensions/house.jinja`."""

import re
from collections.abc import Iterable
from typing import cast

from extensions.contract.questionnaire import ROOT
from tests.support.projects import QUESTIONNAIRE

__all__ = ["INDEXES", "LINE_LENGTH", "names_a_place"]

_HOUSE = QUESTIONNAIRE.environment.get_template("extensions/house.jinja").module

LINE_LENGTH: int = vars(_HOUSE)["line_length"]
"""The longest line of Python."""

INDEXES = [row[1] for row in cast("list[tuple[str, str, bool, bool]]", vars(_HOUSE)["indexes"])]
"""The addresses of the package indexes."""


def names_a_place(text: str, indexes: Iterable[str] = INDEXES) -> bool:
    """Check whether a text names this machine or a registry, other than the declared indexes."""
    for url in indexes:
        text = text.replace(url, "")
    return re.search(f"{re.escape(str(ROOT))}/|/home/|pypi|pythonhosted", text) is not None
