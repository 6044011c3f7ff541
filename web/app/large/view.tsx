import type { JSX } from "preact";
import { getJson } from "../api/client";
import type { FailurePage } from "../api/groups";
import type { TraceWindow } from "../api/types";
import { useApi } from "../api/use";
import { count, duration } from "../lib/format";
import { useKeys } from "../lib/keys";
import { href, setParams, usePlace } from "../lib/router";
import { rowOf } from "../lib/windowed";
import { Download } from "../trace/header";
import { ErrorFact, Fact, OriginFact, ResetZoom, StartFact, TraceTabs, TraceTitle } from "../trace/title";
import { zoomAround, zoomKeys } from "../trace/zoom";
import { Incomplete, Progress } from "../ui/states";
import { say } from "../ui/toast";
import { FindField, useFind, type Finding } from "./find";
import { LargeMinimap } from "./minimap";
import { LargePanel } from "./panel";
import { LargeStatistics } from "./statistics";
import { useLarge, type LargeState } from "./use-large";
import { LargeWaterfall } from "./waterfall";

/** `view=timeline` and the download give no more spans than these. */
const WHOLE_LIMIT = 200_000;
const ERRORS = "status:error";
const TABS = [["spans", "Timeline"], ["stats", "Statistics"]] as const;

interface Props {
  head: TraceWindow;
  onReload: () => void;
}

/** A trace too large to be in the page as a whole: its spans come as they are looked at. */
export function LargeTrace({ head, onReload }: Props): JSX.Element {
  const state = useLarge(head, () => {
    say("More spans of this trace have come: loaded again");
    onReload();
  });
  const { params } = usePlace();
  const tab = params.get("tab") === "stats" ? "stats" : "spans";
  const finding = useFind(state);
  const row = rowOf(state.loaded.rows, state.selected);
  const zoomToRow = (): void => {
    if (!row) return;
    state.setZoom(zoomAround(row.start_offset_ns, row.start_offset_ns + row.duration_ns));
  };
  useLargeKeys(state, finding, tab === "spans", zoomToRow);
  return (
    <>
      <Progress active={state.waiting > 0} />
      <LargeHeader state={state} finding={finding} />
      <Incomplete answers={[head, state.partial]} />
      {tab === "spans" && <LargeMinimap state={state} />}
      <div class="toolbar">
        <TraceTabs tabs={TABS} chosen={tab} numbers={{ spans: head.span_count }} />
        <a class="text-button toolbar-link" href={href("/logs", { q: `trace_id:${head.trace_id}`, order: "asc" })}>
          Its logs
        </a>
        {tab === "spans" && (
          <span class="toolbar-end">
            {state.zoomed && <ResetZoom onReset={() => state.setZoom(null)} />}
            <FindField finding={finding} />
          </span>
        )}
      </div>
      {state.error && (
        <p class="hint form-error" role="alert">
          {state.error.message}
        </p>
      )}
      <div class="split">
        <div class="split-main">{tab === "spans" ? <LargeWaterfall state={state} /> : <LargeStatistics traceId={head.trace_id} />}</div>
        {row && tab === "spans" && <LargePanel key={row.span_index} state={state} row={row} onClose={() => state.select(null)} onZoom={zoomToRow} />}
      </div>
    </>
  );
}

function LargeHeader({ state, finding }: { state: LargeState; finding: Finding }): JSX.Element {
  const { head } = state;
  const [root] = state.loaded.rows;
  const canBeWhole = head.span_count <= WHOLE_LIMIT;
  return (
    <header class="trace-header">
      <TraceTitle root={root} id={head.trace_id} hasLink>
        {canBeWhole && <Download id={head.trace_id} file={null} />}
      </TraceTitle>
      <div class="facts">
        <dl class="facts">
          <Fact label="Duration" value={duration(head.duration_ns)} strong />
          <StartFact nanos={head.start_time_unix_nano} />
          <Fact label="Spans" value={count(head.span_count)} />
          <Fact label="Depth" value={count(head.depth)} />
        </dl>
        <ErrorFact errors={head.error_count} onNext={() => finding.seek(ERRORS)} />
        {head.error_count > 0 && canBeWhole && <Origin state={state} />}
      </div>
      <p class="large-note">
        <span>
          Its spans are loaded as you open, scroll and zoom, with times as they were sent.
          <span class="hide-phone">
            {" "}
            The flame graph, the call tree, the critical path, own times by service{canBeWhole ? "" : ", where the error began"} and colours by attribute need all of them at once
            {canBeWhole ? "." : `: of up to ${count(WHOLE_LIMIT)}.`}
          </span>
        </span>
        {canBeWhole && (
          <button type="button" class="text-button" onClick={() => setParams({ whole: "1" })}>
            Load all {count(head.span_count)} spans
          </button>
        )}
      </p>
    </header>
  );
}

/** Where the error began, as the list of failures tells it. */
function Origin({ state }: { state: LargeState }): JSX.Element | null {
  const id = state.head.trace_id;
  const { data } = useApi<FailurePage>(`origin ${id}`, (signal) => getJson("/api/v1/failures", { query: `trace_id:${id}`, limit: 1 }, signal));
  const failure = data?.complete ? data.failures[0] : undefined;
  const sample = failure?.samples[0];
  if (!failure || !sample) return null;
  return <OriginFact service={failure.service_name} name={failure.name} onClick={() => setParams({ span: sample.span_id, tab: null }, "replace")} />;
}

function useLargeKeys(state: LargeState, finding: Finding, onSpans: boolean, zoomToRow: () => void): void {
  const rows = state.items.flatMap((item) => (item.kind === "row" ? [item] : []));
  const at = rows.findIndex(({ row }) => row.span_index === state.selected);
  const here = rows[at];
  const go = (to: number): void => {
    const next = rows[Math.min(rows.length - 1, Math.max(0, to))];
    if (next) state.select(next.row);
  };
  const left = (): void => {
    if (!here) return;
    if (here.open) state.toggle(here.row, true);
    else state.select(rowOf(state.loaded.rows, here.row.parent_index) ?? here.row);
  };
  const right = (): void => {
    if (!here || here.row.child_count === 0) return;
    if (here.open) go(at + 1);
    else state.toggle(here.row, false);
  };
  const keys: Record<string, () => unknown> = {
    j: () => go(at + 1),
    ArrowDown: () => go(at + 1),
    k: () => go(at - 1),
    ArrowUp: () => go(at - 1),
    ArrowLeft: left,
    ArrowRight: right,
    "[": state.closeAll,
    "]": state.openAll,
    ...zoomKeys(state),
    e: () => state.head.error_count > 0 && finding.seek(ERRORS),
    n: () => finding.go(1),
    N: () => finding.go(-1),
    z: zoomToRow,
    Home: () => go(0),
    End: () => go(rows.length - 1),
    Escape: () => (state.zoomed && !here ? state.setZoom(null) : state.select(null)),
  };
  useKeys(Object.fromEntries(Object.entries(keys).map(([key, act]) => [key, () => onSpans && act()])));
}
