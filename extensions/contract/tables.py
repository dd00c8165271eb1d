"""The tables of `stack.jinja`, `files.jinja` and `own.jinja`, read without rendering.

Templates ask what one project needs; this module lists every row with its condition, for the
generated pages, for the tests of a block's rows, and for `python -m extensions bump`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from jinja2 import Environment, nodes

__all__ = ["Row", "Table", "conditions", "deciding", "rows", "stack"]

type Table = Literal["blocks", "packages", "settings", "files", "own_files"]
type _Conditions = Mapping[str, nodes.Expr]

_PLACES: Mapping[Table, str] = {
    "blocks": "stack.jinja",
    "packages": "stack.jinja",
    "settings": "stack.jinja",
    "files": "files.jinja",
    "own_files": "own.jinja",
}

_PATHS: tuple[Table, ...] = ("files", "own_files")
_OF_A_BLOCK = ("docs/{}.md", "src/*/{}", "src/*/settings/{}.py", "tests/*/{}")
"""The paths of a fork's block, as in `files.jinja`."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row of a table.

    Attributes:
        line: Its line in the file, from 1.
        reads: The answers that its condition depends on.
        condition: The condition in words; empty if it always applies.
        cells: Its other cells; the name of the variable in parentheses if one is not a constant.
    """

    line: int
    reads: frozenset[str]
    condition: str
    cells: tuple[str, ...]


def stack(root: Path) -> Path:
    """Return the file with the tables of packages and settings.

    Args:
        root: The folder that holds `copier.yml`.

    Returns:
        Its path.
    """
    return root / "extensions" / "stack.jinja"


def rows(table: Table, root: Path) -> tuple[Row, ...]:
    """Read a table of rows that start with a condition.

    Args:
        table: Its name.
        root: The folder that holds `copier.yml`.

    Returns:
        Its rows, in order; none if the file is missing.
    """
    folder = root / "extensions"
    conditions = dict(_assigned(folder / "conditions.jinja"))
    beside = dict(_assigned(folder / _PLACES[table]))
    listed = beside.get(table)
    return tuple(_rows(listed, conditions, beside)) if isinstance(listed, nodes.List) else ()


def deciding(root: Path) -> Mapping[str, frozenset[str]]:
    """Read which answers decide about which paths of a project.

    Args:
        root: The folder that holds `copier.yml`.

    Returns:
        The answers for each pattern of `files.jinja`.
    """
    own = dict(_assigned(root / "extensions" / "own.jinja")).get("own_blocks")
    blocks = [_text(pair.key) for pair in own.items] if isinstance(own, nodes.Dict) else []
    listed = [row for table in _PATHS for row in rows(table, root)]
    return {
        **{f"/{path.format(name)}": frozenset({name}) for name in blocks for path in _OF_A_BLOCK},
        **{f"/{row.cells[0]}": row.reads for row in listed},
    }


def conditions(root: Path) -> Mapping[str, frozenset[str]]:
    """Read what the named conditions depend on.

    Args:
        root: The folder that holds `copier.yml`.

    Returns:
        The answers behind each name in `conditions.jinja`.
    """
    assigned = dict(_assigned(root / "extensions" / "conditions.jinja"))
    return {name: frozenset(_names(node, assigned)) for name, node in assigned.items()}


def _assigned(file: Path) -> Iterator[tuple[str, nodes.Expr]]:
    """Yield the names and values that a Jinja file assigns."""
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    for assignment in Environment(autoescape=True).parse(text).find_all(nodes.Assign):
        if isinstance(assignment.node, nodes.Expr):
            yield _name(assignment.target), assignment.node


def _rows(listed: nodes.List, conditions: _Conditions, values: _Conditions) -> Iterator[Row]:
    for item in listed.items:
        condition, *cells = item.iter_child_nodes()
        yield Row(
            line=item.lineno,
            reads=frozenset(_names(condition, conditions)),
            condition=_in_words(condition, conditions),
            cells=tuple(_text(values.get(_name(cell), cell)) for cell in cells),
        )


def _name(node: nodes.Node) -> str:
    return node.name if isinstance(node, nodes.Name) else ""


def _names(node: nodes.Node, conditions: _Conditions) -> Iterator[str]:
    for name in filter(None, (_name(node), *map(_name, node.find_all(nodes.Name)))):
        if name in conditions:
            yield from _names(conditions[name], conditions)
        else:
            yield name


def _text(node: nodes.Node) -> str:
    return str(node.value) if isinstance(node, nodes.Const) else f"<{_name(node)}>"


def _in_words(node: nodes.Node, conditions: _Conditions) -> str:
    match node:
        case nodes.Const():
            return ""
        case nodes.Name(name=name):
            return _in_words(conditions[name], conditions) if name in conditions else f"`{name}`"
        case nodes.Not(node=inner):
            return f"without {_in_words(inner, conditions)}"
        case nodes.And(left=left, right=right):
            return f"{_in_words(left, conditions)} and {_in_words(right, conditions)}"
        case nodes.Or(left=left, right=right):
            return f"{_in_words(left, conditions)} or {_in_words(right, conditions)}"
        case nodes.Compare(expr=nodes.Name(name=name), ops=[nodes.Operand(op=op, expr=value)]):
            return _comparison(name, op, _text(value))
        case _:
            raise ValueError(f"line {node.lineno}: bad condition; use only and, or, not, ==, !=")


def _comparison(name: str, operator: str, value: str) -> str:
    match operator, value:
        case "ne", "none":
            return f"`{name}`"
        case "eq", "none":
            return f"without `{name}`"
        case "eq", _:
            return f"`{name}` {value}"
        case _:
            return f"`{name}` other than {value}"
