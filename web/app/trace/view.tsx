import type { JSX } from "preact";
import { useMemo, useState } from "preact/hooks";
import { getJson } from "../api/client";
import type { LogPage, LogRecord, Timeline } from "../api/types";
import type { TraceWindow } from "../api/windows";
import { useApi, type Loaded } from "../api/use";
import { plural } from "../lib/format";
import { useKeys, type KeyMap } from "../lib/keys";
import { href, navigate, setParams, usePlace } from "../lib/router";
import { anyIdQuery, asTraceId } from "../lib/query";
import { knownSize } from "../lib/sizes";
import { withoutSkew } from "../lib/skew";
import { lazyView } from "../ui/lazy";
import { EmptyState, ErrorState, Incomplete, Progress, Skeleton } from "../ui/states";
import { CallTree } from "./calls";
import { ColourLegend } from "./colours";
import { Flame } from "./flame";
import { GroupPanel } from "./group-panel";
import { TraceHeader, type TraceFile } from "./header";
import { TraceLogs } from "./logs";
import { Minimap } from "./minimap";
import { SpanPanel } from "./panel";
import { Statistics } from "./statistics";
import { similarOf } from "../lib/windowed";
import { Toolbar } from "./toolbar";
import { useAround } from "./use-around";
import { useLateSpans } from "./use-late";
import { useTraceState, type TraceState } from "./use-view";
import { Waterfall } from "./waterfall";
import { zoomAround, zoomKeys } from "./zoom";

/** Log records fetched with a trace; the Logs tab says so when there are more. */
export const LOG_LIMIT = 1000;

/** More spans than these are not held in the page at once, unless somebody asks for it. */
export const WHOLE_SPANS = 20_000;
/** Rows of the first look, which is all that is loaded of a large trace. */
const FIRST_ROWS = 1000;

// Few traces are so large.
const loadLarge = async () => (await import("../large/view")).LargeTrace;
const LargeTrace = lazyView(loadLarge);
const TraceGraph = lazyView(async () => (await import("./graph")).TraceGraph);

export function TraceView({ id }: { id: string }): JSX.Element {
  const { params } = usePlace();
  const whole = params.get("whole") === "1";
  // How large a trace is, is known from a list or only when it is looked at; a window of it costs little, however large.
  const [isSmall] = useState(() => (knownSize(id) ?? Number.POSITIVE_INFINITY) <= WHOLE_SPANS);
  const [similar] = useState(() => similarOf(params));
  const head = useApi<TraceWindow>(isSmall ? null : id, (signal) => {
    void loadLarge().catch(() => undefined);
    return getJson(`/api/v1/traces/${encodeURIComponent(id)}/timeline`, { limit: FIRST_ROWS, similar }, signal);
  });
  const isLarge = head.data !== null && head.data.span_count > WHOLE_SPANS;
  const timeline = useApi<Timeline>(isSmall || (head.data && (whole || !isLarge)) ? id : null, (signal) => getJson(`/api/v1/traces/${encodeURIComponent(id)}`, { view: "timeline" }, signal));
  if (timeline.data && (whole || !isLarge)) return <WholeTrace trace={timeline.data} timeline={timeline} />;
  const failed = timeline.error ? timeline : head.error ? head : null;
  return (
    <main class="view">
      <Progress active={head.loading || timeline.loading} />
      {failed ? (
        <Failed id={id} answer={failed} />
      ) : head.data && isLarge ? (
        <LargeTrace key={head.data.span_count} head={head.data} similar={similar} wholeComes={timeline.loading} onReload={head.reload} />
      ) : (
        <Skeleton rowHeight={24} rows={28} />
      )}
    </main>
  );
}

function WholeTrace({ trace, timeline }: { trace: Timeline; timeline: Loaded<Timeline> }): JSX.Element {
  const logs = useApi<LogPage>(trace.log_count > 0 ? `logs ${trace.trace_id}` : null, (signal) =>
    getJson("/api/v1/logs", { query: `trace_id:${trace.trace_id}`, order: "asc", limit: LOG_LIMIT }, signal),
  );
  return (
    <main class="view">
      <Progress active={timeline.loading || logs.loading} />
      <TracePage trace={trace} logs={logs} file={null} onReload={timeline.reload} />
    </main>
  );
}

