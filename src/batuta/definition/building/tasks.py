"""Tasks, as model values: the twelve kinds, their references and who performs them.

A task's participant is the nearest of: its own `metadata.participant`, that of the tasks around it,
that of the function it calls, the document's. Inside `use.functions` the document's does not count:
there the participant of the call performs what the function itself leaves open.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from batuta.definition import model
from batuta.definition.building import parts
from batuta.definition.building.parts import Json, Shared
from batuta.definition.grammar.tasks import PROCESSES, TASKS
from batuta.definition.problems import escaped

if TYPE_CHECKING:
    from collections.abc import Callable


class Around(NamedTuple):
    """What a task has from where it stands.

    `participant` is inherited from enclosing tasks, `default` is the document's.
    """

    shared: Shared
    participant: str | None
    default: str | None


def tasks(value: list[Json], reference: str, around: Around) -> tuple[model.Task, ...]:
    """Return a list of tasks; `reference` is that of the list."""
    built: list[model.Task] = []
    for index, entry in enumerate(value):
        ((name, body),) = entry.items()
        built.append(task(name, body, f"{reference}/{index}/{escaped(name)}", around))
    return tuple(built)


def task(name: str, body: Json, reference: str, around: Around) -> model.Task:
    """Return one task, with everything inside it."""
    kind = "for" if "for" in body else next(kind for kind in TASKS if kind in body)
    metadata: Json = body.get("metadata", {})
    named: str | None = metadata.get("participant", around.participant)
    inside = around._replace(participant=named)
    common = {
        "name": name,
        "reference": reference,
        "condition": body.get("if"),
        "input": parts.data_flow(body.get("input"), "from", around.shared),
        "output": parts.data_flow(body.get("output"), "as", around.shared),
        "export": parts.data_flow(body.get("export"), "as", around.shared),
        "timeout": parts.timeout(body.get("timeout"), around.shared),
        "then": body.get("then", "continue"),
        "metadata": metadata,
        "participant": named or _of_function(body, around) or around.default,
        "event": metadata.get("event"),
        "sla": parts.sla(metadata.get("sla")),
        "definition": body,
    }
    if "compensate" in metadata:
        # The task is around its compensation: whoever did it undoes it, unless it says otherwise.
        owner = inside._replace(participant=common["participant"])
        place = f"{reference}/metadata/compensate"
        common["compensate"] = task("compensate", metadata["compensate"], place, owner)
    return _KINDS[kind](body, reference, inside, common)


def _of_function(body: Json, around: Around) -> str | None:
    function = around.shared.functions.get(body.get("call", ""))
    return None if function is None else function.get("metadata", {}).get("participant")


def iterator(value: Json | None, reference: str, around: Around) -> model.Iterator | None:
    """Return a `foreach`; `reference` is its own."""
    if value is None:
        return None
    return model.Iterator(
        item=value.get("item", "item"),
        at=value.get("at", "index"),
        do=tasks(value.get("do", []), f"{reference}/do", around),
        output=parts.data_flow(value.get("output"), "as", around.shared),
        export=parts.data_flow(value.get("export"), "as", around.shared),
    )


_Common = dict[str, Any]


def _call(body: Json, reference: str, around: Around, common: _Common) -> model.Task:
    arguments: Json = body.get("with", {})
    split = _SPLITS.get(body["call"])
    if split is None:
        return model.CallTask(target=body["call"], arguments=arguments, **common)
    kept, policy, document_policy = split(arguments)
    foreach = kept.get("subscription", {}).get("foreach")
    if foreach is not None:
        kept["subscription"] = _less(kept["subscription"], "foreach")
    return model.CallTask(
        target=body["call"],
        arguments=kept,
        authentication=parts.authentication(policy, around.shared),
        document_authentication=parts.authentication(document_policy, around.shared),
        iterator=iterator(foreach, f"{reference}/with/subscription/foreach", around),
        **common,
    )


_Split = tuple[Json, Json | None, Json | None]
"""Arguments without policies; the policy of the call; that of the description's address."""


def _less(value: Json, *keys: str) -> Json:
    return {key: part for key, part in value.items() if key not in keys}


def _resource(value: Json | None) -> tuple[Json | None, Json | None]:
    """Return an external resource without its policy, and the policy."""
    if value is None:
        return None, None
    address = value["endpoint"]
    kept = {**value, "endpoint": parts.without_policy(address)}
    return kept, parts.endpoint_policy(address)


def _split_http(arguments: Json) -> _Split:
    address = arguments["endpoint"]
    kept = {**arguments, "endpoint": parts.without_policy(address)}
    return kept, parts.endpoint_policy(address), None


def _split_described(arguments: Json) -> _Split:
    document, document_policy = _resource(arguments["document"])
    kept = {**_less(arguments, "authentication"), "document": document}
    return kept, arguments.get("authentication"), document_policy


def _split_grpc(arguments: Json) -> _Split:
    proto, proto_policy = _resource(arguments["proto"])
    service = _less(arguments["service"], "authentication")
    policy = arguments["service"].get("authentication")
    return {**arguments, "proto": proto, "service": service}, policy, proto_policy


