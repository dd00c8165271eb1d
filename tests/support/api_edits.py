"""An OpenAPI document, and edits of it with the breaking changes that each one causes."""

import json
from dataclasses import dataclass
from typing import Any

__all__ = ["BREAKING", "DOCUMENT", "HARMLESS", "Edit"]

type Json = dict[str, Any]

GONE = object()
"""Marks a key that an edit removes."""


def _json(schema: Json) -> Json:
    return {"application/json": {"schema": schema}}


def _answers(schema: Json) -> Json:
    return {"description": "Successful Response", "content": _json(schema)}


def _optional(schema: Json) -> Json:
    return {"anyOf": [schema, {"type": "null"}]}


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


KIND: Json = {"type": "string", "enum": ["book", "lamp"]}
PROBLEM = {"content": {"application/problem+json": {"schema": _ref("Problem")}}}
ONE = {"name": "item_id", "in": "path", "required": True, "schema": {"type": "string"}}
DOCUMENT: Json = {
    "openapi": "3.1.0",
    "info": {"title": "Shop", "version": "1.0.0"},
    "paths": {
        "/items": {
            "get": {
                "operationId": "items_list",
                "parameters": [
                    {"name": "page", "in": "query", "schema": {"type": "integer", "maximum": 100}},
                    {"name": "kind", "in": "query", "schema": _optional(KIND)},
                    {"name": "X-Tenant", "in": "header", "schema": {"type": "string"}},
                ],
                "responses": {"200": _answers(_ref("Page")), "default": PROBLEM},
            },
            "post": {
                "operationId": "items_create",
                "security": [{"login": ["write"]}, {"key": []}],
                "requestBody": {"required": True, "content": _json(_ref("ItemWrite"))},
                "responses": {"201": _answers(_ref("Item")), "409": PROBLEM},
            },
        },
        "/items/{item_id}": {
            "get": {
                "operationId": "items_read",
                "parameters": [ONE],
                "responses": {"200": _answers(_ref("Item"))},
            },
            "delete": {
                "operationId": "items_delete",
                "parameters": [ONE],
                "responses": {"204": {"description": "Successful Response"}},
            },
            "patch": {
                "operationId": "items_patch",
                "parameters": [ONE],
                "requestBody": {"content": _json(_ref("ItemPatch"))},
                "responses": {"204": {"description": "Successful Response"}},
            },
        },
    },
    "components": {
        "schemas": {
            "Page": {
                "type": "object",
                "properties": {
                    "items": {"type": "array", "items": _ref("Item")},
                    "total": {"type": "integer"},
                },
                "required": ["items", "total"],
            },
            "Item": {
                "type": "object",
                "properties": {
                    "id": {"type": "string", "format": "uuid"},
                    "name": {"type": "string", "maxLength": 100},
                    "kind": KIND,
                    "price": {"type": "number"},
                    "labels": {
                        "type": "object",
                        "propertyNames": {"enum": ["en", "de"]},
                        "additionalProperties": {"type": "string"},
                    },
                    "part_of": _optional(_ref("Item")),
                },
                "required": ["id", "name", "kind"],
            },
            "ItemWrite": {
                "type": "object",
                "properties": {
                    "name": {"type": "string", "minLength": 1, "maxLength": 100},
                    "kind": KIND,
                    "price": {"type": "number", "exclusiveMinimum": 0},
                    "note": _optional({"type": "string"}),
                    "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 10},
                    "rates": {"type": "object", "additionalProperties": {"type": "number"}},
                    "codes": {
                        "type": "object",
                        "patternProperties": {"^[A-Z]+$": {"type": "number"}},
                    },
                    "size": {"prefixItems": [{"type": "integer"}], "type": "array"},
                },
                "required": ["name", "kind"],
            },
            "ItemPatch": {
                "type": "object",
                "additionalProperties": False,
                "properties": {"name": {"type": "string"}},
            },
            "Problem": {"type": "object", "properties": {"detail": {"type": "string"}}},
        },
        "securitySchemes": {
            "login": {"type": "oauth2", "flows": {"password": {"tokenUrl": "login"}}},
            "key": {"type": "apiKey", "in": "header", "name": "X-Key"},
        },
    },
}
PLACES = {
    "ITEM": "components schemas Item",
    "JSON": "content application/json schema",
    "LIST": "paths /items get",
    "NEW": "paths /items post",
    "PATCH": "components schemas ItemPatch",
    "WRITE": "components schemas ItemWrite",
}
"""Short names of places in the document."""


