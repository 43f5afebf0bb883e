"""The whole document, as a model value."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from batuta.definition import model
from batuta.definition.building import parts
from batuta.definition.building.parts import Json, Shared
from batuta.definition.building.tasks import Around, task, tasks
from batuta.definition.duration import to_milliseconds
from batuta.definition.problems import escaped


def build(source: Json) -> model.Workflow:
    """Return the workflow that a document without errors describes."""
    head: Json = source["document"]
    use: Json = source.get("use", {})
    metadata: Json = head.get("metadata", {})
    shared = Shared(
        *(use.get(name, {}) for name in ("authentications", "errors", "retries", "timeouts")),
        functions=use.get("functions", {}),
        participant=metadata.get("participant"),
    )
    around = Around(shared, None, shared.participant)
    evaluate: Json = source.get("evaluate", {})
    return model.Workflow(
        document=model.Document(**head),
        do=tasks(source["do"], "/do", around),
        input=parts.data_flow(source.get("input"), "from", shared),
        output=parts.data_flow(source.get("output"), "as", shared),
        timeout=parts.timeout(source.get("timeout"), shared),
        schedule=_schedule(source.get("schedule")),
        evaluate_language=evaluate.get("language", "jq"),
        evaluate_mode=evaluate.get("mode", "strict"),
        functions=_functions(shared),
        secrets=tuple(use.get("secrets", ())),
        catalogs={
            name: parts.endpoint(catalog["endpoint"], shared)
            for name, catalog in use.get("catalogs", {}).items()
        },
        extensions=_extensions(use.get("extensions", []), around),
        control=metadata.get("control", "orchestrated"),
        participants=_participants(metadata),
        participant=shared.participant,
        sla=parts.sla(metadata.get("sla")),
        keys=metadata.get("keys", {}),
        source=source,
        digest=digest(source),
    )


def digest(document: Any) -> str:
    """Return the SHA-256 of a document's canonical JSON, hexadecimal.

    Canonical: keys sorted, no white space, UTF-8. Two files with the same meaning as JSON have the
    same digest, whatever their quoting, comments or order of keys.
    """
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _functions(shared: Shared) -> dict[str, model.Task]:
    around = Around(shared, None, None)
    return {
        name: task(name, body, f"/use/functions/{escaped(name)}", around)
        for name, body in shared.functions.items()
    }


def _extensions(entries: list[Json], around: Around) -> tuple[model.Extension, ...]:
    built: list[model.Extension] = []
    for index, entry in enumerate(entries):
        ((name, body),) = entry.items()
        reference = f"/use/extensions/{index}/{escaped(name)}"
        built.append(
            model.Extension(
                name=name,
                extend=body["extend"],
                when=body.get("when"),
                before=tasks(body.get("before", []), f"{reference}/before", around),
                after=tasks(body.get("after", []), f"{reference}/after", around),
            )
        )
    return tuple(built)


def _participants(metadata: Json) -> dict[str, model.Participant]:
    return {
        name: model.Participant(name=name, **(body or {}))
        for name, body in metadata.get("participants", {}).items()
    }


def _schedule(value: Json | None) -> model.Schedule | None:
    if value is None:
        return None
    every, after, on = (value.get(key) for key in ("every", "after", "on"))
    return model.Schedule(
        every_ms=None if every is None else to_milliseconds(every),
        cron=value.get("cron"),
        after_ms=None if after is None else to_milliseconds(after),
        on=None if on is None else parts.consumption(on),
        read=value.get("read", "envelope"),
    )
