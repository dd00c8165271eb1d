"""Compare `openapi.json` with another git revision, and fail on changes that break callers.

    python scripts/openapi_breaks.py main

It prints each breaking change as a line. A line that is also in `openapi-allowed.txt` is
intentional.

What callers send must still be accepted, so schemas of requests may only get wider. What callers
receive must still be what they know, so schemas of responses may only get narrower or gain fields;
limits such as `maxLength` do not count there. Operation ids count, because generated clients name
their functions after them.
"""

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

__all__ = ["breaks", "main"]

FILE = "openapi.json"
ALLOWED = "openapi-allowed.txt"

_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_LOWER_LIMITS = ("minimum", "minLength", "minItems", "minProperties")
_UPPER_LIMITS = ("maximum", "maxLength", "maxItems", "maxProperties")
_RULES = ("pattern", "multipleOf", "uniqueItems")

Json = dict[str, Any]
"""A part of an OpenAPI document."""

Schema = Json | bool

Mismatch = tuple[str, str]
"""A place in a schema, such as `.items[].name`, and what is wrong there."""


def main() -> None:
    """Print the breaking changes since the revision in the argument; exit with 1 if any."""
    if len(sys.argv) != 2:
        sys.exit(f"Usage: {sys.argv[0]} REVISION, such as main")
    base = _read_at(sys.argv[1])
    if base is None:
        sys.stderr.write(f"{sys.argv[1]} has no {FILE}: there is nothing to compare with.\n")
        return
    if not Path(FILE).exists():
        sys.exit(f"{FILE} is missing; the command `openapi --output {FILE}` writes it.")
    found = breaks(base, json.loads(Path(FILE).read_text(encoding="utf-8")))
    allowed = _allowed(Path(ALLOWED))
    refused = [line for line in found if line not in allowed]
    for line in sorted(allowed - {*found}):
        sys.stderr.write(f"{ALLOWED} allows a break that is gone; delete it: {line}\n")
    if refused:
        sys.stdout.write("".join(f"{line}\n" for line in refused))
        sys.exit(f"These changes break callers. If intentional, add the lines to {ALLOWED}.")


def breaks(old: Json, new: Json) -> list[str]:
    """Return a line for each change from `old` to `new` that breaks a caller."""
    found: list[str] = []
    for path, item in old.get("paths", {}).items():
        for method in _METHODS:
            if method in item:
                now = new.get("paths", {}).get(path, {}).get(method)
                changes = ["removed"] if now is None else _operation(old, new, item[method], now)
                found += [f"{method.upper()} {path}: {change}" for change in changes]
    return list(dict.fromkeys(found))


def _read_at(revision: str) -> Json | None:
    """Return the document of a revision, or None if it has none."""
    if _git("rev-parse", "--verify", "--quiet", f"{revision}^0") is None:
        sys.exit(f"git does not know the revision {revision}; fetch it, or name another one.")
    shown = _git("show", f"{revision}:{FILE}")
    return None if shown is None else json.loads(shown)


def _git(*arguments: str) -> bytes | None:
    """Return the output of git, or None if it fails."""
    result = subprocess.run(["git", *arguments], capture_output=True, check=False)
    return None if result.returncode else result.stdout


def _allowed(path: Path) -> set[str]:
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return {line.strip() for line in lines if line.strip() and not line.startswith("#")}


def _operation(old: Json, new: Json, was: Json, now: Json) -> Iterator[str]:
    if was.get("operationId") != now.get("operationId"):
        yield f"operationId: is {now.get('operationId')}, was {was.get('operationId')}"
    yield from _security(_alternatives(old, was), _alternatives(new, now))
    sent = Comparison(old, new, is_sent=True)
    yield from _parameters(sent, was.get("parameters", []), now.get("parameters", []))
    yield from _request(sent, was.get("requestBody"), now.get("requestBody"))
    received = Comparison(old, new, is_sent=False)
    yield from _responses(received, was.get("responses", {}), now.get("responses", {}))


# ------------------------------------------------------------------------------------ security


def _alternatives(document: Json, operation: Json) -> list[set[str]]:
    """Return the sets of credentials; any one of the sets is sufficient."""
    schemes: Json = document.get("components", {}).get("securitySchemes", {})
    everywhere: list[dict[str, list[str]]] = document.get("security", [])
    required: list[dict[str, list[str]]] = operation.get("security", everywhere)
    return [
        {
            f"{_credential(schemes.get(name, {}))}{scope}"
            for name, scopes in each.items()
            for scope in ("", *(f" with {scope}" for scope in scopes))
        }
        for each in required or [{}]
    ]


