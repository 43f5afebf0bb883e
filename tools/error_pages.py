"""Writes `docs/errors.md`: what each code and each operating error means, and what to do.

The codes, their weight and meaning are those of `batuta.definition.CODES`, and of
`batuta.choreography.codes` for what keeps a workflow from being choreographed; the operating errors
those of `batuta.errors`, with the exit codes of the command line. `tools/error_advice.toml` adds
the likely cause and the next step, and has the codes of the HTTP API's problem details; a test
holds them to those that the server's code names. The server tells of each code too, where `type` of
its problem details leads: from `src/batuta/server/explained.json`, which this writes as
well. Tests hold both files to what this would write.

    .venv/bin/python tools/error_pages.py
"""

from __future__ import annotations

import inspect
import json
import tomllib
from pathlib import Path

from batuta import errors
from batuta.choreography.codes import CODES as CHOREOGRAPHY
from batuta.cli.exit_codes import of_error
from batuta.definition import CODES as DOCUMENT

CODES = {**DOCUMENT, **CHOREOGRAPHY}
HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "errors.md"
SERVED = HERE.parent / "src" / "batuta" / "server" / "explained.json"
HEAD = """\
# What goes wrong, and what to do

Made by `tools/error_pages.py`. A *problem* is something wrong in a document: `batuta check` shows
all of them, as `error[code]` or `warning[code]`; an error refuses the document, a warning does not.
Those under "Choreography" are looked for with `--control choreographed`, and before such a run.
(`error[file]` is a file that cannot be read at all.) An *operating error* is about a request or the
machine. A *fault* is neither: it is what a workflow came to, and the [guide](guide.md) tells of it.

"""
OPERATING = """\
## Operating errors

In Python these are the exceptions of `batuta.errors`; the command line shows them as `error:` and
`hint:`, and ends with their exit code. (`batuta check` ends with 1 for a document it refuses.)

"""

HTTP = """\
## Answers of the HTTP API

Problem details (RFC 9457): `code` is one of these, and `type` is `/problems/CODE`, where the server
shows what stands here. `detail` says what it is about, `hint` what to do, and `errors` has every
single problem with its `path`.

"""


def page() -> str:
    """Return the whole page."""
    advice = tomllib.loads((HERE / "error_advice.toml").read_text("utf-8"))
    operating, http = advice.pop("operating"), advice.pop("http")
    told = [code for group in advice.values() for code in group["codes"]]
    if told != list(CODES):
        odd = set(told) ^ set(CODES) or "the order"
        raise SystemExit(f"tools/error_advice.toml and the codes differ: {odd}")
    parts = [HEAD]
    for group in advice.values():
        parts.append(f"## {group['title']}\n\n")
        parts.extend(_problem(code, *texts) for code, texts in group["codes"].items())
    parts.append(OPERATING)
    parts.extend(_error(name, *texts) for name, texts in operating.items())
    parts.append(HTTP)
    parts.extend(_answer(code, *texts) for code, texts in http.items())
    return "".join(parts).rstrip() + "\n"


def served() -> str:
    """Return what the server tells of each code: what it means, why it comes, what to do."""
    advice = tomllib.loads((HERE / "error_advice.toml").read_text("utf-8"))
    advice.pop("operating")
    http = advice.pop("http")
    told = {
        code: [CODES[code].meaning, *texts]
        for group in advice.values()
        for code, texts in group["codes"].items()
    }
    told |= {code: [f"Status {status}.", *texts] for code, (status, *texts) in http.items()}
    return json.dumps(told, indent=0, ensure_ascii=False) + "\n"


def _problem(code: str, cause: str, step: str) -> str:
    severity, meaning = CODES[code]
    weight = "" if severity == "error" else " (a warning)"
    return f"### `{code}`\n\n{meaning}{weight}\n\n- Likely: {cause}\n- Next: {step}\n\n"


def _error(name: str, cause: str, step: str) -> str:
    kind = getattr(errors, name)
    meaning = (inspect.getdoc(kind) or "").partition("\n\n")[0].replace("\n", " ")
    exit_code = int(of_error(kind("")))
    return (
        f"### `{name}`\n\n{meaning} Exit code {exit_code}.\n\n- Likely: {cause}\n- Next: {step}\n\n"
    )


def _answer(code: str, status: int, cause: str, step: str) -> str:
    return f"### `{code}`\n\nStatus {status}.\n\n- Likely: {cause}\n- Next: {step}\n\n"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
    SERVED.write_text(served(), "utf-8")
    print(f"wrote {PAGE} and {SERVED}")
