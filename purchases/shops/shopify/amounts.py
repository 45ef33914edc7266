"""The money of an order, all of it in the shop's currency.

https://shopify.dev/docs/api/admin-rest/latest/resources/order
"""

from __future__ import annotations

from decimal import Decimal

from purchases.order import Line
from purchases.shops import reading
from purchases.shops.reading import ZERO, money, part, parts, reference, sum_of, text
from purchases.shops.shopify import wire


def read_total(raw: wire.Order) -> Decimal:
    """What the buyer was to pay when ordering. Raises UnreadableOrder."""
    said = raw.total_price
    if said is None:
        said = _of_shop(raw.total_price_set)
    if said is None:
        # After edits and refunds, and not always right: for bodies that were cut down to it.
        said = raw.current_total_price
    return reading.total(said, field="total_price")


def read_lines(raw: wire.Order) -> tuple[Line, ...]:
    """The lines that have a price and a positive quantity; others say nothing of a sale."""
    lines = []
    for line in parts(raw.line_items, wire.Line):
        quantity, price = money(line.quantity), money(line.price)
        if quantity is None or quantity <= 0 or price is None:
            continue
        total = price * quantity - _line_discount(line)
        lines.append(
            Line(
                product_id=reference(line.product_id),
                variant_id=reference(line.variant_id),
                sku=text(line.sku, limit=200),
                quantity=quantity,
                total=total if total > 0 else ZERO,
            )
        )
    return tuple(lines)


def read_subtotal(raw: wire.Order, lines: tuple[Line, ...]) -> Decimal:
    """The goods after discounts, as the shop says, else as its lines do."""
    subtotal = money(raw.subtotal_price)
    return subtotal if subtotal is not None else sum((line.total for line in lines), ZERO)


def read_shipping(raw: wire.Order) -> Decimal:
    """What was paid for shipping, after discounts and with its tax."""
    if raw.shipping_lines is None:
        # Before discounts, perhaps without tax: the best a body has that was cut down.
        return money(_of_shop(raw.total_shipping_price_set)) or ZERO
    shipping = ZERO
    for line in parts(raw.shipping_lines, wire.ShippingLine):
        if line.is_removed is True:
            continue
        if line.discount_allocations is None:
            price = money(line.discounted_price)
            shipping += sum_of([line.price]) if price is None else price
        else:
            shares = parts(line.discount_allocations, wire.Discount)
            shipping += sum_of([line.price]) - sum_of([share.amount for share in shares])
        if raw.taxes_included is not True:
            shipping += sum_of([tax.price for tax in parts(line.tax_lines, wire.Tax)])
    return max(shipping, ZERO)


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


def _line_discount(line: wire.Line) -> Decimal:
    """Every discount's share of the line, those of the whole order included."""
    if line.discount_allocations == []:  # most lines
        return ZERO
    if line.discount_allocations is None:
        return money(line.total_discount) or ZERO
    return sum_of([share.amount for share in parts(line.discount_allocations, wire.Discount)])


def _of_shop(bag: reading.Part[wire.Bag]) -> object:
    return part(part(bag, wire.Bag).shop_money, wire.Money).amount
