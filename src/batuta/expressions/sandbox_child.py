"""The child process of the sandbox: C jq behind two pipes.

Run as a script, by path, with an empty environment and without site-packages, so that starting is
quick and nothing of the host is in reach. It limits itself before it reads the first request:
memory, no new files, no processes, no core. What it runs may be hostile; its only way out is the
answer.

The protocol, both ways, big-endian: a request is three lengths (u32) and then source, names and
document; an answer is one status byte, a length (u32), and text. The document is `[input, {name:
value}]`; the answer is the JSON array of the outputs, the message of a failure, or nothing.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from importlib.machinery import ExtensionFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from struct import Struct
from typing import Any, BinaryIO

REQUEST = Struct(">III")
ANSWER = Struct(">BI")
READY, DONE, FAILED, TOO_BIG, OUT_OF_MEMORY = range(5)

_PRELUDE = 'def toarray: if type == "array" then . else [.] end; '
_KEPT_PROGRAMS = 256


def main(jq_path: str, memory: int, output: int, seconds: int) -> None:
    """Serve requests until the pipe closes.

    Args:
        jq_path: the file of the compiled `jq` module.
        memory: bytes of address space.
        output: bytes of the largest answer.
        seconds: processor time that one evaluation may use.
    """
    jq = _load(jq_path)
    # Python sets LC_CTYPE for itself (PEP 538), and jq would see it.
    os.environ.clear()
    _limit(memory)
    reader, writer = sys.stdin.buffer, sys.stdout.buffer
    _answer(writer, READY, b"")
    programs: dict[tuple[bytes, bytes], Any] = {}
    while len(head := reader.read(REQUEST.size)) == REQUEST.size:
        source, names, document = (reader.read(size) for size in REQUEST.unpack(head))
        # Past this much of its own time the kernel ends the process, even when nobody else is left.
        limit = int(time.process_time()) + 1 + seconds
        resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))
        try:
            key = (source, names)
            if key not in programs:
                if len(programs) >= _KEPT_PROGRAMS:
                    programs.clear()
                programs[key] = jq.compile(_wrap(source.decode(), json.loads(names)))
            text: str = programs[key].input_text(document.decode()).first()
            raw = text.encode()
        except MemoryError:
            programs.clear()
            _answer(writer, OUT_OF_MEMORY, b"")
        except StopIteration:
            _answer(writer, FAILED, b"the program ended without a result")
        except (ValueError, TypeError, UnicodeError) as failure:
            _answer(writer, FAILED, _message(failure).encode("utf-8", "replace")[:4096])
        else:
            if len(raw) > output:
                _answer(writer, TOO_BIG, b"")
            else:
                _answer(writer, DONE, raw)


def _wrap(source: str, names: list[str]) -> str:
    """Return a program that binds the variables and gives its outputs as one text of JSON.

    Text, because jq's own writer keeps what its Python binding would round: numbers beyond doubles.
    The source stands on the first line, so that `$__loc__` counts as it does natively.
    """
    bound = ", ".join(f"${name}" for name in names)
    bind = f". as [$__data, {{{bound}}}] | " if names else ". as [$__data] | "
    return f"{_PRELUDE}{bind}$__data | [({source}\n)] | tojson"


def _message(failure: Exception) -> str:
    """Return what jq says, without the place: that one counts in the wrapped program."""
    text = str(failure)
    if not text.startswith("jq: error: "):
        return text
    return text.partition("\n")[0].removeprefix("jq: error: ").partition(" at <top-level>")[0]


def _load(path: str) -> Any:
    loader = ExtensionFileLoader("jq", path)
    spec = spec_from_file_location("jq", path, loader=loader)
    if spec is None:
        raise ImportError(path)
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


def _limit(memory: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    for kind in (resource.RLIMIT_CORE, resource.RLIMIT_FSIZE, resource.RLIMIT_NPROC):
        resource.setrlimit(kind, (0, 0))
    # The three pipes stay open; no further file can be opened.
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))


def _answer(writer: BinaryIO, status: int, body: bytes) -> None:
    writer.write(ANSWER.pack(status, len(body)) + body)
    writer.flush()


if __name__ == "__main__":
    if Path.cwd() != Path("/"):
        raise SystemExit("the sandbox starts in /")
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