@dataclass(frozen=True)
class Edit:
    """An edit of the document.

    Attributes:
        name: Description of the edit.
        place: The keys that lead to the place, separated by spaces.
        value: The new value.
        lines: Breaking changes reported for it.
    """

    name: str
    place: str
    value: Any
    lines: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.name.replace(" ", "-")

    def apply(self) -> Json:
        """Return the edited document."""
        document: Json = json.loads(json.dumps(DOCUMENT))  # unshares common parts
        inner: Any = document
        *way, last = _keys(self.place)
        for key in way:
            inner = inner[int(key) if isinstance(inner, list) else key]
        if isinstance(inner, list):
            index = int(last)
            inner[index : index + 1] = [] if self.value is GONE else [self.value]
        elif self.value is GONE:
            del inner[last]
        else:
            inner[last] = self.value
        return document


def _keys(place: str) -> list[str]:
    return " ".join(PLACES.get(word, word) for word in place.split()).split()


def _everywhere(field: str, what: str) -> tuple[str, ...]:
    """Return the lines for a change of items, one for each response that contains them."""
    return (
        f"GET /items: response 200: items[].{field}: {what}",
        f"POST /items: response 201: {field}: {what}",
        f"GET /items/{{item_id}}: response 200: {field}: {what}",
    )


def _sent(field: str, what: str) -> tuple[str, ...]:
    return (f"POST /items: request: {field}: {what}",)


