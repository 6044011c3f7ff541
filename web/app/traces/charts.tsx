import type { JSX } from "preact";
import type { TraceSummary } from "../api/types";
import { asTraceId } from "../lib/query";
import { redSeries } from "../lib/red";
import { setParams, usePlace } from "../lib/router";
import type { Search } from "../lib/search";
import { rangeAround } from "../lib/time";
import { RedFigures } from "../services/red-figures";
import { useHistogram } from "../services/use-histogram";
import { BeforeButton } from "../ui/before";
import { Incomplete } from "../ui/states";
import { Scatter, type Area } from "./scatter";

const HEIGHT = 70;
/** Without a query the list is of traces; their first spans stand for them. */
export const ROOTS = "NOT has:parent_span_id";

/** The part of the list that is asked about stands in the address: a link to a finding shows it. */
function mark({ fromMs, toMs, shortest_ns, longest_ns }: Area): void {
  const { start, end } = rangeAround(fromMs, toMs);
  setParams({ diff: `duration>=${whole(shortest_ns)} duration<=${whole(longest_ns)}`, dstart: start, dend: end }, "replace");
}

/** A duration as a person would write it, three digits of it. */
function whole(ns: number): string {
  const unit = ([["s", 1e9], ["ms", 1e6], ["us", 1e3]] as const).find(([, size]) => ns >= size) ?? (["ns", 1] as const);
  return `${Number((ns / unit[1]).toPrecision(3))}${unit[0]}`;
}

/** Above the list: rate, errors and durations of all that match, or the traces of the list one by one. */
export function TraceCharts({ traces, search }: { traces: TraceSummary[]; search: Search }): JSX.Element | null {
  const { params } = usePlace();
  const each = params.get("chart") === "each";
  const query = search.query.trim();
  const asked = each || asTraceId(query) ? null : query === "" ? ROOTS : query;
  const histogram = useHistogram(asked, search);
  const { data } = histogram;
  const zoom = (from: number, to: number): void => search.setRange(rangeAround(from, to));
  // What is wrong with the query is said below, once.
  if (histogram.error?.status === 400 || (!each && data?.total === 0) || (traces.length < 2 && !data)) return null;
  return (
    <section class="trace-charts" aria-label="Over time">
      <div class="trace-charts-head">
        <span class="segmented" role="group" aria-label="Chart">
          <button type="button" aria-pressed={!each} onClick={() => setParams({ chart: null }, "replace")}>
            {query === "" ? "All traces" : "All spans that match"}
          </button>
          <button type="button" aria-pressed={each} onClick={() => setParams({ chart: "each" }, "replace")}>
            Trace by trace
          </button>
        </span>
        {!each && <BeforeButton search={search} />}
        {each && <span class="muted hide-phone">Drag along to zoom, drag a box to ask what those within have in common</span>}
        {!each && data && redSeries(data).errors > 0 && (
          <button type="button" class="text-button hide-phone" title="Which values failed spans have more often than the others" onClick={() => setParams({ diff: "status:error", dstart: null, dend: null }, "replace")}>
            What do the failed have in common?
          </button>
        )}
      </div>
      {each ? (
        traces.length > 1 && <Scatter traces={traces} onZoom={zoom} onMark={mark} />
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
