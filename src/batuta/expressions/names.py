"""The functions that jq has, and those of them that no workflow may use.

A program must not read the host, the clock or the stream that it is fed from: two evaluations of
the same data would differ, and a choreographed run would fall apart. So those names are refused
when the expression is read. What is listed here must exist in the sandbox; a test compares both.
"""

from __future__ import annotations

import difflib

_CLOCK = "it reads the clock, so the same run could give two answers"
_HOST = "it reads the host that happens to evaluate it"
_STREAM = "there is one input only, and it is `.`"
_NOISE = "nobody sees what it prints"
_END = "it ends the evaluator, not the workflow"

BANNED: dict[str, tuple[str, str]] = {
    "env": (_HOST, "pass what is needed as input, or use $secrets"),
    "now": (_CLOCK, "use $runtime, $workflow.startedAt or $task.startedAt"),
    "localtime": (_HOST, "use gmtime"),
    "strflocaltime": (_HOST, "use strftime"),
    "input": (_STREAM, "use `.`"),
    "inputs": (_STREAM, "use `.`"),
    "input_filename": (_STREAM, ""),
    "input_line_number": (_STREAM, ""),
    "debug": (_NOISE, "remove it"),
    "stderr": (_NOISE, "remove it"),
    "halt": (_END, "use a `raise` task or error(...)"),
    "halt_error": (_END, "use a `raise` task or error(...)"),
    "get_search_list": (_HOST, ""),
    "get_prog_origin": (_HOST, ""),
    "get_jq_origin": (_HOST, ""),
    "modulemeta": ("expressions have no modules", ""),
}

BANNED_VARIABLES: dict[str, tuple[str, str]] = {
    "ENV": (_HOST, "pass what is needed as input, or use $secrets"),
    "__prog_args": (_HOST, ""),
}

FORMATS = frozenset(
    {"text", "json", "csv", "tsv", "html", "uri", "urid", "sh", "base64", "base64d"}
)

EXTRA = frozenset({"toarray/0", "null/0", "true/0", "false/0"})
"""Known to the language, missing from the list that some releases of jq give of themselves."""

_BUILTINS = """
IN/1 IN/2 INDEX/1 INDEX/2 JOIN/2 JOIN/3 JOIN/4 abs/0 acos/0 acosh/0 add/0 add/1 all/0 all/1 all/2
any/0 any/1 any/2 arrays/0 ascii_downcase/0 ascii_upcase/0 asin/0 asinh/0 atan/0 atan2/2 atanh/0
booleans/0 bsearch/1 builtins/0 capture/1 capture/2 cbrt/0 ceil/0 combinations/0 combinations/1
contains/1 copysign/2 cos/0 cosh/0 del/1 delpaths/1 drem/2 empty/0 endswith/1 erf/0 erfc/0 error/0
error/1 exp/0 exp10/0 exp2/0 explode/0 expm1/0 fabs/0 fdim/2 finites/0 first/0 first/1 flatten/0
flatten/1 floor/0 fma/3 fmax/2 fmin/2 fmod/2 format/1 frexp/0 from_entries/0 fromdate/0
fromdateiso8601/0 fromjson/0 fromstream/1 gamma/0 getpath/1 gmtime/0 group_by/1 gsub/2 gsub/3 has/1
have_decnum/0 have_literal_numbers/0 hypot/2 implode/0 in/1 index/1 indices/1 infinite/0 inside/1
isempty/1 isfinite/0 isinfinite/0 isnan/0 isnormal/0 iterables/0 j0/0 j1/0 jn/2 join/1 keys/0
keys_unsorted/0 last/0 last/1 ldexp/2 length/0 lgamma/0 lgamma_r/0 limit/2 log/0 log10/0 log1p/0
log2/0 logb/0 ltrim/0 ltrimstr/1 map/1 map_values/1 match/1 match/2 max/0 max_by/1 min/0 min_by/1
mktime/0 modf/0 nan/0 nearbyint/0 nextafter/2 nexttoward/2 normals/0 not/0 nth/1 nth/2 nulls/0
numbers/0 objects/0 path/1 paths/0 paths/1 pick/1 pow/2 range/1 range/2 range/3 recurse/0 recurse/1
recurse/2 remainder/2 repeat/1 reverse/0 rindex/1 rint/0 round/0 rtrim/0 rtrimstr/1 scalars/0
scalb/2 scalbln/2 scan/1 scan/2 select/1 setpath/2 significand/0 sin/0 sinh/0 skip/2 sort/0
sort_by/1 split/1 split/2 splits/1 splits/2 sqrt/0 startswith/1 strftime/1 strings/0 strptime/1
sub/2 sub/3 tan/0 tanh/0 test/1 test/2 tgamma/0 to_entries/0 toboolean/0 todate/0 todateiso8601/0
tojson/0 tonumber/0 tostream/0 tostring/0 transpose/0 trim/0 trimstr/1 trunc/0 truncate_stream/1
type/0 unique/0 unique_by/1 until/2 utf8bytelength/0 values/0 walk/1 while/2 with_entries/1 y0/0
y1/0 yn/2
"""
FUNCTIONS: frozenset[str] = frozenset(_BUILTINS.split()) | EXTRA
_NAMES = frozenset(entry.partition("/")[0] for entry in FUNCTIONS)


def explain_unknown(name: str, count: int, own: frozenset[str]) -> tuple[str, str]:
    """Return the message and the hint for a function that does not exist.

    Args:
        name: the function's name as written.
        count: how many arguments it was given.
        own: `name/arity` of what the program itself defines at that place.
    """
    arities = sorted(
        entry.partition("/")[2] for entry in FUNCTIONS | own if entry.partition("/")[0] == name
    )
    if arities:
        takes = " or ".join(arities)
        return (
            f"{name} takes {takes} argument(s), not {count}",
            "arguments stand in parentheses, with ; between them",
        )
    known = _NAMES | {entry.partition("/")[0] for entry in own}
    close = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.6)
    if close:
        return f"there is no function {name}", f"did you mean {close[0]}?"
    return f"there is no function {name}", f'write ."{name}" for a field, "{name}" for text'
