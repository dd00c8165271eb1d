"""Branch coverage of templates: the arms of their conditions that a set of renders took.

Jinja lets an environment choose its code generator. This one first inserts a mark at the start of
each arm of every `if` and conditional expression; rendering then calls the marks. A missing `else`
counts as an arm. Loops are not counted: an empty list is not a branch to test.

Source: `jinja2.Environment.code_generator_class` in Jinja's documentation.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.sandbox import SandboxedEnvironment
from jinja2.visitor import NodeTransformer

__all__ = ["Arm", "Branches", "RecordingEnvironment"]


@dataclass(frozen=True, order=True)
class Arm:
    """One arm of a condition.

    Attributes:
        template: The name of the file, or of the text in `copier.yml`.
        line: Its line, from 1.
        kind: `if`, `elif` or `else`.
    """

    template: str
    line: int
    kind: str

    def __str__(self) -> str:
        return f"{self.template}:{self.line} {self.kind}"


@dataclass
class Branches:
    """All compiled arms, and how often each was taken."""

    arms: list[Arm] = field(default_factory=list[Arm])
    taken: Counter[int] = field(default_factory=Counter[int])

    @property
    def dead(self) -> list[Arm]:
        """The arms that no render took, sorted by file and line."""
        return sorted(arm for index, arm in enumerate(self.arms) if not self.taken[index])

    def take(self, index: int, value: object = "") -> object:
        """Record that an arm was taken, and return its value."""
        self.taken[index] += 1
        return value


class _Marker(NodeTransformer):
    """Inserts a mark at the start of each arm of one template."""

    def __init__(self, template: str, branches: Branches) -> None:
        self._template = template
        self._branches = branches

    def visit_If(self, node: nodes.If) -> nodes.Node:  # noqa: N802 -- Jinja's own naming
        others, node.elif_ = node.elif_, []
        self.generic_visit(node)
        node.elif_ = others
        node.body = [self._statement("if", node.lineno), *node.body]
        for other in others:
            self.generic_visit(other)
            other.body = [self._statement("elif", other.lineno), *other.body]
        node.else_ = [self._statement("else", node.lineno), *node.else_]
        return node

    def visit_CondExpr(self, node: nodes.CondExpr) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        node.expr1 = self._mark("if", node.lineno, node.expr1)
        node.expr2 = self._mark("else", node.lineno, node.expr2 or nodes.Const(""))
        return node

    def _statement(self, kind: str, line: int) -> nodes.Node:
        return nodes.ExprStmt(self._mark(kind, line), lineno=line)

    def _mark(self, kind: str, line: int, *value: nodes.Expr) -> nodes.Expr:
        self._branches.arms.append(Arm(self._template, line, kind))
        arguments = [nodes.Const(len(self._branches.arms) - 1), *value]
        take = nodes.EnvironmentAttribute("take")
        return nodes.Call(take, arguments, [], None, None, lineno=line)


class _MarkingGenerator(CodeGenerator):
    """Jinja's code generator, with marked arms."""

    def visit_Template(  # noqa: N802
        self, node: nodes.Template, frame: Frame | None = None
    ) -> None:
        assert isinstance(self.environment, RecordingEnvironment)
        marked = _Marker(self.name or "a text", self.environment.branches).visit(node)
        super().visit_Template(marked, frame)


class RecordingEnvironment(SandboxedEnvironment):
    """A Jinja environment like Copier's that records the arms it takes."""

    code_generator_class = _MarkingGenerator

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 -- Jinja's options
        self.branches = Branches()
        self.take = self.branches.take
        super().__init__(**options)
