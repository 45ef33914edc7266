"""Orders as shops tell them: invented, seeded, and hard in all the ways real ones are.

    for story in stories(platform="shopify", count=50, seed=7, now=datetime.now(UTC)):
        print(story.name, story.expect, story.about, [step.topic for step in story.steps])

The same seed and `now` always give the same bytes. Whoever posts them is `sandbox.shops`.
"""

import random
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from sandbox.orders import shopify, shopify_stories, woocommerce, woocommerce_stories
from sandbox.orders.baskets import fill
from sandbox.orders.countries import RATES
from sandbox.orders.people import Person, invent_person, invent_visit
from sandbox.orders.story import Expect, Facts, Kind, Order, Platform, Step, Story, tell

__all__ = ["KINDS", "Expect", "Platform", "Step", "Story", "bodies", "stories"]


@dataclass(frozen=True)
class _Dialect:
    kinds: Mapping[str, Kind]
    place: Callable[[Facts], Order]
    write: Callable[[Order], bytes]


_DIALECTS: dict[Platform, _Dialect] = {
    "shopify": _Dialect(shopify_stories.KINDS, shopify.place, shopify.write),
    "woocommerce": _Dialect(woocommerce_stories.KINDS, woocommerce.place, woocommerce.write),
}
KINDS = {platform: tuple(dialect.kinds) for platform, dialect in _DIALECTS.items()}

_RETURNING = 0.25  # the share of orders by somebody who has ordered before
_DISTINCT_BODIES = 256


def stories(
    *,
    platform: Platform,
    count: int,
    now: datetime,
    seed: int = 1,
    kinds: Collection[str] | None = None,
    currency: str | None = None,
    first_number: int = 1001,
    over: timedelta = timedelta(hours=3),
) -> Iterator[Story]:
    """`count` stories, the last webhook of each within `over` before `now` (aware), none of them longer
    than three days.

    Each of the `kinds` (default: all of KINDS[platform]) comes up once before any comes up by
    chance. `currency` is the store's; without it every order has its own: mostly the buyer's,
    sometimes euros. Order ids differ between seeds. Raises ValueError for a kind or a currency there
    is not, and for a count below zero.
    """
    dialect = _DIALECTS[platform]
    if count < 0:
        raise ValueError(f"there are no {count} orders")
    if unknown := set(kinds or ()) - set(dialect.kinds):
        raise ValueError(f"no such kind at {platform}: {', '.join(sorted(unknown))}")
    if currency and currency not in RATES:
        raise ValueError(f"no rate for {currency}; there are {', '.join(RATES)}")
    rng = random.Random(f"{platform} {seed}")
    chosen = _choose(rng, {name: dialect.kinds[name] for name in kinds or dialect.kinds}, count)
    return _told(
        rng, chosen, platform, seed=seed, now=now, over=over, currency=currency, number=first_number
    )


def bodies(*, platform: Platform, count: int, now: datetime, seed: int = 1) -> list[bytes]:
    """`count` bodies of paid orders, each with an `id` of its own: for load, not for looks.

    Beyond the first few hundred they repeat with nothing but the leading `id` changed.
    """
    few = stories(
        platform=platform,
        count=min(count, _DISTINCT_BODIES),
        now=now,
        seed=seed,
        kinds=("card",),
    )
    made = [story.steps[0].body for story in few]
    rests = [body.partition(b",")[2] for body in made]
    rng = random.Random(seed)
    for n in range(len(made), count):
        order_id = _order_id(rng, platform, seed, n)
        made.append(b'{"id":%d,%b' % (order_id, rests[n % len(rests)]))
    return made


def _told(
    rng: random.Random,
    kinds: list[str],
    platform: Platform,
    *,
    seed: int,
    now: datetime,
    over: timedelta,
    currency: str | None,
    number: int,
) -> Iterator[Story]:
    dialect = _DIALECTS[platform]
    now = now.astimezone(UTC).replace(microsecond=0)
    people: list[Person] = []
    for n, name in enumerate(kinds):
        kind = dialect.kinds[name]
        facts = _facts(
            rng,
            platform=platform,
            seed=seed,
            n=n,
            number=number + n,
            kind=kind,
            people=people,
            currency=currency,
            now=now,
            over=over,
        )
        people.append(facts.person)
        order = dialect.place(facts)
        yield Story(
            platform=platform,
            kind=name,
            expect=kind.expect,
            about=kind.about,
            order_id=str(facts.order_id),
            name=str(order.get("name") or order["number"]),
            country=facts.person.country.code,
            currency=facts.basket.currency,
            total=facts.basket.total,
            placed_at=facts.placed_at,
            steps=tell(kind, order, facts, write=dialect.write),
        )


def _choose(rng: random.Random, kinds: Mapping[str, Kind], count: int) -> list[str]:
    weights = [kind.weight for kind in kinds.values()]
    once = rng.sample(list(kinds), min(count, len(kinds)))
    chosen = [*once, *rng.choices(list(kinds), weights, k=count - len(once))]
    rng.shuffle(chosen)
    return chosen


def _facts(
    rng: random.Random,
    *,
    platform: Platform,
    seed: int,
    n: int,
    number: int,
    kind: Kind,
    people: list[Person],
    currency: str | None,
    now: datetime,
    over: timedelta,
) -> Facts:
    returning = people and rng.random() < _RETURNING
    person = rng.choice(people) if returning else invent_person(rng)
    if kind.email_known and not person.email:
        person = replace(person, email=f"buyer{number}@example.com")
    placed_at = now - kind.lasts - timedelta(seconds=rng.randrange(int(over.total_seconds())))
    books = currency or ("EUR" if rng.random() < 0.25 else person.country.currency)
    return Facts(
        order_id=_order_id(rng, platform, seed, n),
        number=number,
        person=person,
        visit=invent_visit(rng, until=placed_at),
        basket=fill(rng, country=person.country, currency=books, **kind.basket),
        placed_at=placed_at,
        token=f"{rng.getrandbits(128):032x}",
        luck=rng.random(),
    )


def _order_id(rng: random.Random, platform: Platform, seed: int, n: int) -> int:
    """The n-th id of a seed: no two alike, also between nearby seeds; a few Shopify ones > 2^53."""
    if platform == "woocommerce":
        return 1001 + (seed % 1000) * 1_000_000 + n * 7 + rng.randrange(7)
    small = 5_000_000_000_000 + (seed % 1000) * 4_000_000_000 + n * 4096 + rng.randrange(512)
    return small + 820_000_000_000_000_000 if rng.random() < 0.1 else small
