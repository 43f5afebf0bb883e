"""The tables of the benchmark, from the lines that were measured. Pure.

The works are of groups, one per control model, one for looking at runs and one for the server:
their figures are kept apart, and each has tables and sentences of its own.
"""

import statistics
from typing import Any

ORCHESTRATED = ("w1", "latency", "w2", "w4", "raw", "w4-large", "crash", "check", "help")
LOOKING = ("listing",)
SERVED = ("http-start", "http-publish", "pages", "page-delay")
CHOREOGRAPHED = ("w3", "w3-alone", "w1-spread", "w1-single")

Found = dict[str, list[dict[str, Any]]]
"""`contender/work` -> what was measured in each round."""


class Figures:
    """Medians over the rounds, and how they read."""

    def __init__(self, found: Found) -> None:
        self.found = found

    def median(self, contender: str, work: str, name: str) -> float | None:
        """The median of a figure over the rounds that gave one; also of what `settings` tells."""
        values = [
            value
            for line in self.found.get(f"{contender}/{work}", [])
            if (value := (line.get("settings", {}) | line).get(name)) is not None
        ]
        return statistics.median(values) if values else None

    def shown(self, contender: str, work: str, name: str) -> str:
        """A figure as a table has it."""
        return _shown(self.median(contender, work, name))

    def ratio(self, ours: float | None, theirs: float | None) -> str:
        """How many times as much."""
        return "-" if ours is None or not theirs else f"{ours / theirs:.2f}"

    def name(self, contender: str) -> str:
        """A contender with its version."""
        versions = {
            line["version"]
            for key, lines in self.found.items()
            if key.rpartition("/")[0] == contender
            for line in lines
            if "version" in line
        }
        return " ".join([contender, *sorted(versions)])

    def among(self, contenders: list[str], works: tuple[str, ...]) -> list[str]:
        """Those of the contenders that were measured with any of these works."""
        return [one for one in contenders if any(f"{one}/{work}" in self.found for work in works)]