export function Failed({ id, answer }: { id: string; answer: Pick<Loaded<unknown>, "error" | "reload"> }): JSX.Element {
  if (!answer.error) return <></>;
  if (answer.error.status !== 404) {
    return (
      <>
        <h1 class="sr-only">Trace {id}</h1>
        <ErrorState error={answer.error} retry={answer.reload} />
      </>
    );
  }
  return (
    <EmptyState title="This trace is not here" isPage>
      <p>
        No span of <code>{id}</code> is stored. Its spans may still be on their way, or it is older than the retention.
      </p>
      <div class="state-actions">
        <button type="button" class="button" onClick={answer.reload}>
          Look again
        </button>
        {asTraceId(id) && (
          <a class="button" href={href("/logs", { q: anyIdQuery(id) })}>
            Look for it in logs
          </a>
        )}
        <a class="button" href={href("/traces")}>
          All traces
        </a>
      </div>
    </EmptyState>
  );
}

const TABS = ["spans", "flame", "calls", "graph", "stats", "logs"] as const;
export type TraceTab = (typeof TABS)[number];

interface PageProps {
  trace: Timeline;
  logs: Loaded<LogPage>;
  file: TraceFile | null;
  /** Loads it once more. */
  onReload?: () => void;
}

/** A trace, wherever it came from. */
export function TracePage({ trace: raw, logs, file, onReload }: PageProps): JSX.Element {
  const skew = useMemo(() => withoutSkew(raw), [raw]);
  const asRecorded = usePlace().params.get("clock") === "raw";
  const trace = skew && !asRecorded ? skew.trace : raw;
  const state = useTraceState(trace);
  const { params } = usePlace();
  const tab = TABS.find((name) => name === params.get("tab")) ?? "spans";
  const detail = params.get("detail") !== "0";
  const records = logs.data?.logs ?? [];
  const logsBySpan = useMemo(() => bySpan(records), [logs.data]);
  useTraceKeys(state, tab, file !== null);
  const span = trace.spans[state.selected];
  const group = state.groupAt(state.selected);
  const late = useLateSpans(raw, onReload !== undefined);
  const around = useAround(raw, file === null && span !== undefined);
  return (
    <>
      <TraceHeader trace={trace} file={file} skew={skew} asRecorded={asRecorded} origins={state.origins} onJumpToError={() => jumpToError(state)} onJumpToOrigin={() => jumpToOrigin(state)} />
      <Incomplete answers={[trace, logs.data]} />
      {late > 0 && <LateSpans late={late} onReload={onReload} />}
      {tab === "spans" && trace.spans.length > 1 && <Minimap state={state} />}
      <Toolbar state={state} tab={tab} logCount={trace.log_count} />
      {tab === "spans" && <ColourLegend state={state} />}
      <div class="split">
        <div class="split-main">
          {tab === "spans" && <Waterfall state={state} logsBySpan={logsBySpan} />}
          {tab === "flame" && <Flame state={state} />}
          {tab === "calls" && <CallTree state={state} />}
          {tab === "graph" && <TraceGraph state={state} />}
          {tab === "stats" && <Statistics state={state} />}
          {tab === "logs" && <TraceLogs state={state} logs={records} total={trace.log_count} loading={logs.loading} error={logs.error} retry={logs.reload} />}
        </div>
        {span && detail && tab === "spans" && (
          <SpanPanel key={state.selected} state={state} span={span} around={around} isFile={file !== null} logs={logsBySpan.get(span.span_id) ?? []} onClose={() => state.select(-1)} onZoom={() => zoomToSpan(state)} />
        )}
        {group && detail && tab === "spans" && <GroupPanel key={state.selected} state={state} group={group} onClose={() => state.select(-1)} onZoom={() => zoomToSpan(state)} />}
      </div>
    </>
  );
}

function LateSpans({ late, onReload }: { late: number; onReload: (() => void) | undefined }): JSX.Element {
  return (
    <p class="late" role="status">
      {plural(late, "more span has", "more spans have")} come since.
      <button type="button" class="text-button" onClick={onReload}>
        Load them
      </button>
    </p>
  );
}

