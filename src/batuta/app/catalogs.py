"""Where functions from elsewhere are found: from the text of a call to the address of a file.

Owns what a call names (an address, or a name with a version in a catalogue), the place of a
function in a catalogue, and the pages of Git hosts that stand for a file. Pure: nothing is read.
Source: `dsl.md`, "Catalogs" and "Using a Custom Function".

Rulings of ours. The DSL writes the address of a page on GitHub and wants the file: a branch becomes
`refs/heads/BRANCH`, as its example has it; what looks like a commit or a version stays as it is,
for it may be a tag. A repository without a branch means its default one (`HEAD`). A page of a
folder, and `PATH@TAG`, mean the `function.yaml` in it.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import urlsplit

FILE = "function.yaml"
DEFAULT = "default"
"""The runtime's own catalogue: functions in Python."""

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://.+")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_VERSION = re.compile(r"[0-9]+(\.[0-9]+)*([-+][0-9A-Za-z.+-]+)?")
_NO_BRANCH = re.compile(r"[0-9a-f]{7,40}|v?[0-9]+(\.[0-9]+)+([-+.][0-9A-Za-z.+-]+)?|refs|HEAD")
_REPOSITORY = 2
"""How many parts the path of a repository has on GitHub."""


class Named(NamedTuple):
    """A function of a catalogue; an empty `catalog` is any that has it."""

    name: str
    version: str
    catalog: str


def is_address(call: str) -> bool:
    """Say whether a call names a file by its address."""
    return _ADDRESS.fullmatch(call) is not None


def named(call: str) -> Named | None:
    """Return what `NAME:VERSION@CATALOG` or `NAME:VERSION` names, None when it is neither."""
    function, _, catalog = call.partition("@")
    name, _, version = function.partition(":")
    if _NAME.fullmatch(name) and _VERSION.fullmatch(version):
        return Named(name, version, catalog)
    return None


def address_in(catalog: str, function: Named) -> str:
    """Return the address of a function's file in the catalogue at `catalog`.

    Source: the structure of catalogues, `functions/NAME/VERSION/function.yaml`.
    """
    place = f"functions/{function.name}/{function.version}/{FILE}"
    return file_address(f"{_rooted(catalog).rstrip('/')}/{place}")


def _rooted(catalog: str) -> str:
    """Return a catalogue's address, of its default branch when it is a bare repository."""
    parts = urlsplit(catalog)
    path = parts.path.strip("/").removesuffix(".git")
    if _is_github(catalog) and path.count("/") == _REPOSITORY - 1:
        return f"https://github.com/{path}/tree/HEAD"
    if parts.hostname == "gitlab.com" and "/-/" not in parts.path:
        return f"https://gitlab.com/{path}/-/tree/HEAD"
    return catalog


def file_address(uri: str) -> str:
    """Return the address of the file that a page of GitHub or GitLab shows; others as they are."""
    if _is_github(uri):
        return _on_github(urlsplit(uri).path.strip("/"), uri)
    for page in ("/-/tree/", "/-/blob/"):
        if page in uri:
            return _with_file(uri.partition("?")[0].replace(page, "/-/raw/", 1))
    return uri


def _is_github(uri: str) -> bool:
    return urlsplit(uri).hostname in {"github.com", "www.github.com"}


def _on_github(path: str, uri: str) -> str:
    owner, _, rest = path.partition("/")
    repository, _, rest = rest.partition("/")
    kind, _, place = rest.partition("/")
    if kind in {"tree", "blob"} and "/" in place:
        branch = place.partition("/")[0]
        if not _NO_BRANCH.fullmatch(branch):
            place = f"refs/heads/{place}"
    elif rest and "@" in rest:
        folder, _, tag = rest.rpartition("@")
        place = f"{tag}/{folder}"
    else:
        return uri
    return _with_file(f"https://raw.githubusercontent.com/{owner}/{repository}/{place}")


def _with_file(uri: str) -> str:
    if uri.endswith((".yaml", ".yml", ".json")):
        return uri
    return f"{uri.rstrip('/')}/{FILE}"
