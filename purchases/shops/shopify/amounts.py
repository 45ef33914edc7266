"""The money of an order: in the shop's currency, and in the buyer's where that is another.

Plain amounts are in the shop's currency; the `…_set` beside them has both.
https://shopify.dev/docs/api/admin-rest/latest/resources/order
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import Raw

from purchases.currencies import EXPONENTS
from purchases.order import Line, Presented
from purchases.shops import reading
from purchases.shops.reading import ZERO, money, part, parts, reference, sum_of, text
from purchases.shops.shopify import wire

# Of a plain amount and its set, the one in the currency that is read.
Pick = Callable[[object, Any], object]


def in_shop(plain: object, _set: Any) -> object:
    """The amount in the shop's currency."""
    return plain


def as_presented(_plain: object, both: Any) -> object:
    """The amount in the buyer's currency, or None where the shop does not say."""
    if isinstance(both, Raw):
        try:
            both = wire.BAG.decode(both)
        except (msgspec.DecodeError, RecursionError):
            return None
    return part(part(both, wire.Bag).presentment_money, wire.Money).amount


def read_total(raw: wire.Order) -> Decimal:
    """What the buyer was to pay when ordering. Raises UnreadableOrder."""
    said = raw.total_price
    if said is None:
        said = _of_shop(raw.total_price_set)
    if said is None:
        # After edits and refunds, and not always right: for bodies that were cut down to it.
        said = raw.current_total_price
    return reading.total(said, field="total_price")


def read_presented(raw: wire.Order, lines: tuple[Line, ...]) -> Presented | None:
    """The amounts that the buyer saw, or None: of one currency only, or not all of them are there."""
    currency = raw.presentment_currency
    if currency == raw.currency or not isinstance(currency, str):
        return None
    said = [
        money(as_presented(None, both))
        for both in (raw.total_price_set, raw.subtotal_price_set, raw.total_tax_set)
    ]
    totals = [
        _line_total(line, quantity, as_presented)
        for line, quantity in _sold(raw)
        if money(line.price) is not None
    ]
    shop_total = read_total(raw)
    if None in said or None in totals or currency.upper() not in EXPONENTS:
        return None
    total, subtotal, tax = (amount or ZERO for amount in said)
    shipping, shipping_tax = read_shipping(raw, as_presented)
    # A tip has no set, and a refund's money may be in either currency: the order's own rate tells.
    tips = read_tips(raw) * total / shop_total if shop_total else ZERO
    refunded = read_refunded(raw) * total / shop_total if shop_total else ZERO
    smallest = Decimal(1).scaleb(-EXPONENTS[currency.upper()])
    return Presented(
        currency=currency.upper(),
        total=total,
        subtotal=subtotal,
        tax=tax,
        shipping=shipping,
        shipping_tax=shipping_tax,
        tips=tips.quantize(smallest),
        duties=money(as_presented(None, raw.original_total_duties_set)) or ZERO,
        fees=money(as_presented(None, raw.original_total_additional_fees_set)) or ZERO,
        refunded=refunded.quantize(smallest),
        lines=tuple([total or ZERO for total in totals]),
    )


def read_lines(raw: wire.Order) -> tuple[Line, ...]:
    """The lines that have a price and a positive quantity; others say nothing of a sale."""
    return tuple(
        [
            Line(
                product_id=reference(line.product_id),
                variant_id=reference(line.variant_id),
                sku=text(line.sku, limit=200),
                quantity=quantity,
                total=total,
                gift_card=line.gift_card is True,
            )
            for line, quantity in _sold(raw)
            if (total := _line_total(line, quantity, in_shop)) is not None
        ]
    )


def read_subtotal(raw: wire.Order, lines: tuple[Line, ...]) -> Decimal:
    """The goods after discounts, as the shop says, else as its lines do."""
    subtotal = money(raw.subtotal_price)
    return subtotal if subtotal is not None else sum((line.total for line in lines), ZERO)


def read_shipping(raw: wire.Order, pick: Pick = in_shop) -> tuple[Decimal, Decimal]:
    """What was paid for shipping, after discounts and with its tax; and the tax alone."""
    if raw.shipping_lines is None:
        # Before discounts, perhaps without tax: the best a body has that was cut down.
        both = raw.total_shipping_price_set
        return money(pick(_of_shop(both), both)) or ZERO, ZERO
    shipping = tax = ZERO
    for line in parts(raw.shipping_lines, wire.ShippingLine):
        if line.is_removed is True:
            continue
        price = pick(line.price, line.price_set)
        if line.discount_allocations is None:
            discounted = money(pick(line.discounted_price, line.discounted_price_set))
            shipping += (money(price) or ZERO) if discounted is None else discounted
        else:
            shipping += money(price) or ZERO
            if line.discount_allocations:
                shipping -= _shares(line.discount_allocations, pick)
        tax += sum_of([pick(tax.price, tax.price_set) for tax in parts(line.tax_lines, wire.Tax)])
    if raw.taxes_included is not True:
        shipping += tax
    if shipping < tax:  # a price without its tax, or below zero
        shipping = max(shipping, ZERO)
        tax = min(tax, shipping)
    return shipping, tax


def read_tips(raw: wire.Order) -> Decimal:
    """What the buyer gave on top."""
    return money(raw.total_tip_received) or ZERO


def read_of_shop(both: reading.Part[wire.Bag]) -> Decimal:
    """The amount of a set in the shop's currency; nothing for none."""
    return ZERO if both is None else money(_of_shop(both)) or ZERO


def read_refunded(raw: wire.Order) -> Decimal:
    """What was given back: the money that moved, else what the refunds say they are worth."""
    refunded = ZERO
    for refund in parts(raw.refunds, wire.Refund):
        moved = [
            transaction.amount
            for transaction in parts(refund.transactions, wire.Transaction)
            if (transaction.kind, transaction.status) == ("refund", "success")
            and transaction.currency in (raw.currency, None)
        ]
        if moved:
            refunded += sum_of(moved)
            continue
        for line in parts(refund.refund_line_items, wire.RefundLine):
            refunded += sum_of([line.subtotal, line.total_tax])
        for adjustment in parts(refund.order_adjustments, wire.Adjustment):
            refunded -= sum_of([adjustment.amount, adjustment.tax_amount])
    return max(refunded, ZERO)


def _sold(raw: wire.Order) -> list[tuple[wire.Line, Decimal]]:
    """The lines of which there is something, and how much."""
    return [
        (line, quantity)
        for line in parts(raw.line_items, wire.Line)
        if (quantity := money(line.quantity)) is not None and quantity > 0
    ]


def _line_total(line: wire.Line, quantity: Decimal, pick: Pick) -> Decimal | None:
    """What was paid for a line, after every discount's share of it; None where its price is not said."""
    price = money(pick(line.price, line.price_set))
    if price is None:
        return None
    total = price * quantity
    if line.discount_allocations == []:  # most lines
        pass
    elif line.discount_allocations is None:
        total -= money(pick(line.total_discount, line.total_discount_set)) or ZERO
    else:
        total -= _shares(line.discount_allocations, pick)
    return total if total > 0 else ZERO


def _shares(allocations: reading.Parts[wire.Discount], pick: Pick) -> Decimal:
    """Every discount's share, those of the whole order included."""
    return sum_of(
        [pick(share.amount, share.amount_set) for share in parts(allocations, wire.Discount)]
    )


def _of_shop(bag: reading.Part[wire.Bag]) -> object:
    return part(part(bag, wire.Bag).shop_money, wire.Money).amount