def _credential(scheme: Json) -> str:
    """Describe a credential, and where callers obtain it."""
    urls = [f"{name} {flow.get('tokenUrl', '')}" for name, flow in scheme.get("flows", {}).items()]
    words = (scheme.get(key, "") for key in ("type", "scheme", "in", "name", "openIdConnectUrl"))
    return " ".join(word for word in (*words, *sorted(urls)) if word)


def _security(was: list[set[str]], now: list[set[str]]) -> Iterator[str]:
    for credentials in was:
        if not any(needed <= credentials for needed in now):
            needed = " or ".join(" and ".join(sorted(each)) for each in now)
            had = " and ".join(sorted(credentials)) or "nothing"
            yield f"security: needs {needed}, {had} was enough"


# ------------------------------------------------------------------------------ what callers send


def _parameters(schemas: "Comparison", was: list[Json], now: list[Json]) -> Iterator[str]:
    known = {_parameter_name(each): each for each in was}
    current = {_parameter_name(each): each for each in now}
    for name, each in known.items():
        if name not in current:
            yield f"{name}: removed"
        else:
            given, accepted = each.get("schema", {}), current[name].get("schema", {})
            yield from _at(name, _located(schemas.mismatches(given, accepted)))
    for name, each in current.items():
        if each.get("required") and not known.get(name, {}).get("required"):
            yield f"{name}: required now"


def _parameter_name(parameter: Json) -> str:
    name = parameter["name"]
    return f"{parameter['in']} {name.lower() if parameter['in'] == 'header' else name}"


def _request(schemas: "Comparison", was: Json | None, now: Json | None) -> Iterator[str]:
    if now is None:
        if was is not None:
            yield "request: removed"
        return
    if now.get("required") and not (was or {}).get("required"):
        yield "request: required now"
    if was is not None:
        yield from _at("request", _contents(schemas, was, now))


# --------------------------------------------------------------------------- what callers receive


def _responses(schemas: "Comparison", was: Json, now: Json) -> Iterator[str]:
    for status, response in was.items():
        if status not in now:
            yield f"response {status}: removed"
        else:
            yield from _at(f"response {status}", _contents(schemas, response, now[status]))


def _contents(schemas: "Comparison", was: Json, now: Json) -> Iterator[str]:
    current = now.get("content", {})
    for kind, content in was.get("content", {}).items():
        if kind not in current:
            yield f"{kind}: removed"
            continue
        for key in ("schema", "itemSchema"):
            known, offered = content.get(key, {}), current[kind].get(key, {})
            pair = (known, offered) if schemas.is_sent else (offered, known)
            yield from _located(schemas.mismatches(*pair))


def _at(place: str, changes: Iterable[str]) -> Iterator[str]:
    return (f"{place}: {change}" for change in changes)


def _located(mismatches: Iterable[Mismatch]) -> Iterator[str]:
    for path, what in mismatches:
        yield f"{path.lstrip('.')}: {what}" if path else what


# ---------------------------------------------------------------------------------------- schemas