STRING: Json = {"type": "string"}
ORDER: Json = {"name": "order", "in": "query", "schema": STRING}
BREAKING = [
    Edit("path removed", "paths /items", GONE, ("GET /items: removed", "POST /items: removed")),
    Edit(
        "method removed",
        "paths /items/{item_id} delete",
        GONE,
        ("DELETE /items/{item_id}: removed",),
    ),
    Edit(
        "operation renamed",
        "LIST operationId",
        "items_find",
        ("GET /items: operationId: is items_find, was items_list",),
    ),
    Edit("parameter removed", "LIST parameters 1", GONE, ("GET /items: query kind: removed",)),
    Edit(
        "parameter moved to the headers",
        "LIST parameters 0 in",
        "header",
        ("GET /items: query page: removed",),
    ),
    Edit(
        "parameter required",
        "LIST parameters 1 required",
        True,
        ("GET /items: query kind: required now",),
    ),
    Edit(
        "parameter new and required",
        "LIST parameters 3",
        ORDER | {"required": True},
        ("GET /items: query order: required now",),
    ),
    Edit(
        "parameter of another type",
        "LIST parameters 2 schema",
        {"type": "integer"},
        ("GET /items: header x-tenant: string is refused now",),
    ),
    Edit(
        "parameter limited further",
        "LIST parameters 0 schema maximum",
        10,
        ("GET /items: query page: maximum 10 now, was maximum 100",),
    ),
    Edit(
        "parameter no longer null",
        "LIST parameters 1 schema",
        KIND,
        ("GET /items: query kind: null is refused now",),
    ),
    Edit(
        "parameter with fewer values",
        "LIST parameters 1 schema",
        _optional({"type": "string", "enum": ["book"]}),
        ('GET /items: query kind: "lamp" is refused now',),
    ),
    Edit("body removed", "NEW requestBody", GONE, ("POST /items: request: removed",)),
    Edit(
        "body new and required",
        "LIST requestBody",
        {"required": True, "content": _json(STRING)},
        ("GET /items: request: required now",),
    ),
    Edit(
        "body required",
        "paths /items/{item_id} patch requestBody required",
        True,
        ("PATCH /items/{item_id}: request: required now",),
    ),
    Edit(
        "body of another media type",
        "NEW requestBody content",
        {"text/csv": {"schema": STRING}},
        ("POST /items: request: application/json: removed",),
    ),
    Edit("sent field removed", "WRITE properties note", GONE, _sent("note", "removed")),
    Edit("sent field required", "WRITE required 2", "note", _sent("note", "required now")),
    Edit(
        "sent field shorter",
        "WRITE properties name maxLength",
        50,
        _sent("name", "maxLength 50 now, was maxLength 100"),
    ),
    Edit(
        "sent field longer at least",
        "WRITE properties name minLength",
        3,
        _sent("name", "minLength 3 now, was minLength 1"),
    ),
    Edit(
        "sent field limited for the first time",
        "WRITE properties price maximum",
        9,
        _sent("price", "maximum 9 now, was no maximum"),
    ),
    Edit(
        "sent field with a pattern",
        "WRITE properties name pattern",
        "^a",
        _sent("name", "pattern ^a now, was none"),
    ),
    Edit(
        "sent field with a format",
        "WRITE properties note anyOf 0 format",
        "email",
        _sent("note", "format email now, was none"),
    ),
    Edit(
        "sent field no longer null",
        "WRITE properties note",
        STRING,
        _sent("note", "null is refused now"),
    ),
    Edit(
        "sent field whole",
        "WRITE properties price type",
        "integer",
        _sent("price", "number is refused now"),
    ),
    Edit(
        "sent field with fewer values",
        "WRITE properties kind enum",
        ["book", "chair"],
        _sent("kind", '"lamp" is refused now'),
    ),
    Edit(
        "sent field with named values only",
        "WRITE properties name const",
        "x",
        _sent("name", "any other value is refused now"),
    ),
    Edit(
        "sent list shorter",
        "WRITE properties tags maxItems",
        5,
        _sent("tags", "maxItems 5 now, was maxItems 10"),
    ),
    Edit(
        "sent list of another type",
        "WRITE properties tags items type",
        "integer",
        _sent("tags[]", "string is refused now"),
    ),
    Edit(
        "sent list unique",
        "WRITE properties tags uniqueItems",
        True,
        _sent("tags", "uniqueItems True now, was none"),
    ),
    Edit(
        "sent tuple of another type",
        "WRITE properties size prefixItems 0 type",
        "boolean",
        _sent("size[]", "integer is refused now"),
    ),
    Edit(
        "sent mapping with named keys only",
        "WRITE properties rates propertyNames",
        {"enum": ["EUR"]},
        _sent("rates.* (name)", "any other value is refused now"),
    ),
    Edit(
        "sent mapping whose keys have a pattern",
        "WRITE properties rates",
        {"type": "object", "patternProperties": {"^[A-Z]{3}$": {"type": "number"}}},
        _sent("rates.* (name)", "pattern ^[A-Z]{3}$ now, was none"),
    ),
    Edit(
        "sent mapping of another type by a pattern",
        "WRITE properties codes patternProperties",
        {"^[A-Z]+$": {"type": "integer"}},
        _sent("codes.*", "number is refused now"),
    ),
    Edit(
        "other fields refused",
        "WRITE additionalProperties",
        False,
        ("POST /items: request: *: other fields are refused now",),
    ),
    Edit("response removed", "NEW responses 409", GONE, ("POST /items: response 409: removed",)),
    Edit(
        "response of another media type",
        "LIST responses 200 content",
        {"text/csv": {}},
        ("GET /items: response 200: application/json: removed",),
    ),
    Edit(
        "response empty",
        "LIST responses 200 content",
        GONE,
        ("GET /items: response 200: application/json: removed",),
    ),
    Edit(
        "response of another shape",
        "LIST responses 200 JSON",
        {"type": "array", "items": _ref("Item")},
        ("GET /items: response 200: may be array now",),
    ),
    Edit(
        "received field removed",
        "ITEM properties price",
        GONE,
        _everywhere("price", "removed"),
    ),
    Edit(
        "received field optional",
        "ITEM required",
        ["id", "kind"],
        _everywhere("name", "may be missing now"),
    ),
    Edit(
        "received field may be null",
        "ITEM properties name",
        _optional(STRING),
        _everywhere("name", "may be null now"),
    ),
    Edit(
        "received field of another type",
        "ITEM properties price type",
        "string",
        _everywhere("price", "may be string now"),
    ),
    Edit(
        "received field without its format",
        "ITEM properties id",
        STRING,
        _everywhere("id", "format none now, was uuid"),
    ),
    Edit(
        "received field with more values",
        "ITEM properties kind enum 2",
        "chair",
        _everywhere("kind", 'may be "chair" now'),
    ),
    Edit(
        "received field with any value",
        "ITEM properties kind",
        STRING,
        _everywhere("kind", "may be any other value now"),
    ),
    Edit(
        "received mapping of another type",
        "ITEM properties labels additionalProperties type",
        "integer",
        _everywhere("labels.*", "may be integer now"),
    ),
    Edit(
        "received mapping with more keys",
        "ITEM properties labels propertyNames enum 2",
        "fr",
        _everywhere("labels.* (name)", 'may be "fr" now'),
    ),
    Edit(
        "problem without its detail",
        "components schemas Problem properties detail",
        GONE,
        (
            "GET /items: response default: detail: removed",
            "POST /items: response 409: detail: removed",
        ),
    ),
    Edit(
        "credentials needed",
        "LIST security",
        [{"key": []}],
        ("GET /items: security: needs apiKey header X-Key, nothing was enough",),
    ),
    Edit(
        "credentials no longer enough",
        "NEW security 1",
        GONE,
        (
            "POST /items: security: needs oauth2 password login and oauth2 password login with "
            "write, apiKey header X-Key was enough",
        ),
    ),
    Edit(
        "scope needed",
        "NEW security 0 login",
        ["write", "admin"],
        (
            "POST /items: security: needs oauth2 password login and oauth2 password login with "
            "admin and oauth2 password login with write or apiKey header X-Key, oauth2 password "
            "login and oauth2 password login with write was enough",
        ),
    ),
    Edit(
        "key under another name",
        "components securitySchemes key name",
        "X-Api-Key",
        (
            "POST /items: security: needs oauth2 password login and oauth2 password login with "
            "write or apiKey header X-Api-Key, apiKey header X-Key was enough",
        ),
    ),
]
HARMLESS = [
    Edit("nothing", "openapi", "3.1.0"),
    Edit("path added", "paths /orders", {"get": {"operationId": "orders_list"}}),
    Edit("method added", "paths /items put", {"operationId": "items_replace"}),
    Edit("version and title", "info", {"title": "Store", "version": "2.0.0"}),
    Edit("description", "ITEM properties name description", "What it is called."),
    Edit("tags and summary", "LIST summary", "All items"),
    Edit("deprecated", "LIST deprecated", True),
    Edit("parameter added", "LIST parameters 3", ORDER),
    Edit("header in other letters", "LIST parameters 2 name", "x-tenant"),
    Edit("parameter with a wider limit", "LIST parameters 0 schema maximum", 1000),
    Edit("parameter without its limit", "LIST parameters 0 schema", {"type": "integer"}),
    Edit("parameter of a wider type", "LIST parameters 0 schema type", "number"),
    Edit("body optional", "NEW requestBody required", False),
    Edit("body of one more media type", "NEW requestBody content text/csv", {"schema": STRING}),
    Edit("sent field added", "WRITE properties colour", STRING),
    Edit("sent field optional", "WRITE required", ["name"]),
    Edit("sent field may be null", "WRITE properties kind", _optional(KIND)),
    Edit("sent field with more values", "WRITE properties kind enum 2", "chair"),
    Edit("sent field with any value", "WRITE properties kind", STRING),
    Edit("sent field longer", "WRITE properties name maxLength", 200),
    Edit(
        "sent field with its limit included",
        "WRITE properties price",
        {"type": "number", "minimum": 0},
    ),
    Edit("sent field of one more type", "WRITE properties price", {"type": ["number", "string"]}),
    Edit("other fields accepted", "PATCH additionalProperties", True),
    Edit("sent mapping with any keys", "WRITE properties codes", {"type": "object"}),
    Edit(
        "received keys from an enum",
        "ITEM properties labels propertyNames",
        {"type": "string", "enum": ["de"]},
    ),
    Edit("response added", "NEW responses 404", PROBLEM),
    Edit("response of one more media type", "LIST responses 200 content text/csv", {}),
    Edit("received field added", "ITEM properties colour", STRING),
    Edit("received field always there", "ITEM required 3", "price"),
    Edit("received field never null", "ITEM properties part_of", _ref("Item")),
    Edit("received field with fewer values", "ITEM properties kind enum", ["book"]),
    Edit("received field longer", "ITEM properties name maxLength", 200),
    Edit("received field whole", "ITEM properties price type", "integer"),
    Edit("schema renamed", "LIST responses 200 JSON", DOCUMENT["components"]["schemas"]["Page"]),
    Edit("schema made of another", "LIST responses 200 JSON", {"allOf": [_ref("Page")]}),
    Edit("credentials no longer needed", "NEW security", []),
    Edit("other credentials accepted as well", "NEW security 2", {"other": []}),
    Edit("scope no longer needed", "NEW security 0 login", []),
]
