"""What a sale is worth under a mapping's rules, and why: step by step, to the cent.

Every amount is `Decimal`. `worth` is the sum of the steps that `explain` lists, so that a preview
cannot say one thing and the event another.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_HALF_EVEN, Context, Decimal

from msgspec import Struct
from msgspec.structs import replace

from purchases.currencies import EXPONENTS
from purchases.mapping import Rules
from purchases.order import Order

# Wide enough for any amount that a shop's bytes may hold; the usual 28 digits raise beyond.
MONEY = Context(prec=1000, rounding=ROUND_HALF_EVEN)
ZERO = Decimal(0)
CENT = Decimal("0.01")
SMALLEST = {currency: Decimal(1).scaleb(-decimals) for currency, decimals in EXPONENTS.items()}

# What of the order's extras each kind of value holds, so that it can be left out of it.
EXTRAS = {"subtotal": ("gift_cards",)}
ALL_EXTRAS = ("tips", "duties", "gift_cards", "fees")
WITHOUT_TAX = ("total_less_tax", "net", "margin")


class Step(Struct, frozen=True, kw_only=True):
    """One amount that is added (or taken away), and what it is: `shipping`, `cost of SCARF-RED`."""

    what: str
    amount: Decimal


def in_currency(order: Order, currency: str) -> Order:
    """The order in the shop's currency, or in the one its buyer saw (`presentment`) if it has two."""
    seen = order.presented
    if currency != "presentment" or seen is None:
        return order
    return replace(
        order,
        currency=seen.currency,
        total=seen.total,
        subtotal=seen.subtotal,
        tax=seen.tax,
        shipping=seen.shipping,
        shipping_tax=seen.shipping_tax,
        tips=seen.tips,
        duties=seen.duties,
        fees=seen.fees,
        refunded=seen.refunded,
        rounding=ZERO,
        lines=tuple(
            replace(line, total=total) for line, total in zip(order.lines, seen.lines, strict=True)
        ),
    )


def worth(order: Order, *, rules: Rules) -> Decimal | None:
    """The value in the decimals of its currency, or None where a line's cost is not known.

    Never below zero: Meta has no meaning for it. The order must be in the currency wanted already.
    """
    if rules.tells_refunds:
        return money(order.given_back, order.currency)
    if rules.value == "total" and not rules.leave_out and not order.refunded:  # most orders
        return money(max(order.total, ZERO), order.currency)
    value = ZERO
    for _what, amount in _steps(order, rules):
        if amount is None:
            return None
        value = MONEY.add(value, amount)
    return money(max(value, ZERO), order.currency)


def margin(order: Order, *, rules: Rules) -> Decimal | None:
    """What is left of the sale when tax, shipping and the goods are paid; None without their costs."""
    return worth(order, rules=replace(rules, value="margin"))


def explain(order: Order, *, rules: Rules) -> tuple[Step, ...]:
    """The steps to the value, which they add up to; none where a cost is missing.

    First what the order's total (or its goods) is made of, line by line, then what `rules` take away.
    """
    order = in_currency(order, rules.currency)
    value = worth(order, rules=rules)
    if value is None:
        return ()
    if rules.tells_refunds:
        return (Step(what="given back", amount=value),)
    (base, amount), *others = _steps(order, rules)
    steps = list(_of_goods(order) if base == "subtotal" else _of_total(order))
    # `other` is what the shop's figures do not explain themselves.
    if rest := (amount or ZERO) - _sum(steps):
        what = "cash rounding" if rest == order.rounding else "other"
        steps.append(Step(what=what, amount=rest))
    steps += [Step(what=what, amount=amount) for what, amount in others if amount]
    if rest := value - _sum(steps):
        steps.append(Step(what="to zero" if value == 0 else "rounding", amount=rest))
    return tuple(steps)


def money(amount: Decimal, currency: str) -> Decimal:
    """Rounded half to even to the currency's own decimals: JPY 1200, EUR 12.34, KWD 1.250."""
    return amount.quantize(SMALLEST.get(currency, CENT), context=MONEY)


def _steps(order: Order, rules: Rules) -> Iterator[tuple[str, Decimal | None]]:
    """What is added up, the base first. An amount of None is a cost that nobody has told us."""
    kind = rules.value
    base = so_far = order.subtotal if kind == "subtotal" else order.total
    yield ("subtotal" if kind == "subtotal" else "total"), base
    for what, amount in _taken(order, rules):
        if amount is None:
            yield what, None
            return
        so_far += amount
        yield what, amount
    if order.refunded and rules.refunds == "net" and order.total > 0:
        # A refund takes the same share of the value as of the total: of its tax, its shipping …
        share = min(order.refunded, order.total)
        if so_far != order.total:
            share = money(MONEY.divide(share * so_far, order.total), order.currency)
        yield "refunded", -share


def _taken(order: Order, rules: Rules) -> Iterator[tuple[str, Decimal | None]]:
    kind = rules.value
    if kind in WITHOUT_TAX:
        yield "tax", -order.tax
    if kind == "total_less_shipping":
        yield "shipping", -order.shipping
    if kind in ("net", "margin"):
        yield "shipping without tax", -(order.shipping - order.shipping_tax)
    extras = EXTRAS.get(kind, ALL_EXTRAS)
    for what in rules.leave_out:
        if what in extras:
            yield what.replace("_", " "), -_extra(order, what, with_tax=kind not in WITHOUT_TAX)
    if kind == "margin":
        for line in order.lines:
            if line.gift_card and "gift_cards" in rules.leave_out:
                continue
            cost = None if line.cost is None else -line.cost
            yield f"cost of {line.sku or line.variant_id or line.product_id or 'a line'}", cost


def _extra(order: Order, what: str, *, with_tax: bool) -> Decimal:
    match what:
        case "tips":
            return order.tips
        case "duties":
            return order.duties
        case "fees":
            return order.fees if with_tax else order.fees - order.fees_tax
        case _:
            return sum((line.total for line in order.lines if line.gift_card), ZERO)


def _of_goods(order: Order) -> Iterator[Step]:
    for place, line in enumerate(order.lines, start=1):
        name = line.sku or line.variant_id or line.product_id
        yield Step(what=f"line {place}{name and f', {name}'}", amount=line.total)


def _of_total(order: Order) -> Iterator[Step]:
    yield from _of_goods(order)
    on_top = ZERO if order.taxes_included else order.tax - order.shipping_tax - order.fees_tax
    for what, amount in (
        ("shipping", order.shipping),
        ("fees", order.fees),
        ("tax", on_top),
        ("tips", order.tips),
        ("duties", order.duties),
    ):
        if amount:
            yield Step(what=what, amount=amount)


def _sum(steps: list[Step]) -> Decimal:
    total = ZERO
    for step in steps:
        total = MONEY.add(total, step.amount)
    return total