@dataclass(frozen=True, slots=True)
class Comparison:
    """Compares schemas of two documents.

    Attributes:
        old: The document that callers know.
        new: The document that replaces it.
        is_sent: Whether the schemas describe what callers send.
        within: The pairs that are being compared: schemas may contain themselves.
    """

    old: Json
    new: Json
    is_sent: bool
    within: frozenset[tuple[str, str]] = frozenset()

    def mismatches(self, given: Schema, accepted: Schema) -> Iterator[Mismatch]:
        """Return why values of one schema may not match another.

        Args:
            given: The schema of the values: the old one of a request, the new one of a response.
            accepted: The schema that the values must match: the other one.
        """
        known = list(_variants(accepted, self.new if self.is_sent else self.old))
        for each in _variants(given, self.old if self.is_sent else self.new):
            alike = [other for other in known if other.get("type") == each.get("type")]
            yield from min((self._compared(each, other) for other in alike or known), key=len)

    def _compared(self, given: Json, accepted: Json) -> list[Mismatch]:
        pair = (repr(given), repr(accepted))
        if pair in self.within:
            return []
        kind, known = given.get("type"), accepted.get("type")
        if known is not None and kind != known and (kind, known) != ("integer", "number"):
            return [("", self._unexpected(kind or "another type"))]
        inner = replace(self, within=self.within | {pair})
        return [
            *self._values(given, accepted),
            *self._rules(given, accepted),
            *inner._items(given, accepted),
            *inner._fields(given, accepted),
            *inner._other_fields(given, accepted),
        ]

    def _unexpected(self, value: str) -> str:
        return f"{value} is refused now" if self.is_sent else f"may be {value} now"

    def _values(self, given: Json, accepted: Json) -> Iterator[Mismatch]:
        known, values = _enumerated(accepted), _enumerated(given)
        if known is not None and values is None:
            yield "", self._unexpected("any other value")
        for value in values or []:
            if known is not None and value not in known:
                yield "", self._unexpected(json.dumps(value, ensure_ascii=False))

    def _rules(self, given: Json, accepted: Json) -> Iterator[Mismatch]:
        for rule in ("format", *(_RULES if self.is_sent else ())):
            if accepted.get(rule) and given.get(rule) != accepted[rule]:
                was, now = (given, accepted) if self.is_sent else (accepted, given)
                yield "", f"{rule} {now.get(rule, 'none')} now, was {was.get(rule, 'none')}"
        for limit in (*_LOWER_LIMITS, *_UPPER_LIMITS) if self.is_sent else ():
            strict, before = _limit(accepted, limit), _limit(given, limit)
            if strict is not None and (before is None or strict > before):
                yield "", f"{_shown(accepted, limit)} now, was {_shown(given, limit)}"

    def _items(self, given: Json, accepted: Json) -> Iterator[Mismatch]:
        first = zip(given.get("prefixItems", []), accepted.get("prefixItems", []), strict=False)
        rest = [(given.get("items", True), accepted["items"])] if "items" in accepted else []
        for pair in (*first, *rest):
            yield from _below("[]", self.mismatches(*pair))

    def _fields(self, given: Json, accepted: Json) -> Iterator[Mismatch]:
        fields, known = given.get("properties", {}), accepted.get("properties", {})
        removed = fields.keys() - known.keys() if self.is_sent else known.keys() - fields.keys()
        yield from ((f".{name}", "removed") for name in sorted(removed))
        for name in sorted(fields.keys() & known.keys()):
            yield from _below(f".{name}", self.mismatches(fields[name], known[name]))
        missing = {*accepted.get("required", [])} - {*given.get("required", [])} - removed
        what = "required now" if self.is_sent else "may be missing now"
        yield from ((f".{name}", what) for name in sorted(missing))

    def _other_fields(self, given: Json, accepted: Json) -> Iterator[Mismatch]:
        names = {"type": "string", **given.get("propertyNames", {})}
        if "propertyNames" in accepted:
            yield from _below(".* (name)", self.mismatches(names, accepted["propertyNames"]))
        known = accepted.get("additionalProperties", True)
        others = given.get("additionalProperties", True)
        if known is True or others is False:
            return
        if known is not False:
            yield from _below(".*", self.mismatches(others, known))
        elif self.is_sent:
            yield ".*", "other fields are refused now"


def _variants(schema: Schema, document: Json) -> Iterator[Json]:
    """Return the alternatives of a schema, each with at most one type."""
    if isinstance(schema, bool):
        yield {} if schema else {"enum": []}
        return
    schema = _mapping(_merged(schema, document))
    either = schema.get("anyOf") or schema.get("oneOf")
    kinds: str | list[str] | None = schema.get("type")
    if either:
        for part in either:
            yield from _variants(part, document)
    elif isinstance(kinds, list):
        yield from (schema | {"type": kind} for kind in kinds)
    else:
        yield schema


def _merged(schema: Json, document: Json) -> Json:
    """Return a schema with its `$ref` and `allOf` resolved."""
    parts = schema.get("allOf", [])
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        parts = [document["components"]["schemas"][name], *parts]
    merged = {key: value for key, value in schema.items() if key not in ("$ref", "allOf")}
    for part in parts:
        other = _merged(part, document)
        properties = other.get("properties", {}) | merged.get("properties", {})
        required = [*other.get("required", []), *merged.get("required", [])]
        merged = other | merged | {"properties": properties, "required": required}
    return merged


def _mapping(schema: Json) -> Json:
    """Return a schema with its `patternProperties` as names and values of other properties."""
    patterns: dict[str, Schema] = schema.get("patternProperties", {})
    if not patterns or "additionalProperties" in schema:
        return schema
    names, values = {"pattern": "|".join(patterns)}, {"anyOf": [*patterns.values()]}
    return schema | {"propertyNames": names, "additionalProperties": values}


def _enumerated(schema: Json) -> list[Any] | None:
    return [schema["const"]] if "const" in schema else schema.get("enum")


def _limit(schema: Json, name: str) -> tuple[float, bool] | None:
    """Return a limit as a sort key: the stricter, the greater."""
    sign = 1 if name in _LOWER_LIMITS else -1
    found = [(sign * schema[key], key != name) for key in _keywords(name) if key in schema]
    return max(found, default=None)


def _shown(schema: Json, name: str) -> str:
    found = [f"{key} {schema[key]}" for key in _keywords(name) if key in schema]
    return " ".join(found) or f"no {name}"


def _keywords(limit: str) -> tuple[str, str]:
    return limit, f"exclusive{limit.capitalize()}"


def _below(place: str, mismatches: Iterable[Mismatch]) -> Iterator[Mismatch]:
    return ((f"{place}{path}", what) for path, what in mismatches)


if __name__ == "__main__":
    main()