function bySpan(records: LogRecord[]): Map<string, LogRecord[]> {
  const map = new Map<string, LogRecord[]>();
  for (const record of records) {
    if (!record.span_id) continue;
    const list = map.get(record.span_id);
    if (list) list.push(record);
    else map.set(record.span_id, [record]);
  }
  return map;
}

/** The next span in error after the chosen one, round to the first. */
function jumpToError(state: TraceState): void {
  const { spans } = state.trace;
  for (let step = 1; step <= spans.length; step += 1) {
    const index = (state.selected + step) % spans.length;
    if (spans[index]?.status_code === "ERROR") {
      state.select(index);
      return;
    }
  }
}

/** The span in error without another below it; again, and it is the next of them. */
function jumpToOrigin(state: TraceState): void {
  const { origins } = state;
  const next = origins[(origins.indexOf(state.selected) + 1) % Math.max(1, origins.length)];
  if (next !== undefined) state.select(next);
}

function zoomToSpan(state: TraceState): void {
  const group = state.groupAt(state.selected);
  const span = state.trace.spans[state.selected];
  if (!span && !group) return;
  const from = group ? group.start_ns : (span?.start_offset_ns ?? 0);
  const to = group ? group.end_ns : from + (span?.duration_ns ?? 0);
  state.setZoom(zoomAround(from, to));
}

function stepMatch(state: TraceState, by: 1 | -1): void {
  if (state.matches.length === 0) return;
  const next = by === 1 ? state.matches.find((index) => index > state.selected) : state.matches.findLast((index) => index < state.selected);
  state.select(next ?? (by === 1 ? state.matches[0] : state.matches.at(-1)) ?? -1);
}

function stepRow(state: TraceState, by: 1 | -1): void {
  const at = state.rows.indexOf(state.selected);
  const next = state.rows[at === -1 ? 0 : Math.min(state.rows.length - 1, Math.max(0, at + by))];
  if (next !== undefined) state.select(next);
}

function useTraceKeys(state: TraceState, tab: TraceTab, isFile: boolean): void {
  const { spans } = state.trace;
  const hasBelow = (row: number): boolean => state.groupAt(row) !== null || (spans[row]?.child_count ?? 0) > 0;
  const left = (): void => {
    const { selected } = state;
    if (selected === -1) return;
    if (hasBelow(selected) && state.isOpen(selected)) state.toggle(selected);
    else state.select(state.rowAbove(selected) === -1 ? selected : state.rowAbove(selected));
  };
  const right = (): void => {
    const { selected } = state;
    if (!hasBelow(selected)) return;
    if (!state.isOpen(selected)) state.toggle(selected);
    else stepRow(state, 1);
  };
  const onSpans: KeyMap = {
    j: () => stepRow(state, 1),
    ArrowDown: () => stepRow(state, 1),
    k: () => stepRow(state, -1),
    ArrowUp: () => stepRow(state, -1),
    ArrowLeft: left,
    ArrowRight: right,
    "[": () => state.setFold("all"),
    "]": () => state.setFold("none"),
    e: () => jumpToError(state),
    x: () => jumpToOrigin(state),
    o: state.toggleSimilar,
    p: state.toggleCritical,
    h: () => state.matchSet !== null && state.toggleOnly(),
    ...zoomKeys(state),
    Home: () => state.select(state.rows[0] ?? -1),
    End: () => state.select(state.rows.at(-1) ?? -1),
    n: () => stepMatch(state, 1),
    N: () => stepMatch(state, -1),
    z: () => zoomToSpan(state),
    Enter: () => setParams({ detail: new URLSearchParams(window.location.search).get("detail") === "0" ? null : "0" }, "replace"),
    Escape: () => (state.zoomed && state.selected === -1 ? state.setZoom(null) : state.select(-1)),
  };
  const everywhere: KeyMap = { m: () => !isFile && navigate(href("/compare", { left: "median", right: state.trace.trace_id })) };
  // Other tabs have their own use for the same keys.
  useKeys(tab === "spans" ? { ...onSpans, ...everywhere } : everywhere);
}
