import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { serviceColour } from "../lib/colour";
import { count, duration, percent } from "../lib/format";
import { setParams, usePlace } from "../lib/router";
import { attributeNames, statistics, type StatRow } from "../lib/stats";
import { SortHead } from "../ui/sorthead";
import type { TraceState } from "./use-view";

type Column = Exclude<keyof StatRow, "service">;
const COLUMNS: [Column, string][] = [
  ["count", "Spans"],
  ["errors", "Errors"],
  ["self_ns", "Own time"],
  ["critical_ns", "Critical"],
  ["total_ns", "Total"],
  ["p50_ns", "p50"],
  ["p95_ns", "p95"],
  ["max_ns", "Longest"],
];
const BY: Record<string, string> = { operation: "Operation", service: "Service", kind: "Kind" };
const MOST_ATTRIBUTES = 60;
const MOST_ROWS = 1000;

/** The trace's spans as a table, grouped by service, operation or any attribute. */
export function Statistics({ state }: { state: TraceState }): JSX.Element {
  const { params } = usePlace();
  const by = params.get("group") ?? "operation";
  const { spans } = state.trace;
  const wanted = params.get("sort");
  const sort: Column = wanted === "name" ? "name" : (COLUMNS.find(([column]) => column === wanted)?.[0] ?? "self_ns");
  const attributes = useMemo(() => attributeNames(spans, MOST_ATTRIBUTES), [spans]);
  const rows = useMemo(() => statistics(spans, by, state.critical().times), [spans, by, state.critical]);
  const sorted = useMemo(() => [...rows].sort((a, b) => (sort === "name" ? a.name.localeCompare(b.name) : b[sort] - a[sort])), [rows, sort]);
  const whole = rows.reduce((sum, row) => sum + row.self_ns, 0);
  const setSort = (column: string): void => setParams({ sort: column === "self_ns" ? null : column }, "replace");
  const find = (row: StatRow): string => {
    const value = JSON.stringify(by === "operation" ? row.name.split(" · ").slice(1).join(" · ") : row.name);
    const field = by === "operation" ? "name" : by;
    return by === "operation" && row.service ? `service:${JSON.stringify(row.service)} ${field}:${value}` : `${field}:${value}`;
  };
  return (
    <div class="stats">
      <label class="flame-head">
        Group by
        <select class="text-button" value={by} onChange={(event) => setParams({ group: event.currentTarget.value === "operation" ? null : event.currentTarget.value }, "replace")}>
          {["operation", "service", "kind", ...attributes].map((name) => (
            <option key={name} value={name}>
              {BY[name] ?? name}
            </option>
          ))}
        </select>
      </label>
      <div class="table-scroll">
        <table class="services">
          <thead>
            <tr>
              <SortHead label={BY[by] ?? by} column="name" sort={sort} onSort={setSort} ascending />
              {COLUMNS.map(([column, label]) => (
                <SortHead key={column} label={label} column={column} sort={sort} onSort={setSort} number />
              ))}
            </tr>
          </thead>
          <tbody>
            {sorted.slice(0, MOST_ROWS).map((row) => (
              <tr key={row.name} class="service-row">
                <td>
                  <button type="button" class="service-open" title="Find these spans in the timeline" onClick={() => setParams({ tab: null, find: find(row) }, "replace")}>
                    {row.service && <i class="service-dot" style={{ background: serviceColour(row.service) }} />}
                    <span class="service-text">{row.name}</span>
                  </button>
                </td>
                <td class="number">{count(row.count)}</td>
                <td class={row.errors > 0 ? "number error-text" : "number muted"}>{count(row.errors)}</td>
                <td class="number bar-cell">
                  <i class="cell-bar" style={{ width: `${whole > 0 ? (row.self_ns / whole) * 100 : 0}%` }} />
                  <span title={percent(row.self_ns, whole)}>{duration(row.self_ns)}</span>
                </td>
                <td class="number">{row.critical_ns > 0 ? duration(row.critical_ns) : <span class="muted">–</span>}</td>
                {(["total_ns", "p50_ns", "p95_ns", "max_ns"] as const).map((column) => (
                  <td key={column} class="number">
                    {duration(row[column])}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
        {sorted.length > MOST_ROWS && <p class="hint">The first {count(MOST_ROWS)} of {count(sorted.length)} groups.</p>}
      </div>
    </div>
  );
}
