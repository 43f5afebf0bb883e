"""The part of the buses' suite that is about whose a consumer's name is (`bus_suite`)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from batuta.errors import ClaimedError
from batuta.testing.bus_material import BusCase, expect

if TYPE_CHECKING:
    from batuta.ports.bus import Bus


class ClaimCase(BusCase):
    """What every bus promises of names; `bus_suite.BusSuite` is one of these."""

    async def test_a_name_is_one_holders_for_good(self) -> None:
        """For every process, and after all of them were closed; others' names are others'."""
        async with self.opened() as one, self.opened() as other:
            await one.claim("billing", "store a")
            await one.claim("billing", "store a")
            await refused(other, "billing", "store b", named="store a")
            await other.claim("shipping", "store b")
        async with self.opened() as bus:
            await bus.claim("billing", "store a")
            await refused(bus, "billing", "store b", named="store a")
            await refused(bus, "shipping", "store a", named="store b")

    async def test_a_name_is_taken_over_only_on_purpose(self) -> None:
        """Who had it before is refused from then on."""
        async with self.opened() as bus:
            await bus.claim("billing", "a", take_over=True)
            await bus.claim("billing", "b", take_over=True)
            await refused(bus, "billing", "a", named="b")
            await bus.claim("billing", "b")

    async def test_a_name_is_free_when_its_consumer_was_forgotten(self) -> None:
        """Whether it ever consumed or not."""
        async with self.opened() as bus:
            await bus.claim("a.b/c d", "a")
            await bus.forget("a.b/c d")
            await bus.claim("a.b/c d", "b")

    async def test_of_two_that_claim_a_name_at_once_one_is_refused(self) -> None:
        """And told who has it."""
        async with self.opened() as one, self.opened() as other:
            results = await asyncio.gather(
                one.claim("c", "a"), other.claim("c", "b"), return_exceptions=True
            )
            lost = [found for found in results if found is not None]
            expect([type(found) for found in lost], [ClaimedError], "one of them has it")


async def refused(bus: Bus, name: str, holder: str, *, named: str) -> None:
    """Claim a name that is another's, and see that it is refused.

    Raises:
        AssertionError: it is not, or the refusal does not name who has it.
    """
    try:
        await bus.claim(name, holder)
    except ClaimedError as error:
        expect(named in error.message, True, "the refusal names who has it")
    else:
        raise AssertionError(f"{name} was given to {holder} as well")
