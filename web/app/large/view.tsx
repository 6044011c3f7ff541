import type { JSX } from "preact";
import { getJson } from "../api/client";
import type { Histogram } from "../api/types";
import { useApi } from "../api/use";
import type { TraceAnalysis, TraceWindow } from "../api/windows";
import { count, duration } from "../lib/format";
import { useKeys, type KeyMap } from "../lib/keys";
import { setParams, usePlace } from "../lib/router";
import { traceSummary } from "../lib/summary";
import { rowOf, type Similar } from "../lib/windowed";
import { ClockToggle, Download, ServiceTimes, Warnings } from "../trace/header";
import { PinMenu } from "../trace/pin";
import { ErrorFact, Fact, OriginFact, ResetZoom, StartFact, TraceSummary, TraceTabs, TraceTitle } from "../trace/title";
import { zoomAround, zoomKeys } from "../trace/zoom";
import { Incomplete, Progress } from "../ui/states";
import { say } from "../ui/toast";
import { FindField, useFind, useSought, type Finding } from "./find";
import { LargeLogs } from "./logs";
import { LargeMinimap } from "./minimap";
import { LargePanel } from "./panel";
import { LargeStatistics } from "./statistics";
import { useLarge, type LargeState } from "./use-large";
import { LargeWaterfall } from "./waterfall";

/** `view=timeline` and the download give no more spans than these. */
const WHOLE_LIMIT = 200_000;
const ERRORS = "status:error";
const TABS = [["spans", "Timeline"], ["stats", "Statistics"], ["logs", "Logs"]] as const;

interface Props {
  head: TraceWindow;
  /** What it was asked for with. */
  similar: Similar;
  /** All spans are on their way: this is what is looked at until then. */
  wholeComes: boolean;
  onReload: () => void;
}

/** A trace too large to be in the page as a whole: its spans come as they are looked at. */
export function LargeTrace({ head, similar, wholeComes, onReload }: Props): JSX.Element {
  const sought = useSought();
  const state = useLarge(head, similar, sought.query, () => {
    say("More spans of this trace have come: loaded again");
    onReload();
  });
  const { params } = usePlace();
  const tab = TABS.find(([name]) => name === params.get("tab"))?.[0] ?? "spans";
  const finding = useFind(state, sought);
  const logCount = useLogCount(head.trace_id);
  const row = rowOf(state.loaded.rows, state.selected);
  const zoomToRow = (): void => {
    if (!row) return;
    state.setZoom(zoomAround(state.startOf(row), state.startOf(row) + row.duration_ns));
  };
  useLargeKeys(state, finding, tab === "spans", zoomToRow);
  return (
    <>
      <Progress active={state.waiting > 0} />
      <LargeHeader state={state} finding={finding} wholeComes={wholeComes} />
      <Incomplete answers={[head, state.partial]} />
      {tab === "spans" && <LargeMinimap state={state} />}
      <div class="toolbar">
        <TraceTabs tabs={TABS} chosen={tab} numbers={{ spans: head.span_count, ...(logCount === null ? {} : { logs: logCount }) }} />
        {tab === "spans" && (
          <span class="toolbar-end">
            {state.zoomed && <ResetZoom onReset={() => state.setZoom(null)} />}
            <button type="button" class="text-button hide-phone" aria-pressed={state.showCritical} title="What the trace waited for (p)" onClick={state.toggleCritical}>
              Critical path
            </button>
            <button type="button" class="text-button hide-phone" aria-pressed={state.similar === "together"} title="Lay similar spans of one parent together (o)" onClick={state.toggleSimilar}>
              Group similar
            </button>
            <FindField state={state} finding={finding} />
          </span>
        )}
      </div>
      {state.error && (
        <p class="hint form-error" role="alert">
          {state.error.message}
        </p>
      )}
      <div class="split">
        <div class="split-main">
          {tab === "spans" && <LargeWaterfall state={state} />}
          {tab === "stats" && <LargeStatistics traceId={head.trace_id} />}
          {tab === "logs" && <LargeLogs state={state} row={row} total={logCount} />}
        </div>
        {row && tab === "spans" && <LargePanel key={row.span_index} state={state} row={row} onClose={() => state.select(null)} onZoom={zoomToRow} />}
      </div>
    </>
  );
}

