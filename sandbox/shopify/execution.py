"""Checking an operation against the schema, and showing what it selects.

A field, an argument or a variable that the schema lacks is refused, as one that does not exist.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.shopify.language import Field, Operation, Variable
from sandbox.shopify.schema import ARGUMENTS, PAGING, SCALARS, TYPES

MOST_NODES = 250


@dataclass
class Refused(Exception):
    """An error of GraphQL: it stands in `errors`, and there is no data."""

    message: str
    code: str = "undefinedField"


def check(operation: Operation, variables: Mapping[str, Any]) -> int:
    """What the operation costs. Raises Refused where it does not fit the schema."""
    for name, kind in operation.variables.items():
        _check_variable(name, kind, variables.get(name))
    if unknown := variables.keys() - operation.variables.keys():
        raise Refused(f"Variable ${min(unknown)} is not declared", "variableNotDefined")
    root = "Query" if operation.kind == "query" else "Mutation"
    used: set[str] = set()
    cost = _check_selection(root, operation.selection, operation, variables, used)
    if unused := operation.variables.keys() - used:
        raise Refused(f"Variable ${min(unused)} is declared and not used", "variableNotUsed")
    return cost + (10 if root == "Mutation" else 0)


def _check_variable(name: str, kind: str, value: Any) -> None:
    kinds = {"Int": int, "String": str, "ID": str, "Boolean": bool}
    expected = kinds.get(
        kind.rstrip("!"), str if kind.startswith("WebhookSubscriptionTopic") else dict
    )
    right = isinstance(value, expected) and not (expected is int and isinstance(value, bool))
    if (value is None and not kind.endswith("!")) or right:
        return
    raise Refused(f"Variable ${name} of type {kind} was provided invalid value", "INVALID_VARIABLE")


def _check_selection(
    owner: str,
    selection: list[Field],
    operation: Operation,
    variables: Mapping[str, Any],
    used: set[str],
) -> int:
    """What the selection costs: a node of a connection is 1, and all else in it nothing.

    Shopify's own sum is not published to the last point; its order of size is this.
    """
    cost = 0
    for each in selection:
        kind = TYPES[owner].get(each.name)
        if kind is None:
            raise Refused(f"Field '{each.name}' doesn't exist on type '{owner}'")
        _check_arguments(each, kind, owner, operation, used)
        if kind.endswith("{}"):
            first = value_of(each.arguments.get("first"), variables)
            if not isinstance(first, int) or not 1 <= first <= MOST_NODES:
                raise Refused(
                    f"'{each.name}' needs first between 1 and {MOST_NODES}", "BAD_REQUEST"
                )
            cost += first * (1 + _check_connection(each, kind[:-2], operation, variables, used))
        elif (inner := kind.removesuffix("[]")) in SCALARS:
            if each.selection:
                raise Refused(f"Selections can't be made on scalars ({each.name})")
        elif not each.selection:
            raise Refused(f"Field must have selections ({each.name})")
        else:
            cost += _check_selection(inner, each.selection, operation, variables, used)
    return cost


def _check_connection(
    each: Field, kind: str, operation: Operation, variables: Mapping[str, Any], used: set[str]
) -> int:
    cost = 0
    for part in each.selection:
        if part.name == "pageInfo":
            if {field.name for field in part.selection} - {"hasNextPage", "endCursor"}:
                raise Refused("Field doesn't exist on type 'PageInfo'")
        elif part.name == "nodes":
            cost += _check_selection(kind, part.selection, operation, variables, used)
        else:
            raise Refused(f"Field '{part.name}' doesn't exist on type '{kind}Connection'")
    return cost


def _check_arguments(
    each: Field, kind: str, owner: str, operation: Operation, used: set[str]
) -> None:
    known = PAGING if kind.endswith("{}") else ARGUMENTS.get(each.name, {})
    if owner not in ("Query", "Mutation", "Order") and not kind.endswith("{}"):
        known = {}
    for name, value in each.arguments.items():
        if name not in known:
            raise Refused(f"Field '{each.name}' doesn't accept argument '{name}'")
        if isinstance(value, Variable):
            used.add(value.name)
            if value.name not in operation.variables:
                raise Refused(f"Variable ${value.name} is used but not declared")
            declared, wanted = operation.variables[value.name], known[name]
            if declared.rstrip("!") != wanted.rstrip("!") or declared < wanted:
                raise Refused(f"Type mismatch on variable ${value.name} ({declared} / {wanted})")
    missing = [name for name, wanted in known.items() if wanted.endswith("!")]
    if lacking := set(missing) - each.arguments.keys():
        raise Refused(f"Field '{each.name}' is missing required arguments: {min(lacking)}")


def value_of(given: Any, variables: Mapping[str, Any]) -> Any:
    """What an argument stands for."""
    return variables.get(given.name) if isinstance(given, Variable) else given


def arguments(each: Field, variables: Mapping[str, Any]) -> dict[str, Any]:
    """The field's arguments, with the variables' values."""
    return {name: value_of(given, variables) for name, given in each.arguments.items()}


def select(value: Any, kind: str, each: Field, variables: Mapping[str, Any]) -> Any:
    """What the field's selection shows of `value`."""
    if value is None:
        return None
    if kind.endswith("{}"):
        nodes, info = page(value, arguments(each, variables))
        return {
            part.alias: [_select_of(node, kind[:-2], part, variables) for node in nodes]
            if part.name == "nodes"
            else {field.alias: info[field.name] for field in part.selection}
            for part in each.selection
        }
    if kind.endswith("[]"):
        return [select(item, kind[:-2], each, variables) for item in value]
    return value if kind in SCALARS else _select_of(value, kind, each, variables)


def page(rows: list[Any], asked: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """The rows of a page and its `pageInfo`; a cursor is a place in the list."""
    start = int(asked.get("after") or 0)
    end = start + asked["first"]
    shown = rows[start:end]
    more = end < len(rows)
    return shown, {"hasNextPage": more, "endCursor": str(start + len(shown)) if shown else None}


def _select_of(value: Any, kind: str, each: Field, variables: Mapping[str, Any]) -> Any:
    return {
        part.alias: select(value.get(part.name), TYPES[kind][part.name], part, variables)
        for part in each.selection
    }
