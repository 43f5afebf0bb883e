"""Settings: where the store is, which functions and secrets there are, what is allowed.

From what the caller says, else from `batuta.toml` beside the workflows, else the defaults.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote, urlsplit

import msgspec

from batuta.errors import RequestError

DEFAULT_STORE = "sqlite:///.batuta/batuta.db"


class Placed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a participant is, unless it is in this process or hears of the bus by itself.

    `remote` ones are ours and have a process of their own elsewhere. `endpoint` is where a service
    that is not ours (`external: true`) takes requests by HTTP; `bearer` names the secret with the
    token that is sent along.
    """

    remote: bool = False
    endpoint: str | None = None
    bearer: str | None = None


class Telemetry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is told to the outside while runs are driven; nothing by default.

    `traces` go by OTLP over HTTP, `metrics` too or are shown to Prometheus at `/metrics`.
    `endpoint` is the collector's (by default what OpenTelemetry's environment variables say, else
    `http://localhost:4318`). `sample` is the part of all runs that is traced, 0 to 1. `logs` json
    writes one JSON object a line on stderr.
    """

    traces: Literal["off", "otlp"] = "off"
    metrics: Literal["off", "otlp", "prometheus"] = "off"
    logs: Literal["text", "json"] = "text"
    endpoint: str | None = None
    service: str | None = None
    sample: Annotated[float, msgspec.Meta(ge=0, le=1)] = 1.0


class Hook(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A webhook that comes in at `POST hooks/NAME`, signed as Standard Webhooks says.

    `secret` names the secret that it is signed with, `type` is that of the event which it becomes,
    `source` the event's source (by default `/hooks/NAME`). `content` is what its body may be.
    """

    secret: str
    type: str
    source: str | None = None
    content: Literal["application/json", "application/x-www-form-urlencoded", "text/plain"] = (
        "application/json"
    )


class Grant(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What those may do whose claim has this value.

    `grants` are allowed besides what the role does: `reveal` shows what schemas mark as secret,
    `publish:*` publishes events of any type.
    """

    value: str
    role: Literal["viewer", "operator", "deployer", "admin"]
    namespaces: tuple[str, ...] = ("*",)
    grants: tuple[Literal["reveal", "publish:*"], ...] = ()


class Oidc(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who logs people in: a provider of OpenID Connect, as which we are registered there.

    `secret` names the secret that we prove that with. `claim` is what of the token `grants` go by
    (a text or a list), `name` what people are called by; who has no grant is not let in.
    """

    issuer: str
    client_id: str
    secret: str | None = None
    scope: str = "openid profile email"
    claim: str = "groups"
    name: str = "email"
    grants: tuple[Grant, ...] = ()


class Server(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the page and the API are served.

    `production` has the page ask again before what cannot be undone. `body_bytes` is how large a
    body may be; `rate` how many requests a second everybody may make (0: any number). `url` is the
    address that people reach it at, where that is another than what it listens on (a proxy's), and
    `oidc` who logs people in.
    """

    production: bool = False
    body_bytes: Annotated[int, msgspec.Meta(ge=1_024)] = 4 * 1024 * 1024
    rate: Annotated[float, msgspec.Meta(ge=0)] = 0
    url: str | None = None
    oidc: Oidc | None = None


class Webhook(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A webhook that alerts go to; `secret` names the secret that they are signed with."""

    url: str
    secret: str | None = None


class Email(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A mail server that alerts go by.

    `to` are those who get them, `sender` whom they are from. `security` is how the connection is
    encrypted. `password` names the secret that holds the password of `user`.
    """

    to: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    sender: str
    host: str
    port: Annotated[int, msgspec.Meta(ge=1, le=65_535)] = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str | None = None
    password: str | None = None


class Alerts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who is told when an SLA is about to break or broken, or a run is stuck; nobody by default.

    For `cool_down_s` seconds after an alert others about the same task of the same workflow are
    left out; the next one says how many they were.
    """

    cool_down_s: Annotated[float, msgspec.Meta(ge=0)] = 300.0
    webhooks: dict[str, Webhook] = {}
    email: Email | None = None


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an engine is built from.

    `folder` is where relative resources of workflows lie. `retention_days` is how long ended runs
    are kept (0: for ever), `audit_days` how long it is kept who changed what. `expected_s`
    is within how many seconds somebody is expected to act in
    a run where no SLA says it: after that it is stuck. `bus` is where participants of choreographed
    runs meet (None: a file beside the store), `participants` says what is particular to some of
    them. `network` is `local` (private addresses may be called) or `public`; None is local, but for
    a server that others reach. `reach` are ranges of addresses that `public` may call although they
    are private.
    `allow` lists what `run` may start: shell, script, container. `telemetry` is what is told to the
    outside, `server` how the page is served, `hooks` are the webhooks that come in, and `alerts`
    says who is told of trouble.
    """

    store: str = DEFAULT_STORE
    folder: str = "."
    functions: tuple[str, ...] = ()
    secrets_file: str | None = None
    retention_days: int = 30
    audit_days: Annotated[int, msgspec.Meta(ge=0)] = 400
    expected_s: float = 300.0
    bus: str | None = None
    participants: dict[str, Placed] = {}
    network: Literal["local", "public"] | None = None
    reach: tuple[str, ...] = ()
    allow: tuple[str, ...] = ("shell", "script", "container")
    telemetry: Telemetry = Telemetry()
    server: Server = Server()
    hooks: dict[str, Hook] = {}
    alerts: Alerts = Alerts()

    @property
    def remote(self) -> frozenset[str]:
        """The participants that have processes of their own elsewhere."""
        return frozenset(name for name, one in self.participants.items() if one.remote)


def from_file(path: Path) -> Settings:
    """Read a `batuta.toml`.

    Raises:
        RequestError: it is not TOML, or has a setting that does not exist.
    """
    try:
        table: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
        return msgspec.convert(table, Settings)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        known = ", ".join(Settings.__struct_fields__)
        raise RequestError(f"{path}: {error}", hint=f"the settings are: {known}") from error


def sqlite_path(url: str) -> Path:
    """Return the file that a store URL names: `sqlite:///relative` or `sqlite:////absolute`.

    Raises:
        RequestError: it is another kind of store, or names no file.
    """
    parts = urlsplit(url)
    if parts.scheme != "sqlite" or parts.netloc or parts.path in {"", "/"}:
        raise RequestError(
            f"{url!r} is no store that this version knows",
            hint="use sqlite:///FILE (relative) or sqlite:////FILE (absolute)",
        )
    return Path(parts.path[1:])


def bus_beside(store: Path) -> Path:
    """Return the file of the bus that belongs to a store."""
    return store.with_name(f"{_prefix(store)}bus.db")


def participants_beside(store: Path) -> Path:
    """Return the folder with the stores of the participants that belong to a store."""
    return store.with_name(f"{_prefix(store)}participants")


def token_beside(store: Path) -> Path:
    """Return the file with the token of whoever may use a store over HTTP from this machine."""
    return store.with_name(f"{_prefix(store)}token")


def store_of(folder: Path, participant: str) -> Path:
    """Return the file of a participant's store; its name may be any text."""
    return folder / f"{quote(participant, safe=' ')}.db"


def _prefix(store: Path) -> str:
    """Return what tells the files of several stores in one folder apart."""
    return "" if store.name == Path(urlsplit(DEFAULT_STORE).path).name else f"{store.stem}."