/** How many log records carry the id of the trace; null until that is known. */
function useLogCount(id: string): number | null {
  const { data } = useApi<Histogram>(`logs of ${id}`, (signal) => getJson("/api/v1/logs/histogram", { query: `trace_id:${id}`, buckets: 1 }, signal));
  return data?.total ?? null;
}

function LargeHeader({ state, finding, wholeComes }: { state: LargeState; finding: Finding; wholeComes: boolean }): JSX.Element {
  const { head, analysis } = state;
  const origin = analysis?.error_origin;
  const [root] = state.loaded.rows;
  const canBeWhole = head.span_count <= WHOLE_LIMIT;
  return (
    <header class="trace-header">
      <TraceSummary text={traceSummary({ ...head, root, origin, services: analysis?.services ?? [] })} />
      <TraceTitle root={root} id={head.trace_id} hasLink>
        <PinMenu id={head.trace_id} />
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
        {origin && <OriginFact service={origin.service_name} name={origin.name} onClick={() => toOrigin(state)} />}
      </div>
      {analysis && analysis.clock_skew.length > 0 && <ClockToggle skew={skewOf(analysis)} asRecorded={!state.adjusted} />}
      {analysis && <ServiceTimes services={analysis.services} />}
      {analysis && <Warnings warnings={analysis.warnings} />}
      <p class="large-note">
        <span>
          Its spans are loaded as you open, scroll and zoom.
          <span class="hide-phone">
            {" "}
            The flame graph, the call tree and colours by attribute need all of them at once
            {canBeWhole ? "." : `: of up to ${count(WHOLE_LIMIT)}.`}
          </span>
        </span>
        {wholeComes ? (
          <span role="status">All {count(head.span_count)} of them are on their way</span>
        ) : (
          canBeWhole && (
            <button type="button" class="text-button" onClick={() => setParams({ whole: "1" })}>
              Load all {count(head.span_count)} spans
            </button>
          )
        )}
      </p>
    </header>
  );
}

function toOrigin(state: LargeState): void {
  const origin = state.analysis?.error_origin;
  if (!origin) return;
  setParams({ tab: null }, "replace");
  state.goTo({ span_index: origin.span_index }).catch(() => undefined);
}

/** Called services whose clocks differ from that of their caller. */
function skewOf({ clock_skew: pairs }: TraceAnalysis): { machines: { name: string; delta_ns: number; spans: number }[]; largest_ns: number } {
  const machines = pairs.map(({ caller, called, skew_ns, calls }) => ({ name: `${called}, called by ${caller},`, delta_ns: skew_ns, spans: calls }));
  machines.sort((a, b) => Math.abs(b.delta_ns) - Math.abs(a.delta_ns));
  return { machines, largest_ns: Math.abs(machines[0]?.delta_ns ?? 0) };
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
    if (here?.row.similar) state.openGroup(here.row);
    if (!here || here.row.similar || here.row.child_count === 0) return;
    if (here.open) go(at + 1);
    else state.toggle(here.row, false);
  };
  const keys: KeyMap = {
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
    x: () => toOrigin(state),
    p: state.toggleCritical,
    o: state.toggleSimilar,
    h: () => state.canHide && state.toggleOnly(),
    n: () => finding.go(1),
    N: () => finding.go(-1),
    z: zoomToRow,
    Home: () => go(0),
    End: () => go(rows.length - 1),
    Escape: () => (state.zoomed && !here ? state.setZoom(null) : state.select(null)),
  };
  useKeys(onSpans ? keys : {});
}
