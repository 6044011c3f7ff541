import type { JSX } from "preact";
import { postJson } from "../api/client";
import type { SqlAnswer } from "../api/types";
import { useApi } from "../api/use";
import { serviceColour } from "../lib/colour";
import { count, duration } from "../lib/format";
import { setParams, usePlace } from "../lib/router";
import { figuresOf, figuresStatement, type Figures } from "../lib/spansql";
import { Choice } from "../ui/topbar";
import { ErrorState, Incomplete, Skeleton } from "../ui/states";

const MOST_ROWS = 1000;
type By = "operation" | "service";

const findOf = (row: Figures): string => [`service:${JSON.stringify(row.service_name)}`, ...(row.name ? [`name:${JSON.stringify(row.name)}`] : [])].join(" ");

/** All spans of a large trace by operation or service, counted by the server. */
export function LargeStatistics({ traceId }: { traceId: string }): JSX.Element {
  const by: By = usePlace().params.get("group") === "service" ? "service" : "operation";
  const answer = useApi<SqlAnswer>(`figures ${traceId} ${by}`, (signal) => postJson("/api/v1/sql", { query: figuresStatement(traceId, by, MOST_ROWS) }, signal));
  if (answer.error) return <ErrorState error={answer.error} retry={answer.reload} />;
  if (!answer.data) return <Skeleton rowHeight={30} rows={10} />;
  const rows = answer.data.rows.map(figuresOf);
  return (
    <div class={answer.loading ? "stats stale" : "stats"}>
      <Choice<By> label="Group by" value={by} options={[["operation", "Operation"], ["service", "Service"]]} onChange={(next) => setParams({ group: next === "operation" ? null : next }, "replace")} />
      <Incomplete answers={[answer.data]} />
      <div class="table-scroll">
        <table class="services">
          <thead>
            <tr>
              <th>{by === "service" ? "Service" : "Operation"}</th>
              {["Spans", "Errors", "Total", "p50", "p95", "Longest"].map((label) => (
                <th key={label} class="number">
                  {label}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.slice(0, MOST_ROWS).map((row) => (
              <tr key={findOf(row)} class="service-row">
                <td>
                  <button type="button" class="service-open" title="Find these spans in the timeline" onClick={() => setParams({ tab: null, find: findOf(row) }, "replace")}>
                    <i class="service-dot" style={{ background: serviceColour(row.service_name) }} />
                    <span class="service-text">
                      {row.service_name} {row.name && `· ${row.name}`}
                    </span>
                  </button>
                </td>
                <td class="number">{count(row.spans)}</td>
                <td class={row.errors > 0 ? "number error-text" : "number muted"}>{count(row.errors)}</td>
                {[row.total_ns, row.p50_ns, row.p95_ns, row.max_ns].map((ns, at) => (
                  <td key={at} class="number">
                    {duration(ns)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
        {rows.length > MOST_ROWS && <p class="hint">The first {count(MOST_ROWS)} groups, those with the most time first.</p>}
      </div>
      <p class="hint">Spans that were sent twice count twice here. Own time and the critical path need all spans at once.</p>
    </div>
  );
}
