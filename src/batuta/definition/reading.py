"""Text to nodes: YAML 1.2 or JSON, every key and value with its place.

Owns limits on size, depth and aliases, repeated keys, and where a syntax error stands. Does not own
what scalars mean (`scalars`) nor the words for a syntax error (`syntax_hints`). The events of
libyaml are read one by one, without its composer: they come at about a million a second, nothing
recurses, and a bomb is refused while it is read, before it costs memory. JSON is read by the same
parser, being YAML 1.2. Two things need help: JSON writes a character past U+FFFF as two surrogate
escapes, and may hold characters that YAML forbids or takes for line breaks. While the parser runs,
private characters of the same length stand in for them, so that no position moves.

A key has at most 1024 characters, in JSON too (YAML 1.2.2, section 7.4.2). Private characters
U+E800 to U+F02F of a JSON text may be taken for stand-ins when they are written as they are.

The limits are far above any workflow written by people and keep a hostile file from costing more
than about a second.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple, NoReturn

import yaml

from batuta.definition.nodes import Node
from batuta.definition.problems import Position
from batuta.definition.scalars import collection_tag_known, resolve, scalar_tag_known
from batuta.definition.syntax_hints import explain

if TYPE_CHECKING:
    from batuta.definition.problems import Findings, Path


class Limits(NamedTuple):
    """How large a document may be.

    `values` are those of the document, aliases written out; a long text counts as several. `depth`
    counts mappings and lists: each level of tasks takes three or four.
    """

    characters: int = 4_000_000
    values: int = 200_000
    depth: int = 100


WORKFLOW = Limits()
_TEXT_PER_VALUE = 32
START = Position(1, 1)
_BREAK = re.compile(r"\r\n|[\n\r\x85\u2028\u2029]")
_PAIR = re.compile(
    r"(?<!\\)((?:\\\\)*)\\u[dD]([89abAB][0-9a-fA-F]{2})\\u[dD]([c-fC-F][0-9a-fA-F]{2})"
)
"""An escaped surrogate pair; what stands in for it is the same with `e` for `d`."""
_STAND_IN = re.compile("([\ue800-\uebff])([\uec00-\uefff])")
_UNSPEAKABLE = (*range(0x7F, 0xA0), 0x2028, 0x2029, 0xFFFE, 0xFFFF)
_HIDE = {code: 0xF000 + index for index, code in enumerate(_UNSPEAKABLE)}
_SHOW = {stand_in: code for code, stand_in in _HIDE.items()}


class _Refused(Exception):  # noqa: N818 -- never leaves this module: reading cannot go on
    """Reading ends here; the problem is recorded."""


def read(
    text: str | bytes, findings: Findings, limits: Limits = WORKFLOW
) -> tuple[Node | None, str]:
    """Return the document's root, and its text as positions count it.

    The root is None when reading could not go on; `findings` then says why. Repeated keys, tags
    and numbers that are refused are recorded and do not end the reading.
    """
    try:
        source = _decoded(text, findings, limits)
        return _Reader(source, findings, limits).document(), source
    except _Refused:
        return None, ""


def _decoded(text: str | bytes, findings: Findings, limits: Limits) -> str:
    try:
        if isinstance(text, bytes):
            source = text.decode()
        else:
            text.encode()  # a lone surrogate in a str is as unreadable as a wrong byte
            source = text
    except UnicodeDecodeError as error:
        before = error.object[: error.start].decode()
        _refuse_encoding(findings, _position_of(before), f"byte 0x{error.object[error.start]:02x}")
    except UnicodeEncodeError as error:
        before = error.object[: error.start]
        _refuse_encoding(findings, _position_of(before), "a lone surrogate")
    source = source.removeprefix("\ufeff")
    if len(source) > limits.characters:
        findings.add(
            "text-too-large",
            START,
            None,
            f"the file has {len(source)} characters",
            expected=f"at most {limits.characters} characters",
            hint="split the workflow, or keep data out of the definition",
        )
        raise _Refused
    return source


def _refuse_encoding(findings: Findings, position: Position, what: str) -> NoReturn:
    findings.add(
        "text-encoding",
        position,
        None,
        f"the text is not UTF-8: {what}",
        expected="UTF-8 text",
        hint="save the file as UTF-8",
    )
    raise _Refused


def _position_of(before: str) -> Position:
    """Return the position after some text, counting line breaks as the parser does."""
    lines = _BREAK.split(before)
    return Position(len(lines), len(lines[-1]) + 1)


def _join(value: str) -> str:
    """Return a value with every stand-in replaced by what it stands for."""
    return _STAND_IN.sub(
        lambda pair: chr(0x10000 + ((ord(pair[1]) - 0xE800) << 10) + ord(pair[2]) - 0xEC00),
        value.translate(_SHOW),
    )


class _Open:
    """A collection that is being read: its node, its place, and the key that waits for a value."""

    __slots__ = ("anchor", "key", "key_position", "node", "path")

    def __init__(self, node: Node, path: Path, anchor: str | None) -> None:
        self.node = node
        self.path = path
        self.anchor = anchor
        self.key: str | None = None
        self.key_position = START


class _Reader:
    """One reading: the collections that are open, the anchors seen, and the sum of values."""

    def __init__(self, source: str, findings: Findings, limits: Limits) -> None:
        self._limits = limits
        self._findings = findings
        self._open: list[_Open] = []
        self._anchors: dict[str, Node] = {}
        self._values = 0
        self._root: Node | None = None
        parsed = source
        if source.lstrip()[:1] in {"{", "["}:
            parsed = _PAIR.sub(r"\1\\ue\2\\ue\3", source).translate(_HIDE)
        self._joins = parsed != source
        self._parsed = parsed
        self._encoded = parsed.encode()

    def document(self) -> Node | None:
        """Read to the end and return the root; None, with a finding, for a file of nothing."""
        parser = yaml.CSafeLoader(self._encoded)
        try:
            while (event := parser.get_event()) is not None:
                self._take(event)
        except yaml.MarkedYAMLError as error:
            self._refuse_syntax(error)
        except yaml.reader.ReaderError as error:
            before = self._encoded[: error.position].decode(errors="ignore")
            message, hint = explain(str(error.reason))
            self._refuse("yaml-syntax", _position_of(before), message, hint=hint)
        if self._root is None:
            self._refuse("yaml-empty", START, "the file holds no document")
        return self._root

    def _take(self, event: yaml.Event) -> None:
        match event:
            case yaml.ScalarEvent():
                self._scalar(event)
            case yaml.MappingStartEvent():
                self._collection(event, Node("object", {}, *_at(event)))
            case yaml.SequenceStartEvent():
                self._collection(event, Node("array", [], *_at(event)))
            case yaml.CollectionEndEvent():
                self._close()
            case yaml.AliasEvent():
                self._alias(event)
            case yaml.DocumentStartEvent() if self._root is not None:
                message = "a second document begins here"
                hint = "give every workflow a file of its own"
                self._refuse("yaml-many-documents", Position(*_at(event)), message, hint=hint)
            case _:
                pass

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        if self._takes_key():
            self._key(event)
            return
        position = Position(*_at(event))
        value = _join(event.value) if self._joins else event.value
        tag = event.tag
        if not scalar_tag_known(tag):
            self._refuse_tag(tag, position)
            tag = None
        found = resolve(value, tag, plain=event.implicit[0])
        if found.refusal:
            self._add(
                "yaml-number", position, found.refusal, hint="quote it if it is meant as text"
            )
        node = Node(found.kind, found.value, *position)
        node.start, node.end = event.start_mark.index, event.end_mark.index
        node.style = event.style or ""
        node.weight += len(value) // _TEXT_PER_VALUE
        self._attach(node, position)
        self._anchor(event.anchor, node)

    def _key(self, event: yaml.ScalarEvent) -> None:
        top = self._open[-1]
        plain = event.implicit[0]
        top.key = _join(event.value) if self._joins else event.value
        top.key_position = position = Position(*_at(event))
        if plain and top.key == "<<":
            self._add(
                "yaml-merge-key",
                position,
                "YAML 1.2 has no merge key `<<`",
                hint="write the keys out, or use an alias for a whole value",
            )
        elif plain and not top.key:
            self._add("yaml-key", position, "a key is empty", hint="write `name: value`")
        elif top.key in top.node.fields:
            self._add(
                "yaml-duplicate-key",
                position,
                f"`{top.key}` stands here a second time",
                hint=f"the first is in line {top.node.keys[top.key].line}",
            )

    def _collection(
        self, event: yaml.MappingStartEvent | yaml.SequenceStartEvent, node: Node
    ) -> None:
        if self._takes_key():
            self._refuse("yaml-key", node.position, "a key must be a text, not a collection")
        if not collection_tag_known(event.tag, node.kind):
            self._refuse_tag(event.tag, node.position)
        self._check_depth(len(self._open) + 1, node.position)
        path = self._place()
        self._attach(node, node.position, whole=False)
        self._open.append(_Open(node, path, event.anchor))

    def _close(self) -> None:
        closed = self._open.pop()
        self._anchor(closed.anchor, closed.node)
        if self._open:
            self._grow(self._open[-1].node, closed.node)

    def _alias(self, event: yaml.AliasEvent) -> None:
        position = Position(*_at(event))
        if self._takes_key():
            self._refuse("yaml-key", position, "a key must be a text, not an alias")
        node = self._anchors.get(event.anchor)
        if node is None:
            inside = any(frame.anchor == event.anchor for frame in self._open)
            what = "an anchor that contains it" if inside else "no anchor before it"
            self._refuse("yaml-alias", position, f"the alias `*{event.anchor}` names {what}")
        self._check_depth(len(self._open) + node.height, position)
        self._attach(node, position)

    def _attach(self, node: Node, position: Position, *, whole: bool = True) -> None:
        """Put a value into the collection that is open, or make it the root.

        The size of a collection that is not whole yet is added when it closes.
        """
        self._values += node.weight
        if self._values > self._limits.values:
            self._refuse(
                "yaml-too-large",
                position,
                "the document, its aliases written out, has too many values",
                expected=f"at most {self._limits.values} values",
                hint="an alias stands for everything under its anchor: do not nest them",
            )
        if not self._open:
            self._root = node
            return
        top = self._open[-1]
        parent = top.node
        if top.key is None:
            parent.items.append(node)
            parent.plain.append(node.plain)
        else:
            if top.key not in parent.fields:
                parent.fields[top.key] = node
                parent.keys[top.key] = top.key_position
                parent.plain[top.key] = node.plain
            top.key = None
        if whole:
            self._grow(parent, node)

    @staticmethod
    def _grow(parent: Node, child: Node) -> None:
        parent.weight += child.weight
        parent.height = max(parent.height, child.height + 1)

    def _takes_key(self) -> bool:
        return (
            bool(self._open) and self._open[-1].node.kind == "object" and self._open[-1].key is None
        )

    def _anchor(self, name: str | None, node: Node) -> None:
        if name is not None:
            self._anchors[name] = node

    def _place(self) -> Path:
        if not self._open:
            return None
        top = self._open[-1]
        return (top.path, len(top.node.items) if top.key is None else top.key)

    def _check_depth(self, depth: int, position: Position) -> None:
        if depth > self._limits.depth:
            self._refuse(
                "yaml-too-deep",
                position,
                "the document is nested too deep",
                expected=f"at most {self._limits.depth} levels of mappings and lists",
                hint="move inner tasks into `use.functions` or a workflow of their own",
            )

    def _refuse_tag(self, tag: str, position: Position) -> None:
        self._add(
            "yaml-tag",
            position,
            f"the tag `{tag}` does not name a JSON type that fits here",
            expected="no tag, or one of !!str, !!int, !!float, !!bool, !!null, !!map, !!seq",
        )

    def _refuse_syntax(self, error: yaml.MarkedYAMLError) -> NoReturn:
        complaint = error.problem or ""
        mark = error.problem_mark
        if error.context_mark is not None and "end of stream" in complaint:
            mark = error.context_mark  # where the quote was opened, not where the file ends
        position = Position(mark.line + 1, mark.column + 1) if mark is not None else START
        message, hint = explain(complaint)
        end = _position_of(self._parsed)
        self._refuse("yaml-syntax", min(position, end), message, hint=hint)

    def _add(self, code: str, position: Position, message: str, **details: str) -> None:
        self._findings.add(code, position, self._place(), message, **details)

    def _refuse(self, code: str, position: Position, message: str, **details: str) -> NoReturn:
        self._add(code, position, message, **details)
        raise _Refused


def _at(event: yaml.Event) -> tuple[int, int]:
    mark = event.start_mark
    return mark.line + 1, mark.column + 1
