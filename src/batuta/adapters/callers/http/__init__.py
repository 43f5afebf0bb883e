"""HTTP: performing `call: http`, and the sending that every HTTP-based call stands on."""

import httpx2

from batuta.adapters.callers.http.address_policy import Allow
from batuta.adapters.callers.http.caller import HttpCaller
from batuta.adapters.callers.http.network import CheckedTransport
from batuta.adapters.callers.http.oauth2 import TokenStore
from batuta.adapters.callers.http.sending import HttpClient, Limits
from batuta.adapters.callers.http.service import HttpService

Transport = httpx2.AsyncBaseTransport
"""What may replace the network, for tests: `httpx2.MockTransport`, for instance."""

__all__ = [
    "Allow",
    "CheckedTransport",
    "HttpCaller",
    "HttpClient",
    "HttpService",
    "Limits",
    "TokenStore",
    "Transport",
]
