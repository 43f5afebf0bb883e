"""Documents for tests: written short, with a head put before them."""

from __future__ import annotations

from batuta.definition import check
from batuta.definition.function_document import load_function

HEAD = "document: {{ dsl: '1.0.3', namespace: shop, name: order, version: '1.0.0'{} }}\n"


def headed(text: str, *participants: str, default: str = "", external: tuple[str, ...] = ()) -> str:
    """Return a document with a head that declares participants."""
    if text.startswith("document:"):
        return text
    declared = [f"{name}: {{}}" for name in participants]
    declared += [f"{name}: {{ external: true }}" for name in external]
    entries = [f"participants: {{ {', '.join(declared)} }}"] if declared else []
    entries += [f"participant: {default}"] if default else []
    metadata = f", metadata: {{ {', '.join(entries)} }}" if entries else ""
    return HEAD.format(metadata) + text


def workflow_of(text: str, *participants: str, **more):
    """Return the workflow of a document, which must be right."""
    report = check(headed(text, *participants, **more))
    assert report.workflow is not None, "\n".join(one.render() for one in report.problems)
    return report.workflow


def function_of(name: str, body: dict):
    """Return a function from elsewhere, by the text of its calls."""
    return {name: load_function(body, name, file=name)}
