"""Asking a service that is not ours over a connection of its own, instead of over the bus."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable


class Service(Protocol):
    """Brings requests to one service, and its answers back.

    Promises: a request is brought again and again until the service has answered it. Nothing is
        kept here: whoever asks has the request on disk, and asks again after a crash.
    Failure: raises `Fault` when repeating is of no use: the address is not allowed, what was
        answered cannot be read. An answer that tells of a fault is an answer.
    Cancellation: cancelling the awaitable ends the asking; the service may have been asked.
    Order: requests are independent; many are under way at once.
    Repetition: the same request may reach the service several times. Its `id` is the same then.
    """

    def __call__(
        self, request: dict[str, Any], completed: str, faulted: str, deadline_ms: int | None
    ) -> Awaitable[dict[str, Any]]:
        """Bring a request, and return the answer.

        Args:
            request: the CloudEvent that asks, as JSON.
            completed: the type of the event that answers with an output.
            faulted: the type of the event that answers with problem details (RFC 9457).
            deadline_ms: epoch milliseconds after which nobody wants the answer.

        Returns:
            The CloudEvent that answers. What the service did not say as an event is told as one.
        """
        ...
