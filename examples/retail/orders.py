"""A hundred orders, always the same, and how each of them has to end.

What makes an order fail or dawdle is in its data (see `systems/`), never in chance: each *story*
below is told by a fixed number of orders, spread over the whole batch by a fixed seed.
"""

import random
from dataclasses import asdict, dataclass
from typing import Any

SEED = 20
SKUS = ("chair-oak", "desk-birch", "lamp-brass", "rug-wool")
COUNTRIES = ("BR", "CL", "DE", "JP", "KE", "NZ", "PT", "US")

STORIES = {
    "sold out": 3,
    "card declined": 3,
    "not delivered there": 3,
    "bank down": 3,
    "bank busy": 6,
    "slow shipping": 4,
}
"""How many of a hundred orders tell each story; the rest are plain."""

REJECTIONS = {
    "sold out": "out of stock",
    "card declined": "card declined",
    "not delivered there": "address refused",
    "bank down": "bank unavailable",
}
"""The reason with which a story's orders are rejected; all other orders complete."""

CHANGES: dict[str, dict[str, str]] = {
    "sold out": {"sku": "clock-cuckoo"},
    "card declined": {"card": "card-declined"},
    "not delivered there": {"country": "AQ"},
    "bank down": {"card": "card-down"},
    "bank busy": {"card": "card-busy"},
    "slow shipping": {"country": "GL"},
    "plain": {},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One order, as the order desk takes it; money in cents."""

    id: str
    customer: str
    sku: str
    quantity: int
    cents: int
    card: str
    country: str
    express: bool
    story: str = "plain"

    @property
    def rejection(self) -> str | None:
        """The reason it must be rejected with; None when it must complete."""
        return REJECTIONS.get(self.story)

    def input(self, systems: dict[str, str]) -> dict[str, Any]:
        """The workflow's input: the order, and the base address of each system."""
        order = asdict(self)
        del order["story"]  # the systems find out for themselves
        return {"order": order, "systems": systems}


def make_orders(count: int = 100) -> list[Order]:
    """Make `count` orders; the same ones each time."""
    chance = random.Random(SEED)
    stories = [story for story, share in STORIES.items() for _ in range(share * count // 100)]
    stories += ["plain"] * (count - len(stories))
    chance.shuffle(stories)
    return [_order(number, story, chance) for number, story in enumerate(stories, start=1)]


def _order(number: int, story: str, chance: random.Random) -> Order:
    plain: dict[str, Any] = {
        "id": f"order-{number:03}",
        "customer": f"customer-{number:03}@example.com",
        "sku": chance.choice(SKUS),
        "quantity": chance.randint(1, 4),
        "cents": chance.randint(5, 400) * 100 - 1,
        "card": f"card-{number:03}",
        "country": chance.choice(COUNTRIES),
        "express": chance.random() < 0.3,
    }
    return Order(**plain | CHANGES[story], story=story)
