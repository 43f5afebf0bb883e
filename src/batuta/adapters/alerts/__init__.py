"""Ways to tell people: webhooks, and e-mail."""

from batuta.adapters.alerts.email import EmailChannel
from batuta.adapters.alerts.webhook import WebhookChannel

__all__ = ["EmailChannel", "WebhookChannel"]
