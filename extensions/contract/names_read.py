"""The names that a template reads from its context, also through what it imports."""

from collections.abc import Callable, Collection, Iterable, Sequence, Set

from jinja2 import Environment, meta, nodes

__all__ = ["names_read"]

type _Load = Callable[[str], str]


def names_read(text: str, environment: Environment, load: _Load) -> frozenset[str]:
    """Find the names that a template reads and does not define itself.

    Of a template that is imported with context, only the definitions that are used count.

    Args:
        text: The template.
        environment: The environment that parses it.
        load: Returns the text of an imported template.

    Returns:
        The names.
    """
    return _read_by(environment.parse(text).body, environment, load)


def _read_by(body: Iterable[nodes.Node], environment: Environment, load: _Load) -> frozenset[str]:
    part = nodes.Template([*body], lineno=1)
    part.set_environment(environment)
    names = frozenset(meta.find_undeclared_variables(part))
    imports: list[nodes.Import | nodes.FromImport | nodes.Include] = [
        *part.find_all(nodes.Import),
        *part.find_all(nodes.FromImport),
        *part.find_all(nodes.Include),
    ]
    for node in imports:
        if node.with_context:
            imported = environment.parse(load(str(node.template.as_const()))).body
            if isinstance(node, nodes.FromImport):
                imported = _definitions(imported, {name for name, _ in _aliases(node)})
            names |= _read_by(imported, environment, load)
    return names


def _definitions(body: Sequence[nodes.Node], wanted: Set[str]) -> list[nodes.Node]:
    """Return the statements that define names, and those that define what these use."""
    defined = [_defined(node) for node in body]
    if None in defined:
        return [*body]
    found = [node for node, names in zip(body, defined, strict=True) if wanted & {*(names or ())}]
    used = {name.name for node in found for name in node.find_all(nodes.Name)}
    if used <= wanted:
        return [_narrowed(node, wanted) for node in found]
    return _definitions(body, wanted | used)


def _defined(node: nodes.Node) -> Collection[str] | None:
    """Return the names that a statement defines; None if it may do anything else."""
    match node:
        case nodes.Assign(target=nodes.Name(name=name)):
            return (name,)
        case nodes.AssignBlock(target=nodes.Name(name=name)):
            return (name,)
        case nodes.Macro(name=name):
            return (name,)
        case nodes.FromImport():
            return [alias for _, alias in _aliases(node)]
        case nodes.Output() if all(isinstance(part, nodes.TemplateData) for part in node.nodes):
            return ()
        case _:
            return None


def _aliases(node: nodes.FromImport) -> list[tuple[str, str]]:
    """Return each imported name, and what it is called here."""
    return [(name, name) if isinstance(name, str) else name for name in node.names]


def _narrowed(node: nodes.Node, wanted: Set[str]) -> nodes.Node:
    """Leave out names of an import that nobody wants."""
    if not isinstance(node, nodes.FromImport):
        return node
    names: list[tuple[str, str] | str] = [each for each in _aliases(node) if each[1] in wanted]
    return nodes.FromImport(node.template, names, node.with_context, lineno=node.lineno)
