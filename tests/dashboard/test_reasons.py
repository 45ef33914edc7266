"""Walks the modules that write reasons, so that no reason is shown as a bare slug."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from dashboard.reasons import FAMILIES, SENTENCES, in_words

ROOT = Path(__file__).parent.parent.parent
MODULES = sorted(
    {
        *ROOT.glob("purchases/shops/**/*.py"),
        ROOT / "purchases/decision.py",
        ROOT / "purchases/triggers.py",
        ROOT / "purchases/mapping.py",
        ROOT / "purchases/meta/event.py",
        ROOT / "purchases/meta/payload.py",
        ROOT / "purchases/meta/response.py",
        ROOT / "conversions/graph.py",
        ROOT / "conversions/entries.py",
        ROOT / "conversions/outbox.py",
        ROOT / "conversions/claiming.py",
        ROOT / "conversions/sending.py",
        ROOT / "shop_webhooks/inbox.py",
        ROOT / "shop_webhooks/heartbeat.py",
        *ROOT.glob("stores/woocommerce/*.py"),
    }
)
SAYS_WHY = {
    "UnreadableOrder",
    "ShopError",
    "NotAnOrder",
    "Skip",
    "Wait",
    "_end_unanswered",
    "_break",
    "_isolate",
}
RETURNS_WHY = {
    "_key_refused",
    "_never",
    "_not_an_order",
    "_not_now",
    "_not_ours",
    "_unwanted",
    "_unmet",
    "waits_for",
}
TABLES = {"NOT_SO", "_OUTBOUND", "_TELLTALES", "_RESOURCES", "CATALOGUE"}
SLUG = re.compile(r"[a-z]+(_[a-z0-9]+)*")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_reason_that_a_module_writes_has_a_sentence(path: Path) -> None:
    written = set(reasons_in(ast.parse(path.read_text())))

    assert {reason for reason in written if not is_told(reason)} == set()


def test_the_walk_finds_reasons_of_every_kind() -> None:
    found = {reason for path in MODULES for reason in reasons_in(ast.parse(path.read_text()))}

    assert found >= {
        "payment",  # returned by waits_for
        "test_order",  # returned by _unwanted
        "other_country",  # yielded by _unmet
        "no_mapping",  # assigned to `reason`
        "event_id_taken",  # assigned to `entry.reason`
        "bad_money",  # UnreadableOrder("…")
        "order_edit",  # returned by _not_an_order
        "token_expired",  # in a table
        "not_draft",
        "worker_lost",  # reason=…
        "network_",  # f"network_{…}"
        "meta_",
    }


def test_a_reason_of_a_family_tells_the_rest() -> None:
    assert in_words("meta_100_2804036") == "Meta gave its error 100/2804036."


def test_an_unknown_reason_is_named_rather_than_hidden() -> None:
    assert in_words("solar_flare") == (
        "For a reason that this page has no words for yet: solar_flare."
    )


def is_told(reason: str) -> bool:
    return reason in SENTENCES or (reason.endswith("_") and reason[:-1] in FAMILIES)


def reasons_in(tree: ast.AST) -> Iterator[str]:
    """Every literal that becomes a reason; of an f-string, what stands before the first brace."""
    for node in ast.walk(tree):
        for value in _values(node):
            for leaf in ast.walk(value):
                if isinstance(leaf, ast.Constant) and isinstance(leaf.value, str):
                    if SLUG.fullmatch(leaf.value):
                        yield leaf.value
                elif isinstance(leaf, ast.JoinedStr) and isinstance(leaf.values[0], ast.Constant):
                    yield str(leaf.values[0].value)


def _values(node: ast.AST) -> Iterator[ast.expr]:
    match node:
        case ast.Call(func=function, args=args, keywords=keywords):
            yield from (word.value for word in keywords if word.arg == "reason")
            if isinstance(function, ast.Name) and function.id in SAYS_WHY:
                yield from args
        case ast.Assign(targets=[target], value=value):
            yield from _assigned(target, value)
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.Dict(values=values)):
            if name in TABLES:
                yield from (
                    entry.elts[1]
                    for value in values
                    for entry in ast.walk(value)
                    if isinstance(entry, ast.Tuple) and len(entry.elts) == 2
                )
        case ast.FunctionDef(name=name) if name in RETURNS_WHY:
            yield from (
                found.value
                for found in ast.walk(node)
                if isinstance(found, ast.Return | ast.Yield)
                and isinstance(found.value, ast.Constant)
            )


def _assigned(target: ast.expr, value: ast.expr) -> Iterator[ast.expr]:
    match target, value:
        case ast.Tuple(elts=targets), ast.Tuple(elts=values):
            for one, its_value in zip(targets, values, strict=True):
                yield from _assigned(one, its_value)
        case ((ast.Name(id="reason") | ast.Attribute(attr="reason")), _):
            text = value.value if isinstance(value, ast.Subscript) else value
            if isinstance(text, ast.Constant | ast.JoinedStr | ast.IfExp):
                yield text
        case ast.Name(id=name), ast.Dict(values=values) if name in TABLES:
            yield from values
