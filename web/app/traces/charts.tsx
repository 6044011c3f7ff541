import type { JSX } from "preact";
import type { TraceSummary } from "../api/types";
import { usePhone } from "../lib/prefs";
import { asTraceId } from "../lib/query";
import { redSeries } from "../lib/red";
import { setParams, usePlace } from "../lib/router";
import type { Search } from "../lib/search";
import { rangeAround } from "../lib/time";
import { RedFigures } from "../services/red-figures";
import { useHistogram } from "../services/use-histogram";
import { BeforeButton } from "../ui/before";
import { Incomplete } from "../ui/states";
import { RedGroups } from "./groups";
import { HeatmapChart } from "./heatmap";
import { Scatter, type Area } from "./scatter";
import { useHeatmap } from "./use-heatmap";

const HEIGHT = 70;
/** Without a query the list is of traces; their first spans stand for them. */
export const ROOTS = "NOT has:parent_span_id";

/** The part of the list that is asked about stands in the address: a link to a finding shows it. */
function mark({ fromMs, toMs, shortest_ns, longest_ns }: Area): void {
  markClause(`duration>=${whole(shortest_ns)} duration<=${whole(longest_ns)}`, fromMs, toMs);
}

function markClause(clause: string, fromMs: number, toMs: number): void {
  const { start, end } = rangeAround(fromMs, toMs);
  setParams({ diff: clause, dstart: start, dend: end }, "replace");
}

/** A duration as a person would write it, three digits of it. */
function whole(ns: number): string {
  const unit = ([["s", 1e9], ["ms", 1e6], ["us", 1e3]] as const).find(([, size]) => ns >= size) ?? (["ns", 1] as const);
  return `${Number((ns / unit[1]).toPrecision(3))}${unit[0]}`;
}

const CHARTS = ["red", "service", "operation", "heat", "each"] as const;
type Chart = (typeof CHARTS)[number];

/** Above the list: rate, errors and durations of all that match, all of them by time and duration, or the traces of the list one by one. */
export function TraceCharts({ traces, search }: { traces: TraceSummary[]; search: Search }): JSX.Element | null {
  const { params } = usePlace();
  const phone = usePhone();
  const chart: Chart = CHARTS.find((name) => name === params.get("chart")) ?? "red";
  const query = search.query.trim();
  const base = asTraceId(query) ? null : query === "" ? ROOTS : query;
  const histogram = useHistogram(chart === "red" ? base : null, search);
  const heatmap = useHeatmap(chart === "heat" ? base : null, search, phone);
  const { data } = histogram;
  const zoom = (from: number, to: number): void => search.setRange(rangeAround(from, to));
  const total = chart === "red" ? data?.total : chart === "heat" ? heatmap.data?.total : undefined;
  const status = chart === "heat" ? heatmap.error?.status : histogram.error?.status;
  // What is wrong with the query is said below, once.
  if (status === 400 || total === 0 || (traces.length < 2 && !total)) return null;
  return (
    <section class="trace-charts" aria-label="Over time">
      <div class="trace-charts-head">
        <span class="segmented" role="group" aria-label="Chart">
          {([["red", query === "" ? "All traces" : phone ? "All" : "All spans that match"], ["service", "By service"], ["operation", "By operation"], ["heat", "Heatmap"], ["each", "Trace by trace"]] as const).map(([name, label]) => (
            <button key={name} type="button" aria-pressed={chart === name} onClick={() => setParams({ chart: name === "red" ? null : name }, "replace")}>
              {label}
            </button>
          ))}
        </span>
        {chart === "red" && <BeforeButton search={search} />}
        {chart === "heat" && <span class="muted hide-phone">{heatmap.loading ? "Loading durations…" : "Drag a box to ask what those within have in common"}</span>}
        {chart === "each" && <span class="muted hide-phone">Drag along to zoom, drag a box to ask what those within have in common</span>}
        {chart === "red" && data && redSeries(data).errors > 0 && (
          <button type="button" class="text-button hide-phone hide-beside" title="Which values failed spans have more often than the others" onClick={() => setParams({ diff: "status:error", dstart: null, dend: null }, "replace")}>
            What do the failed have in common?
          </button>
        )}
      </div>
      {(chart === "service" || chart === "operation") && base !== null ? (
        <RedGroups by={chart} query={base} search={search} />
      ) : chart === "each" ? (
        traces.length > 1 && <Scatter traces={traces} onZoom={zoom} onMark={mark} />
      ) : chart === "heat" ? (
        <HeatmapChart map={heatmap} onMark={({ fromMs, toMs, clause }) => (clause === "" ? zoom(fromMs, toMs) : markClause(clause, fromMs, toMs))} />
      ) : histogram.error ? (
        <p class="hint form-error">{histogram.error.message}</p>
      ) : data ? (
        <>
          <Incomplete answers={[data, histogram.before?.data]} />
          <RedFigures data={data} before={histogram.before} height={HEIGHT} onZoom={zoom} />
        </>
      ) : (
        <div class="red-charts red-waiting" aria-hidden="true" />
      )}
    </section>
  );
}
