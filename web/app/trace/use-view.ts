import { useCallback, useEffect, useMemo, useState } from "preact/hooks";
import type { Timeline, TimelineSpan } from "../api/types";
import { criticalPath, criticalTimes, type CriticalPart } from "../lib/critical";
import { spanFinder } from "../lib/find";
import { errorOrigins } from "../lib/origin";
import { setParams, usePlace } from "../lib/router";
import { ancestors, foldedBy, readFold, visibleRows, type Fold } from "../lib/tree";

/** Some tracers send spans without a name; a row must not look empty. */
export const NAMELESS = "(no name)";

export interface Zoom {
  from: number;
  to: number;
}

/** What is open, chosen and zoomed on a trace's page. Selection, zoom, search and the rule of folding stand in the URL. */
export interface TraceState {
  trace: Timeline;
  rows: number[];
  collapsed: ReadonlySet<number>;
  fold: Fold;
  /** From the earliest start to the latest end. */
  full: Zoom;
  zoom: Zoom;
  zoomed: boolean;
  /** Index of the chosen span, -1 when none is. */
  selected: number;
  find: string;
  matches: number[];
  matchSet: ReadonlySet<number> | null;
  /** Worked out when it is first asked for. */
  critical: () => CriticalPath;
  /** The path is drawn over the bars. */
  showCritical: boolean;
  origins: number[];
  setFind: (text: string) => void;
  setZoom: (zoom: Zoom | null) => void;
  select: (index: number) => void;
  toggle: (index: number) => void;
  setFold: (fold: Fold) => void;
  toggleCritical: () => void;
}

export interface CriticalPath {
  parts: CriticalPart[];
  byIndex: Map<number, CriticalPart[]>;
  times: Map<number, number>;
  indexes: Set<number>;
}

export function useTraceState(trace: Timeline): TraceState {
  const { params } = usePlace();
  const critical = useMemo(() => once(() => readCritical(trace)), [trace]);
  const origins = useMemo(() => errorOrigins(trace.spans), [trace]);
  const fold = readFold(params.get("fold"));
  const [collapsed, setCollapsed] = useState<ReadonlySet<number>>(() => foldedBy(fold, trace.spans, fold === "critical" ? critical().indexes : NONE));
  useEffect(() => setCollapsed(foldedBy(fold, trace.spans, fold === "critical" ? critical().indexes : NONE)), [trace, fold]);
  const find = params.get("find") ?? "";
  const byId = useMemo(() => new Map(trace.spans.map((span, index) => [span.span_id, index] as const)), [trace]);
  const selected = spanIndex(trace, byId, params.get("span"));
  const rows = useMemo(() => visibleRows(trace.spans, collapsed), [trace, collapsed]);
  const full = useMemo(() => fullRange(trace), [trace]);
  const zoom = readZoom(params.get("zoom"), full);
  const matches = useMatches(trace.spans, find);
  const matchSet = useMemo(() => (find.trim() === "" ? null : new Set(matches)), [matches, find]);

  const select = useCallback(
    (index: number): void => {
      const span = trace.spans[index];
      if (!span) {
        setParams({ span: null }, "replace");
        return;
      }
      const closed = ancestors(trace.spans, index).filter((parent) => collapsed.has(parent));
      if (closed.length > 0) setCollapsed(new Set([...collapsed].filter((entry) => !closed.includes(entry))));
      // Two halves of one call may share an id (Zipkin); the number says which one is meant.
      const shared = byId.get(span.span_id) !== index;
      setParams({ span: shared ? `${span.span_id}.${index}` : span.span_id }, "replace");
    },
    [trace, collapsed, byId],
  );
  return {
    trace,
    rows,
    collapsed,
    fold,
    full,
    zoom: zoom ?? full,
    zoomed: zoom !== null,
    selected,
    find,
    matches,
    matchSet,
    critical,
    showCritical: params.get("critical") === "1",
    origins,
    setFind: (text) => setParams({ find: text }, "replace"),
    setZoom: (next) => setParams({ zoom: next ? `${Math.round(next.from)}-${Math.round(next.to)}` : null }, "replace"),
    select,
    toggle: (index) => {
      const next = new Set(collapsed);
      if (!next.delete(index)) next.add(index);
      setCollapsed(next);
    },
    setFold: (next) => {
      // The same rule again takes back what was opened and closed by hand since.
      setCollapsed(foldedBy(next, trace.spans, next === "critical" ? critical().indexes : NONE));
      setParams({ fold: next === "none" ? null : next, critical: next === "critical" ? "1" : params.get("critical") }, "replace");
    },
    toggleCritical: () => setParams({ critical: params.get("critical") === "1" ? null : "1" }, "replace"),
  };
}

const NONE: ReadonlySet<number> = new Set();

function once<T>(make: () => T): () => T {
  let made: { value: T } | null = null;
  return () => (made ??= { value: make() }).value;
}

function readCritical(trace: Timeline): CriticalPath {
  const parts = criticalPath(trace.spans);
  const byIndex = new Map<number, CriticalPart[]>();
  for (const part of parts) {
    const list = byIndex.get(part.index);
    if (list) list.push(part);
    else byIndex.set(part.index, [part]);
  }
  return { parts, byIndex, times: criticalTimes(parts), indexes: new Set(byIndex.keys()) };
}

function spanIndex(trace: Timeline, byId: Map<string, number>, text: string | null): number {
  if (!text) return -1;
  const [id = "", number] = text.split(".");
  if (number !== undefined && trace.spans[Number(number)]?.span_id === id) return Number(number);
  return byId.get(id) ?? -1;
}

/** From the earliest start to the latest end: spans may lie outside of the root's time. */
function fullRange(trace: Timeline): Zoom {
  let from = 0;
  let to = Math.max(1, trace.duration_ns);
  for (const span of trace.spans) {
    from = Math.min(from, span.start_offset_ns);
    to = Math.max(to, span.start_offset_ns + span.duration_ns);
  }
  return { from, to };
}

function readZoom(text: string | null, full: Zoom): Zoom | null {
  const match = /^(-?\d+)-(-?\d+)$/.exec(text ?? "");
  if (!match) return null;
  const from = Math.max(full.from, Number(match[1]));
  const to = Math.min(full.to, Number(match[2]));
  return to > from ? { from, to } : null;
}

function useMatches(spans: TimelineSpan[], find: string): number[] {
  return useMemo(() => {
    const test = spanFinder(find);
    return test ? spans.flatMap((span, index) => (test(span) ? [index] : [])) : [];
  }, [spans, find]);
}
