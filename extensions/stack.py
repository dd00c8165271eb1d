"""The tables of `stack.jinja`, read without rendering: what each answer adds, and under which row.

Where the templates ask what a project needs, this tells what there is at all: for the pages that
are written from it, for the tests of a block's rows, and for `python -m extensions bump`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, nodes

from extensions.questionnaire import ROOT

__all__ = ["Row", "path", "rows"]


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row of a table.

    Attributes:
        line: Where it stands in the file, from 1.
        reads: The answers that its condition depends on.
        condition: When it counts, in words; empty if always.
        cells: What it says, as it is written in the file where it is an expression.
    """

    line: int
    reads: frozenset[str]
    condition: str
    cells: tuple[str, ...]


def path(root: Path = ROOT) -> Path:
    """Return where the tables are.

    Args:
        root: The folder that holds `copier.yml`.

    Returns:
        The file.
    """
    return root / "extensions" / "stack.jinja"


def rows(table: str, root: Path = ROOT) -> tuple[Row, ...]:
    """Read a table whose rows begin with a condition.

    Args:
        table: Its name: `packages` or `settings`.
        root: The folder that holds `copier.yml`.

    Returns:
        Its rows, in their order.
    """
    tree = Environment(autoescape=True).parse(path(root).read_text(encoding="utf-8"))
    return tuple(_rows(tree, table))


def _rows(tree: nodes.Template, table: str) -> Iterator[Row]:
    for assignment in tree.find_all(nodes.Assign):
        listed = assignment.node
        if _name(assignment.target) != table or not isinstance(listed, nodes.List):
            continue
        for item in listed.items:
            condition, *cells = item.iter_child_nodes()
            yield Row(
                line=item.lineno,
                reads=frozenset(_names(condition)),
                condition=_in_words(condition),
                cells=tuple(map(_text, cells)),
            )


def _name(node: nodes.Node) -> str:
    return node.name if isinstance(node, nodes.Name) else ""


def _names(node: nodes.Node) -> Iterator[str]:
    yield from (name for name in (_name(node), *map(_name, node.find_all(nodes.Name))) if name)


def _text(node: nodes.Node) -> str:
    return str(node.value) if isinstance(node, nodes.Const) else f"({_name(node)})"


def _in_words(node: nodes.Node) -> str:
    match node:
        case nodes.Const():
            return ""
        case nodes.Name(name=name):
            return f"`{name}`"
        case nodes.Not(node=inner):
            return f"without {_in_words(inner)}"
        case nodes.And(left=left, right=right):
            return f"{_in_words(left)} and {_in_words(right)}"
        case nodes.Or(left=left, right=right):
            return f"{_in_words(left)} or {_in_words(right)}"
        case nodes.Compare(expr=nodes.Name(name=name), ops=[nodes.Operand(op=op, expr=value)]):
            return _comparison(name, op, _text(value))
        case _:
            raise ValueError(f"line {node.lineno}: write the condition with and, or, not, ==, !=")


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
