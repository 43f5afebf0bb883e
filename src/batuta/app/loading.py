"""Loading what a workflow refers to elsewhere, when it is deployed: schemas and functions.

Owns what is loaded, with which credentials, and in which order; a deployed workflow keeps all of it
(`Deployed`), so that a run means the same after a restart and without a network. Functions may call
further ones; what they call is loaded too, each once, within bounds. The names of catalogues are
the workflow's, in its functions from elsewhere as well.

Does not own where functions are found (`catalogs`), what a function may hold
(`definition.function_document`), nor how something is read (the port `Resources`).
"""

from __future__ import annotations

from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from batuta.app.catalogs import DEFAULT, address_in, file_address, is_address, named
from batuta.app.relative import absolute
from batuta.definition import check_function
from batuta.definition.forms import BUILT_IN_CALLS
from batuta.definition.function_document import build_function, call_problem
from batuta.definition.model import CallTask, Endpoint, Schema, Task, Workflow
from batuta.errors import DefinitionError, RequestError
from batuta.expressions import ExpressionFailure, TooMuchWork, compile_template, unwrap
from batuta.kernel.program import compile_workflow
from batuta.ports.caller import Fault
from batuta.runtime.shared.programs import Deployed, Imported

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Iterator

    from batuta.app.catalogs import Named
    from batuta.definition.model import Authentication
    from batuta.ports.caller import Resources
    from batuta.ports.secrets import HeldSecrets, Keeper

MOST_FUNCTIONS = 100
DEEPEST = 16
"""How far functions from elsewhere may lead on to others: the kernel's own bound is 32 calls."""
_MISSING = 404


class UnreadableError(RequestError):
    """Something that a workflow refers to cannot be read now."""


class _Text(NamedTuple):
    """A file in which calls stand: its content, and how problems name it."""

    content: str | bytes
    name: str


class _Site(NamedTuple):
    """A call: where it stands (`reference` is a pointer into its file), how deep, and in whom."""

    call: str
    text: _Text
    reference: str
    depth: int = 0
    caller: str = ""


