"""What is bought: lines, discounts, taxes and shipping, in one currency and adding up to the cent.

Amounts are `Decimal`s with exactly the decimals of the currency. As both platforms allow, prices
are entered with or without tax; `price`, `discount` and `shipping` are as entered.
"""

import random
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal

from sandbox.orders.countries import DECIMALS, RATES, Country


@dataclass(frozen=True)
class Product:
    """Something on sale; `number` stands in for the platforms' product ids."""

    number: int
    title: str
    sku: str
    price: str  # in euros
    variants: tuple[str, ...] = ()
    kind: str = "goods"  # or: gift_card, subscription


@dataclass(frozen=True, kw_only=True)
class Line:
    """So many of one product. Amounts are for all of them, but `price`."""

    product: Product
    variant: str
    quantity: int
    price: Decimal  # of one
    discount: Decimal
    tax: Decimal  # after the discount

    @property
    def full(self) -> Decimal:
        """Before the discount."""
        return self.price * self.quantity

    @property
    def entered(self) -> Decimal:
        """After the discount, with or without tax as prices are entered."""
        return self.full - self.discount

    @property
    def variant_number(self) -> int | None:
        """None for a product without variants."""
        if not self.variant:
            return None
        return self.product.number * 10 + self.product.variants.index(self.variant) + 1


@dataclass(frozen=True, kw_only=True)
class Basket:
    """All that one order bought."""

    currency: str
    tax_included: bool
    tax_rate: Decimal
    lines: tuple[Line, ...]
    percent_off: int  # by the coupon, if any
    shipping: Decimal
    shipping_tax: Decimal

    @property
    def coupon(self) -> str:
        """The code that was typed in, "" for none."""
        return f"Été{self.percent_off}" if self.percent_off else ""

    @property
    def discount(self) -> Decimal:
        """Of all lines."""
        return sum((line.discount for line in self.lines), Decimal())

    @property
    def total_tax(self) -> Decimal:
        """Of all lines and the shipping."""
        return sum((line.tax for line in self.lines), self.shipping_tax)

    @property
    def total(self) -> Decimal:
        """What the buyer pays."""
        entered = sum((line.entered for line in self.lines), self.shipping)
        return entered if self.tax_included else entered + self.total_tax


PRODUCTS = (
    Product(4001, "Linen shirt “São João”", "LIN-SHIRT", "49.90", ("S", "M", "L / natural")),
    Product(4002, "Æbleskive pan", "PAN-01", "34.50"),
    Product(4003, "Moka pot ☕ 3 cups", "MOKA3", "24.99"),
    Product(4004, "抹茶 tea, 100 g", "MATCHA/100", "18.00"),
    Product(4005, "Wool socks (3 pairs)", "", "12.95", ("36–38", "39–42")),
    Product(4006, "Poster 'Le Café' & frame", "POSTER-A2&F", "79.00"),
    Product(4007, "Sticker <3", "STK-❤", "1.50"),
    Product(4008, "Olive oil 750 ml", "OIL_750", "16.40"),
    Product(4009, "Oak desk, 160×80 cm", "DESK-OAK-160", "649.00", ("left", "right")),
    Product(4010, "Ribbon, per metre", "ŻÓŁĆ-1", "0.75"),
)
GIFT_CARD = Product(4900, "Gift card 🎁", "", "50.00", (), "gift_card")
COFFEE_EVERY_MONTH = Product(
    4950, "Coffee, every month", "SUB-COFFEE", "21.00", ("250 g", "1 kg"), "subscription"
)


def fill(
    rng: random.Random,
    *,
    country: Country,
    currency: str | None = None,
    free: bool = False,
    gift_card: bool = False,
    renewal: bool = False,
    shipped: bool = True,
    at_least: int = 1,
) -> Basket:
    """A basket of `at_least` to 10 lines bought in `country`, in its currency unless one is named.

    `free` takes everything off; a gift card is never taxed or shipped; a renewal is one line.
    """
    currency = currency or country.currency
    tax_rate = Decimal() if gift_card else country.tax_rate
    products = _choose(rng, gift_card=gift_card, renewal=renewal, at_least=at_least)
    percent_off = 100 if free else rng.choice((0, 0, 0, 10, 15, 33))
    lines = tuple(
        _line(
            rng,
            product,
            currency=currency,
            percent_off=percent_off,
            tax_rate=tax_rate,
            tax_included=country.tax_included,
        )
        for product in products
    )
    shipped = shipped and not (free or gift_card)
    shipping = _money("4.90", currency) if shipped and rng.random() < 0.8 else Decimal()
    shipping = round_to(shipping, currency)
    return Basket(
        currency=currency,
        tax_included=country.tax_included,
        tax_rate=tax_rate,
        lines=lines,
        percent_off=percent_off,
        shipping=shipping,
        shipping_tax=_tax(shipping, tax_rate, country.tax_included, currency),
    )


def converted(basket: Basket, currency: str) -> Basket:
    """The same basket in another currency, each amount rounded by itself, so sums hold there."""
    if currency == basket.currency:
        return basket

    def into(amount: Decimal) -> Decimal:
        return convert(amount, source=basket.currency, target=currency)

    return replace(
        basket,
        currency=currency,
        shipping=into(basket.shipping),
        shipping_tax=into(basket.shipping_tax),
        lines=tuple(
            replace(line, price=into(line.price), discount=into(line.discount), tax=into(line.tax))
            for line in basket.lines
        ),
    )


def round_to(amount: Decimal, currency: str) -> Decimal:
    """To the decimals of the currency, halves up."""
    return amount.quantize(Decimal(1).scaleb(-DECIMALS.get(currency, 2)), ROUND_HALF_UP)


def convert(amount: Decimal, *, source: str, target: str) -> Decimal:
    """An amount at the sandbox's fixed rates, rounded."""
    return round_to(amount / Decimal(RATES[source]) * Decimal(RATES[target]), target)


def _choose(rng: random.Random, *, gift_card: bool, renewal: bool, at_least: int) -> list[Product]:
    if gift_card:
        return [GIFT_CARD]
    if renewal:
        return [COFFEE_EVERY_MONTH]
    how_many = rng.choices(range(1, 11), weights=(40, 20, 12, 8, 6, 5, 3, 2, 2, 2))[0]
    return rng.sample(PRODUCTS, max(how_many, at_least))


def _line(
    rng: random.Random,
    product: Product,
    *,
    currency: str,
    percent_off: int,
    tax_rate: Decimal,
    tax_included: bool,
) -> Line:
    quantity = 1 if product.kind != "goods" else rng.choices((1, 2, 3, 12), (12, 4, 2, 1))[0]
    price = _money(product.price, currency)
    discount = round_to(price * quantity * percent_off / 100, currency)
    return Line(
        product=product,
        variant=rng.choice(product.variants) if product.variants else "",
        quantity=quantity,
        price=price,
        discount=discount,
        tax=_tax(price * quantity - discount, tax_rate, tax_included, currency),
    )


def _tax(entered: Decimal, rate: Decimal, included: bool, currency: str) -> Decimal:
    return round_to(entered * rate / (1 + rate) if included else entered * rate, currency)


def _money(euros: str, currency: str) -> Decimal:
    return convert(Decimal(euros), source="EUR", target=currency)
