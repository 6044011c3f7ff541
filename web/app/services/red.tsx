import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { getJson } from "../api/client";
import type { SpanHistogram } from "../api/types";
import { useApi } from "../api/use";
import { duration, percent } from "../lib/format";
import { perSecond, redSeries } from "../lib/red";
import type { Search } from "../lib/search";
import { nanosToMs, rangeAround } from "../lib/time";
import { Incomplete } from "../ui/states";
import { TimeChart } from "../ui/timechart";

const BUCKETS = 60;
/** Spans in which the service was asked for something; those in which it asks others would count its callees. */
const ENTRY = "kind:(SERVER OR CONSUMER)";

type Which = "entry" | "all";

const WHICH: [Which, string][] = [
  ["entry", "Requests"],
  ["all", "All spans"],
];

/** Rate, errors and duration of a service over time. */
export function RedCharts({ query, search }: { query: string; search: Search }): JSX.Element | null {
  const [chosen, setChosen] = useState<Which | null>(null);
  const { start, end } = search.fixed;
  const ask = (asked: string) => (signal: AbortSignal) => getJson<SpanHistogram>("/api/v1/spans/histogram", { query: asked, start, end, buckets: BUCKETS }, signal);
  const entry = useApi<SpanHistogram>(`red ${query} ${search.key}`, ask(`${query} ${ENTRY}`));
  // A service that is never asked, such as a job, has only others.
  const which: Which = chosen ?? (entry.data?.total === 0 ? "all" : "entry");
  const all = useApi<SpanHistogram>(which === "all" ? `red all ${query} ${search.key}` : null, ask(query));
  const { data, error } = which === "entry" ? entry : all;
  if (error) return <p class="hint form-error">{error.message}</p>;
  if (!data) return <div class="red-charts red-waiting" aria-hidden="true" />;
  if (data.total === 0) return null;
  const red = redSeries(data);
  const zoom = (from: number, to: number): void => search.setRange(rangeAround(from, to));
  const shared = { startMs: nanosToMs(data.start_unix_nano), bucketMs: data.bucket_ns / 1e6, onZoom: zoom };
  return (
    <section class="page-part">
      <h2>
        Over time
        <span class="segmented" role="group" aria-label="Which spans">
          {WHICH.map(([name, label]) => (
            <button key={name} type="button" aria-pressed={name === which} onClick={() => setChosen(name)}>
              {label}
            </button>
          ))}
        </span>
      </h2>
      <Incomplete answers={[data]} />
      <div class="red-charts">
        <TimeChart
          {...shared}
          title="Rate"
          headline={perSecond(red.rate)}
          kind="bars"
          format={perSecond}
          series={[
            { name: "failed", colour: "var(--error)", values: red.failed },
            { name: "good", colour: "var(--accent)", values: red.good },
          ]}
        />
        <TimeChart {...shared} title="Errors" headline={percent(red.errors, red.total)} kind="lines" format={(value) => percent(value, 1)} series={[{ name: "failed", colour: "var(--error)", values: red.errorShare }]} />
        <TimeChart
          {...shared}
          title="Duration"
          headline={`p95 up to ${duration(red.worstP95)}`}
          kind="lines"
          format={duration}
          series={[
            { name: "p50", colour: "var(--accent)", values: red.p50 },
            { name: "p95", colour: "var(--service-0)", values: red.p95 },
            { name: "p99", colour: "var(--service-3)", values: red.p99 },
          ]}
        />
      </div>
    </section>
  );
}