class Loader:
    """Loads what one workflow refers to.

    Args:
        workflow: the checked workflow.
        text: its text, for the positions of problems.
        file: how problems name it.
        resources: reads what is elsewhere.
        keeper: gives the secrets that catalogues and resources are read with.
        functions: the runtime's own functions, as `name` or `name:version`.
    """

    def __init__(
        self,
        workflow: Workflow,
        text: str | bytes,
        file: str,
        *,
        resources: Resources,
        keeper: Keeper,
        functions: Collection[str],
    ) -> None:
        self._workflow = workflow
        self._text = _Text(text, file)
        self._resources = resources
        self._keeper = keeper
        self._functions = functions
        self._secrets: HeldSecrets | None = None
        self._imported: dict[str, Imported] = {}
        self._tasks: dict[str, Task] = {}
        self._sites: list[_Site] = []

    async def load(self) -> tuple[Deployed, dict[str, Task]]:
        """Return the workflow as the store keeps it, and its functions from elsewhere.

        Raises:
            DefinitionError: a function is not right, calls itself, or is in no catalogue.
            RequestError: something cannot be read, or leads on too far.
        """
        with self._credentials():
            await self._load_functions()
            schemas = await self._load_schemas()
        return Deployed(self._workflow.source, schemas, self._imported), self._tasks

    async def load_functions(self) -> dict[str, Task]:
        """Return the workflow's functions from elsewhere; without any, nothing is read.

        Raises:
            DefinitionError, RequestError: as for `load`.
        """
        with self._credentials():
            await self._load_functions()
        return self._tasks

    @contextmanager
    def _credentials(self) -> Generator[None]:
        """Have what catalogues and resources are read with."""
        if not self._workflow.secrets:
            yield
            return
        program = compile_workflow(self._workflow)
        self._secrets = self._keeper.secrets_of(program, self._keeper.new_nonce())
        with self._keeper.serving(self._secrets):
            yield

    # -- schemas -----------------------------------------------------------------------------------

    async def _load_schemas(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for part in (*within(self._workflow), *within(self._tasks)):
            if isinstance(part, Schema) and part.resource is not None:
                endpoint = part.resource.endpoint
                uri = str(endpoint.uri)
                if uri not in found:
                    text = await self._read("schema", uri, endpoint)
                    found[uri] = _parsed(uri, text)
        return found

    # -- functions ---------------------------------------------------------------------------------

    async def _load_functions(self) -> None:
        waiting = deque(
            site
            for site in _calls(self._workflow, self._text)
            if site.call not in self._workflow.functions and self._is_elsewhere(site.call)
        )
        while waiting:
            site = waiting.popleft()
            self._sites.append(site)
            if site.call not in self._tasks:
                waiting.extend(await self._import(site))
        self._refuse_cycles()

    def _is_elsewhere(self, call: str) -> bool:
        if call in BUILT_IN_CALLS:
            return False
        if is_address(call):
            return True
        name, at, catalog = call.partition("@")
        if at:
            return catalog != DEFAULT
        bare, versioned, _ = name.partition(":")
        return bool(versioned and self._workflow.catalogs) and not (
            name in self._functions or bare in self._functions
        )

    async def _import(self, site: _Site) -> list[_Site]:
        """Load the function that a call means; returns the calls in it that lead on."""
        if len(self._tasks) >= MOST_FUNCTIONS or site.depth > DEEPEST:
            raise RequestError(
                f"{self._text.name} leads to too many functions: {site.call} would be the "
                f"{len(self._tasks) + 1}th, {site.depth} calls deep",
                hint=f"at most {MOST_FUNCTIONS} functions, {DEEPEST} calls deep, are loaded",
            )
        uri, content = await self._found(site)
        report = check_function(
            content,
            site.call,
            file=uri,
            known_functions=self._functions or None,
            catalogs=self._workflow.catalogs,
        )
        if report.function is None:
            raise _refused([problem for problem in report.problems if problem.severity == "error"])
        body = absolute(report.function.definition, uri)
        task = build_function(site.call, body)
        self._imported[site.call] = Imported(uri, body)
        self._tasks[site.call] = task
        inside = _calls(task, _Text(content, uri), site.depth + 1, site.call)
        return [one for one in inside if self._is_elsewhere(one.call)]

    async def _found(self, site: _Site) -> tuple[str, bytes]:
        """Return a function's address and its text."""
        if is_address(site.call):
            uri = file_address(site.call)
            return uri, await self._read("function", uri)
        function = named(site.call)
        if function is None:
            raise self._misfit(
                site,
                "wrong-format",
                f"`{site.call}` names no function of a catalogue",
                "write `NAME:VERSION@CATALOG`, such as `log:1.0.0@global`",
            )
        if function.catalog:
            endpoint = self._workflow.catalogs[function.catalog]
            uri = address_in(_fixed(function.catalog, endpoint), function)
            return uri, await self._read("function", uri, endpoint)
        return await self._in_any(site, function)

    async def _in_any(self, site: _Site, function: Named) -> tuple[str, bytes]:
        """Return a function of the first catalogue, in their order, that has it."""
        for name, endpoint in self._workflow.catalogs.items():
            uri = address_in(_fixed(name, endpoint), function)
            try:
                return uri, await self._resources.read(uri, self._policy(endpoint.authentication))
            except Fault as fault:
                if fault.status != _MISSING:
                    raise _unreadable("function", uri, fault) from fault
        tried = ", ".join(f"`{name}`" for name in self._workflow.catalogs)
        raise self._misfit(
            site,
            "unknown-function",
            f"there is no function `{site.call}`",
            f"neither this project nor a catalogue ({tried}) has it",
        )

    def _refuse_cycles(self) -> None:
        """Refuse a function that leads back to itself: the DSL's way to repeat is `for`."""
        calls: dict[str, set[str]] = {}
        for site in self._sites:
            calls.setdefault(site.caller, set()).add(site.call)
        for site in self._sites:
            if site.caller and _leads_to(site.call, site.caller, calls):
                through = "" if site.call == site.caller else f" through `{site.call}`"
                raise self._misfit(
                    site,
                    "function-cycle",
                    f"`{site.caller}` calls itself{through}",
                    "repeat with `for`, or run another workflow",
                )

    def _misfit(self, site: _Site, code: str, message: str, hint: str) -> DefinitionError:
        content, name = site.text
        problem = call_problem(
            content, site.reference, code, message, file=name, value=site.call, hint=hint
        )
        return _refused([problem])

    # -- reading -----------------------------------------------------------------------------------

    async def _read(self, what: str, uri: str, endpoint: Endpoint | None = None) -> bytes:
        policy = None if endpoint is None else self._policy(endpoint.authentication)
        try:
            return await self._resources.read(uri, policy)
        except Fault as fault:
            raise _unreadable(what, uri, fault) from fault

    def _policy(self, authentication: Authentication | None) -> dict[str, Any] | None:
        """Return a policy as callers take it, with placeholders for secrets.

        There is no run yet, so its expressions see `$secrets` only.
        """
        if authentication is None:
            return None
        template = compile_template(authentication.as_json())
        given: dict[str, Any] = {}
        try:
            if "secrets" in template.variables and self._secrets is not None:
                self._secrets.require()
                given["secrets"] = self._secrets.placeholders()
            if template.evaluate is not None and template.variables <= given.keys():
                return template.evaluate(None, given)
        except (ExpressionFailure, TooMuchWork, Fault) as error:
            raise RequestError(
                f"credentials cannot be computed: {error}",
                hint="what is needed before there is a run may read `$secrets` and nothing else",
            ) from error
        raise RequestError(
            "credentials of something that is read when the workflow is deployed need a run",
            hint="use `$secrets` only, or the name of a secret: `bearer: { use: NAME }`",
        )


def within(value: Any) -> Iterator[Any]:
    """Yield the model's values inside another, itself included."""
    if isinstance(value, msgspec.Struct):
        yield value
        for field in value.__struct_fields__:
            # What stands there as written is there once more as values.
            if field not in {"definition", "source", "metadata"}:
                yield from within(getattr(value, field))
    elif isinstance(value, tuple):
        for one in value:
            yield from within(one)
    elif isinstance(value, dict):
        for one in value.values():
            yield from within(one)


def _calls(value: Any, text: _Text, depth: int = 0, caller: str = "") -> list[_Site]:
    """Return the calls inside a workflow, or inside one function with a file of its own."""
    skipped = len(value.reference) if isinstance(value, Task) else 0
    return [
        _Site(part.target, text, part.reference[skipped:], depth, caller)
        for part in within(value)
        if isinstance(part, CallTask)
    ]


def _leads_to(start: str, goal: str, calls: dict[str, set[str]]) -> bool:
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name == goal:
            return True
        if name not in seen:
            seen.add(name)
            waiting.extend(calls.get(name, ()))
    return False


def _fixed(name: str, endpoint: Endpoint) -> str:
    uri = str(endpoint.uri)
    if unwrap(uri) is not None or "{" in uri:
        raise RequestError(
            f"the address of catalogue `{name}` has to be computed: {uri}",
            hint="it is read when the workflow is deployed, before there is data: write it out",
        )
    return uri


def _parsed(uri: str, text: bytes) -> Any:
    try:
        return msgspec.yaml.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RequestError(
            f"the schema {uri} is neither JSON nor YAML: {error}", hint="check the address"
        ) from error


def _unreadable(what: str, uri: str, fault: Fault) -> UnreadableError:
    return UnreadableError(
        f"the {what} {uri} cannot be read: {fault}",
        hint=f"a deployed workflow keeps its {what}s, so they must be there now",
    )


def _refused(problems: list[Any]) -> DefinitionError:
    return DefinitionError("\n".join(one.render() for one in problems), tuple(problems))
