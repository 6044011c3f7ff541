import type { JSX } from "preact";
import type { TraceSummary } from "../api/types";
import { asTraceId } from "../lib/query";
import { setParams, usePlace } from "../lib/router";
import type { Search } from "../lib/search";
import { rangeAround } from "../lib/time";
import { BeforeButton } from "../services/red";
import { RedFigures } from "../services/red-figures";
import { useHistogram } from "../services/use-histogram";
import { Incomplete } from "../ui/states";
import { Scatter } from "./scatter";

const HEIGHT = 70;
/** Without a query the list is of traces; their first spans stand for them. */
const ROOTS = "NOT has:parent_span_id";

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
      </div>
      {each ? (
        traces.length > 1 && <Scatter traces={traces} onZoom={zoom} />
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
