"""HTTP: performing `call: http`, and the sending that every HTTP-based call stands on."""

from batuta.adapters.callers.http.address_policy import Allow
from batuta.adapters.callers.http.caller import HttpCaller
from batuta.adapters.callers.http.network import CheckedTransport
from batuta.adapters.callers.http.oauth2 import TokenStore
from batuta.adapters.callers.http.sending import HttpClient, Limits

__all__ = ["Allow", "CheckedTransport", "HttpCaller", "HttpClient", "Limits", "TokenStore"]
