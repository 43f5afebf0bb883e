// Runs as a table for other programs (CSV, RFC 4180).
import type { Run } from "../../api/types";

const COLUMNS: [string, (run: Run) => unknown][] = [
  ["run", (run) => run.id],
  ["workflow", (run) => run.workflow],
  ["version", (run) => run.version],
  ["control", (run) => run.control],
  ["status", (run) => run.status],
  ["startedAt", (run) => run.startedAt],
  ["endedAt", (run) => run.endedAt ?? ""],
  ["keys", (run) => JSON.stringify(run.keys ?? {})],
  ["error", (run) => run.error?.title ?? ""],
];

export function asCsv(runs: Run[]): string {
  const rows = runs.map((run) => COLUMNS.map(([, of]) => quoted(String(of(run)))).join(","));
  return `${[COLUMNS.map(([name]) => name).join(","), ...rows].join("\r\n")}\r\n`;
}

/** A field that programs for tables read as text: none begins what they would calculate. */
function quoted(text: string): string {
  const plain = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}

export function download(runs: Run[]): void {
  const address = URL.createObjectURL(new Blob([asCsv(runs)], { type: "text/csv" }));
  const link = document.createElement("a");
  link.href = address;
  link.download = "runs.csv";
  link.click();
  URL.revokeObjectURL(address);
}