def _split_a2a(arguments: Json) -> _Split:
    kept = dict(arguments)
    card, card_policy = _resource(arguments.get("agentCard"))
    if card is not None:
        kept["agentCard"] = card
    if "server" not in arguments:
        # The card leads to the agent, so what opens the one opens the other.
        return kept, card_policy, card_policy
    kept["server"] = parts.without_policy(arguments["server"])
    return kept, parts.endpoint_policy(arguments["server"]), card_policy


def _split_mcp(arguments: Json) -> _Split:
    http = arguments["transport"].get("http")
    if http is None:
        return dict(arguments), None, None
    kept = {**http, "endpoint": parts.without_policy(http["endpoint"])}
    transport = {**arguments["transport"], "http": kept}
    return {**arguments, "transport": transport}, parts.endpoint_policy(http["endpoint"]), None


_SPLITS: MappingProxyType[str, Callable[[Json], _Split]] = MappingProxyType(
    {
        "http": _split_http,
        "openapi": _split_described,
        "asyncapi": _split_described,
        "grpc": _split_grpc,
        "a2a": _split_a2a,
        "mcp": _split_mcp,
    }
)


def _do(body: Json, reference: str, around: Around, common: _Common) -> model.Task:
    return model.DoTask(do=tasks(body["do"], f"{reference}/do", around), **common)


def _for(body: Json, reference: str, around: Around, common: _Common) -> model.Task:
    loop: Json = body["for"]
    return model.ForTask(
        each=loop.get("each", "item"),
        at=loop.get("at", "index"),
        collection=loop["in"],
        condition_while=body.get("while"),
        do=tasks(body["do"], f"{reference}/do", around),
        **common,
    )


def _fork(body: Json, reference: str, around: Around, common: _Common) -> model.Task:
    fork: Json = body["fork"]
    return model.ForkTask(
        branches=tasks(fork["branches"], f"{reference}/fork/branches", around),
        compete=fork.get("compete", False),
        **common,
    )


def _switch(body: Json, _reference: str, _around: Around, common: _Common) -> model.Task:
    cases = [case for entry in body["switch"] for case in entry.items()]
    return model.SwitchTask(
        cases=tuple(
            model.SwitchCase(name=name, when=case.get("when"), then=case["then"])
            for name, case in cases
        ),
        **common,
    )


def _try(body: Json, reference: str, around: Around, common: _Common) -> model.Task:
    catch: Json = body["catch"]
    filtered = catch.get("errors", {}).get("with")
    if filtered is not None and "details" in filtered:
        filtered = {"detail": filtered["details"], **_less(filtered, "details")}
    handler = catch.get("do")
    return model.TryTask(
        do=tasks(body["try"], f"{reference}/try", around),
        catch_filter=filtered,
        catch_as=catch.get("as", "error"),
        catch_when=catch.get("when"),
        catch_except_when=catch.get("exceptWhen"),
        retry=parts.retry(catch.get("retry"), around.shared),
        catch_do=None if handler is None else tasks(handler, f"{reference}/catch/do", around),
        catch_then=catch.get("then"),
        **common,
    )


def _raise(body: Json, _reference: str, around: Around, common: _Common) -> model.Task:
    return model.RaiseTask(error=parts.error(body["raise"]["error"], around.shared), **common)


def _set(body: Json, _reference: str, _around: Around, common: _Common) -> model.Task:
    return model.SetTask(value=body["set"], **common)


def _wait(body: Json, _reference: str, _around: Around, common: _Common) -> model.Task:
    return model.WaitTask(duration=parts.duration(body["wait"]), **common)


def _emit(body: Json, _reference: str, _around: Around, common: _Common) -> model.Task:
    return model.EmitTask(attributes=body["emit"]["event"]["with"], **common)


def _listen(body: Json, reference: str, around: Around, common: _Common) -> model.Task:
    listen: Json = body["listen"]
    return model.ListenTask(
        to=parts.consumption(listen["to"]),
        read=listen.get("read", "data"),
        iterator=iterator(body.get("foreach"), f"{reference}/foreach", around),
        **common,
    )


def _run(body: Json, _reference: str, around: Around, common: _Common) -> model.Task:
    run: Json = body["run"]
    process = next(process for process in PROCESSES if process in run)
    arguments: Json = run[process]
    source, policy = _resource(arguments.get("source"))
    if source is not None:
        arguments = {**arguments, "source": source}
    return model.RunTask(
        process=process,
        arguments=arguments,
        wait=run.get("await", True),
        result=run.get("return", "stdout"),
        authentication=parts.authentication(policy, around.shared),
        **common,
    )


_KINDS: MappingProxyType[str, Callable[[Json, str, Around, _Common], model.Task]] = (
    MappingProxyType(
        {
            "call": _call,
            "do": _do,
            "emit": _emit,
            "for": _for,
            "fork": _fork,
            "listen": _listen,
            "raise": _raise,
            "run": _run,
            "set": _set,
            "switch": _switch,
            "try": _try,
            "wait": _wait,
        }
    )
)
