"""Which node is compiled by what, and the closure that callers get."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from batuta.expressions import syntax as s
from batuta.expressions.arithmetic import BUDGET, spend_text
from batuta.expressions.failures import decline
from batuta.expressions.native import control, core, loops, operators, updates
from batuta.expressions.native.code import (
    FIRST_SLOT,
    INPUT,
    SCALAR,
    Code,
    Compiler,
    NeedsFrame,
    Unsupported,
    check_weight,
    grown,
    together,
    weigh,
)
from batuta.expressions.native.formats import GROWTH
from batuta.expressions.native.functions import (
    LIGHT,
    LOOPS,
    READS_ALL,
    SCALAR_LOOPS,
    SCALAR_WITH_ONE,
    SCALARS,
    WITH_ONE,
)

Evaluate: TypeAlias = Callable[[Any, Mapping[str, Any]], Any]

_NODES: dict[type, Callable[[Any, Compiler], Code]] = {
    s.Alternative: operators.alternative,
    s.ArrayOf: core.array,
    s.Assign: updates.assign,
    s.Binary: operators.binary,
    s.Bind: control.bind,
    s.Comma: core.comma,
    s.Descend: core.descend,
    s.Foreach: control.foreach,
    s.Format: core.format_text,
    s.Identity: core.identity,
    s.If: control.condition,
    s.Index: core.at_key,
    s.Iterate: core.iterate,
    s.Literal: core.literal,
    s.Logic: operators.logic,
    s.Negate: operators.negate,
    s.ObjectOf: core.construct,
    s.Pipe: core.pipe,
    s.Reduce: control.reduce,
    s.Slice: core.cut,
    s.Text: core.text,
    s.Try: control.attempt,
    s.Variable: core.variable,
}

_CALLS: dict[str, Callable[[s.Call, Compiler], Code]] = {
    "INDEX/1": loops.index_by,
    "IN/1": loops.is_one_of,
    "add/1": loops.add,
    "all/1": loops.quantifier(wanted=False),
    "all/2": loops.quantifier(wanted=False),
    "any/1": loops.quantifier(wanted=True),
    "any/2": loops.quantifier(wanted=True),
    "arrays/0": loops.selector("array"),
    "booleans/0": loops.selector("boolean"),
    "del/1": updates.delete,
    "empty/0": loops.empty,
    "error/1": loops.raise_error,
    "first/1": loops.first_output,
    "getpath/1": updates.read_path,
    "group_by/1": loops.by_key("group_by", loops.groups),
    "isempty/1": loops.is_empty,
    "iterables/0": loops.selector("array", "object"),
    "last/1": loops.last_output,
    "limit/2": loops.limit,
    "map/1": loops.map_each,
    "map_values/1": updates.map_values,
    "max_by/1": loops.by_key("max_by", loops.greatest_pair),
    "min_by/1": loops.by_key("min_by", loops.least_pair),
    "nulls/0": loops.selector("null"),
    "numbers/0": loops.selector("number"),
    "objects/0": loops.selector("object"),
    "path/1": updates.path_of,
    "paths/0": updates.all_paths,
    "paths/1": updates.all_paths,
    "range/1": loops.count_up,
    "range/2": loops.count_up,
    "range/3": loops.count_up,
    "recurse/0": lambda _node, c: core.descend(s.Descend(), c),
    "scalars/0": loops.selector("null", "boolean", "number", "string"),
    "select/1": loops.select,
    "setpath/2": updates.write_path,
    "sort_by/1": loops.by_key("sort_by", loops.sort_pairs),
    "strings/0": loops.selector("string"),
    "unique_by/1": loops.by_key("unique_by", loops.unique_pairs),
    "until/2": loops.until,
    "values/0": loops.selector("boolean", "number", "string", "array", "object"),
    "while/2": loops.while_true,
    "with_entries/1": loops.with_entries,
}


def compile_native(tree: s.Node) -> Evaluate | None:
    """Return the closure that evaluates a program, or None when it is for the sandbox.

    The closure takes the input and the variables, and gives the program's one output, None for no
    output, or a list of several. It raises `ExpressionFailure` and `TooMuchWork`.
    """
    try:
        try:
            return _bare(tree)
        except NeedsFrame:
            return _framed(tree)
    except (Unsupported, RecursionError):
        return None


def _bare(tree: s.Node) -> Evaluate:
    code = Compiler(_dispatch, framed=False).code(tree)
    run = code.run
    if code.single:
        return run
    return lambda data, variables: _collect(run(data, variables))


def _framed(tree: s.Node) -> Evaluate:
    compiler = Compiler(_dispatch, framed=True)
    code = compiler.code(tree)
    run, single, heavy = code.run, code.single, compiler.heavy
    blank: list[Any] = [BUDGET, None, *[None] * (compiler.size - FIRST_SLOT)]

    def evaluate(data: Any, variables: Mapping[str, Any]) -> Any:
        frame = blank.copy()
        frame[1] = variables
        try:
            result = run(data, frame) if single else _collect(run(data, frame))
            return check_weight(result) if heavy else result
        except RecursionError:
            raise decline("a value is nested very deeply") from None

    return evaluate


def _collect(outputs: Any) -> Any:
    values = list(outputs)
    if not values:
        return None
    return values[0] if len(values) == 1 else values


def _dispatch(node: s.Node, c: Compiler) -> Code:
    if isinstance(node, s.Call):
        return _call(node, c)
    compile_node = _NODES.get(node.__class__)
    if compile_node is None:
        raise Unsupported
    return compile_node(node, c)


def _call(node: s.Call, c: Compiler) -> Code:
    count = len(node.arguments)
    special = None if node.own else _CALLS.get(f"{node.name}/{count}")
    if special is not None:
        return special(node, c)
    if node.own or count > 1:
        raise Unsupported
    if count == 1:
        return _with_one(node, c)
    if node.name in LIGHT:
        return _light(node.name, c)
    loop = LOOPS.get(node.name)
    if loop is None:
        raise Unsupported
    c.need_frame()
    return Code(loop, single=True, copies=SCALAR if node.name in SCALAR_LOOPS else INPUT)


def _light(name: str, c: Compiler) -> Code:
    function = LIGHT[name]
    copies = SCALAR if name in SCALARS else grown(INPUT, GROWTH if name in READS_ALL else 1)
    if c.framed and name in READS_ALL:
        return Code(lambda d, e: spend_text(e, function(weigh(d, e))), single=True, copies=copies)
    return Code(lambda d, _e: function(d), single=True, copies=copies)


def _with_one(node: s.Call, c: Compiler) -> Code:
    if node.name not in WITH_ONE:
        raise Unsupported
    function, metered = WITH_ONE[node.name]
    if metered:
        c.need_frame()
    argument = c.single(node.arguments[0])
    run = argument.run
    copies = SCALAR if node.name in SCALAR_WITH_ONE else together(INPUT, argument.copies)
    return Code(lambda d, e: function(d, run(d, e), e), single=True, copies=copies)
