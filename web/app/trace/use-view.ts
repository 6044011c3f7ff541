import { useCallback, useMemo, useState } from "preact/hooks";
import type { Timeline, TimelineSpan } from "../api/types";
import { setParams, usePlace } from "../lib/router";
import { ancestors, collapsibleBelowRoots, visibleRows } from "../lib/tree";

/** Some tracers send spans without a name; a row must not look empty. */
export const NAMELESS = "(no name)";

export interface Zoom {
  from: number;
  to: number;
}

/** What is open, chosen and zoomed on a trace's page. Selection and zoom stand in the URL. */
export interface TraceState {
  trace: Timeline;
  rows: number[];
  collapsed: ReadonlySet<number>;
  /** From the earliest start to the latest end. */
  full: Zoom;
  zoom: Zoom;
  zoomed: boolean;
  /** Index of the chosen span, -1 when none is. */
  selected: number;
  find: string;
  matches: number[];
  matchSet: ReadonlySet<number> | null;
  setFind: (text: string) => void;
  setZoom: (zoom: Zoom | null) => void;
  select: (index: number) => void;
  toggle: (index: number) => void;
  collapseAll: () => void;
  expandAll: () => void;
}

export function useTraceState(trace: Timeline): TraceState {
  const { params } = usePlace();
  const [collapsed, setCollapsed] = useState<ReadonlySet<number>>(new Set());
  const [find, setFind] = useState("");
  const byId = useMemo(() => new Map(trace.spans.map((span, index) => [span.span_id, index] as const)), [trace]);
  const spanId = params.get("span");
  const selected = spanIndex(trace, byId, spanId);
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
    full,
    zoom: zoom ?? full,
    zoomed: zoom !== null,
    selected,
    find,
    matches,
    matchSet,
    setFind,
    setZoom: (next) => setParams({ zoom: next ? `${Math.round(next.from)}-${Math.round(next.to)}` : null }, "replace"),
    select,
    toggle: (index) => {
      const next = new Set(collapsed);
      if (!next.delete(index)) next.add(index);
      setCollapsed(next);
    },
    collapseAll: () => setCollapsed(collapsibleBelowRoots(trace.spans)),
    expandAll: () => setCollapsed(new Set()),
  };
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

/** Text of each span, made once and only when somebody searches. */
const searchText = new WeakMap<TimelineSpan, string>();

function textOfSpan(span: TimelineSpan): string {
  let text = searchText.get(span);
  if (text === undefined) {
    text = [span.service_name, span.name, span.span_id, span.status_message ?? "", JSON.stringify(span.attributes), ...span.events.map((event) => event.name)].join("\n").toLowerCase();
    searchText.set(span, text);
  }
  return text;
}

function useMatches(spans: TimelineSpan[], find: string): number[] {
  return useMemo(() => {
    const needle = find.trim().toLowerCase();
    if (needle === "") return [];
    const found: number[] = [];
    spans.forEach((span, index) => {
      if (textOfSpan(span).includes(needle)) found.push(index);
    });
    return found;
  }, [spans, find]);
}