def _shown(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"


def tables(found: Found, contenders: list[str]) -> str:
    """All tables that something was measured for, as Markdown."""
    figures = Figures(found)
    parts = []
    if names := figures.among(contenders, ORCHESTRATED):
        parts += [_orchestrated(figures, names)]
    if names := figures.among(contenders, CHOREOGRAPHED[:2]):
        parts += [_chains(figures, names)]
    if figures.among(contenders, CHOREOGRAPHED[2:]):
        parts += [_cost(figures)]
    if figures.among(contenders, LOOKING):
        parts += [_lists(figures)]
    if figures.among(contenders, SERVED):
        parts += [_served(figures)]
    return "\n\n".join(parts)


def _orchestrated(figures: Figures, names: list[str]) -> str:
    shown = figures.shown
    rows = [
        "| | W1: durable tasks/s | one task alone, p50 ms | W2: fork of 100 and join, p50 ms |"
        " W4: waiting runs started/s | memory per waiting run, bytes |",
        "|---|---|---|---|---|---|",
    ]
    rows += [
        f"| {figures.name(name)} | {shown(name, 'w1', 'tasks_per_s')} "
        f"| {shown(name, 'latency', 'p50_ms')} | {shown(name, 'w2', 'p50_ms')} "
        f"| {shown(name, 'w4', 'tasks_per_s')} | {shown(name, 'w4', 'rss_bytes_per_run')} |"
        for name in names
    ]
    rows += [
        "",
        f"- Raw limit (the same rows in the same groups, no loop): "
        f"{shown('floor', 'raw', 'tasks_per_s')} rows/s.",
        f"- 100,000 waiting runs: started at {shown('batuta', 'w4-large', 'tasks_per_s')}/s, "
        f"{shown('batuta', 'w4-large', 'rss_bytes_per_run')} bytes of memory each.",
        f"- kill -9 with 10,000 runs in flight: all performing again "
        f"{shown('batuta', 'crash', 'p50_ms')} ms after the next process began; none lost, "
        "no result changed.",
        f"- `batuta check` of 1,000 tasks: {shown('batuta', 'check', 'p50_ms')} ms; "
        f"`batuta --help`: {shown('batuta', 'help', 'p50_ms')} ms.",
    ]
    return "\n".join(rows)


def _chains(figures: Figures, names: list[str]) -> str:
    shown, ratio = figures.shown, figures.ratio

    def rate(name: str) -> float | None:
        return figures.median(name, "w3", "tasks_per_s")

    def against(ours: str) -> str:
        return (
            f"{ratio(rate(ours), rate('nats bare'))} times as many hops/s as bare nats-py, "
            f"{ratio(rate(ours), rate('faststream'))} times as many as FastStream, "
            f"{ratio(rate(ours), rate('faststream batches'))} times as many as FastStream in "
            "batches"
        )

    rows = [
        "| | W3: hops/s, 2,000 chains at once | one chain at once, p50 ms | one chain alone: "
        "a hop, p50 ms | p99 ms | CPU per hop at once, us |",
        "|---|---|---|---|---|---|",
    ]
    rows += [
        f"| {figures.name(name)} | {shown(name, 'w3', 'tasks_per_s')} "
        f"| {shown(name, 'w3', 'p50_ms')} | {shown(name, 'w3-alone', 'p50_ms')} "
        f"| {shown(name, 'w3-alone', 'p99_ms')} | {shown(name, 'w3', 'cpu_us_per_task')} |"
        for name in names
    ]
    rows += [
        "",
        f"- On NATS, in one process: {against('batuta nats')}.",
        f"- On NATS, a process per participant: {against('batuta nats, five processes')}.",
        "- Every message on NATS costs the server a sync of its disk, whoever publishes it "
        "(`sync_interval: always`, one replica); its own CPU is not in the table: "
        f"{shown('nats bare', 'w3', 'server_cpu_us_per_task')} us per hop under bare nats-py, "
        f"{shown('batuta nats', 'w3', 'server_cpu_us_per_task')} under us.",
    ]
    return "\n".join(rows)


def _cost(figures: Figures) -> str:
    conducted = figures.median("batuta", "w1-spread", "cpu_us_per_task")
    rows = ["| ten tasks in sequence | CPU per task, us | times the conductor's |", "|---|---|---|"]
    for told, contender, work in (
        ("by a conductor (W1)", "batuta", "w1-spread"),
        ("choreographed, all of one participant (`w1-single`)", "batuta embedded", "w1-single"),
        ("choreographed, spread over five (`w1-spread`)", "batuta embedded", "w1-spread"),
    ):
        used = figures.median(contender, work, "cpu_us_per_task")
        rows.append(f"| {told} | {_shown(used)} | {figures.ratio(used, conducted)} |")
    return "\n".join(rows)


def _lists(figures: Figures) -> str:
    """How long lists take, and the slowest questions of the last round."""
    line = figures.found["batuta lists/listing"][-1]
    if "skipped" in line:
        return f"Lists were not measured: {line['skipped']}"

    def shown(name: str) -> str:
        return figures.shown("batuta lists", "listing", name)

    rows = [
        f"- A page of 50 out of {line['runs']:,} runs in SQLite, {line['settings']['questions']} "
        "questions (each filter, filters together, the tenth page of each): "
        f"p50 {shown('p50_ms')} ms, p95 {shown('p95_ms')} ms, p99 {shown('p99_ms')} ms.",
        "- The slowest questions, p95 of each in ms: "
        + "; ".join(f"{name} {ms:.0f}" for name, ms in line["settings"]["slowest"].items())
        + ".",
    ]
    return "\n".join(rows)


def _served(figures: Figures) -> str:
    """Requests over HTTP, and what open pages cost and get."""

    def shown(work: str, name: str) -> str:
        return figures.shown("batuta server", work, name)

    rows = [
        "| over HTTP | durable a second | at half of that: p50, ms | p99, ms "
        "| CPU of the server, us | of the client, us |",
        "|---|---|---|---|---|---|",
    ]
    rows += [
        f"| {told} (`{work}`) | {shown(work, 'tasks_per_s')} | {shown(work, 'p50_ms')} "
        f"| {shown(work, 'p99_ms')} | {shown(work, 'server_cpu_us')} "
        f"| {shown(work, 'client_cpu_us')} |"
        for told, work in (("runs started", "http-start"), ("events published", "http-publish"))
    ]
    rows += [
        "",
        f"- With {shown('pages', 'pages')} pages open the engine drives "
        f"{shown('pages', 'tasks_per_s')} tasks/s, {shown('pages', 'share')} times what it does "
        f"without ({shown('pages', 'without_per_s')}); CPU of the server per task, us: "
        f"{shown('pages', 'cpu_us')} and {shown('pages', 'without_cpu_us')}. "
        f"The pages read {shown('pages', 'messages_per_page_s')} changes a second and "
        f"{shown('pages', 'lists_per_page_s')} lists each, in "
        f"{shown('pages', 'reading_share_of_a_processor')} of the other processor's time.",
        f"- From the end of a function to {shown('page-delay', 'pages')} open pages: p50 "
        f"{shown('page-delay', 'p50_ms')} ms, p99 {shown('page-delay', 'p99_ms')} ms; while "
        f"{shown('page-delay', 'others_per_s')} other runs a second are driven and told, p50 "
        f"{shown('page-delay', 'busy_p50_ms')} ms, p99 {shown('page-delay', 'busy_p99_ms')} ms; "
        f"not told within {shown('page-delay', 'waited_s')} s: {shown('page-delay', 'missed')}.",
    ]
    return "\n".join(rows)
