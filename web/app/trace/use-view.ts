import { useEffect, useMemo } from "preact/hooks";
import type { Timeline, TimelineSpan } from "../api/types";
import { criticalPath, criticalTimes, type CriticalPart } from "../lib/critical";
import { spanFinder } from "../lib/find";
import { errorOrigins } from "../lib/origin";
import { colouring, type ColourBy, type Colouring } from "../lib/paintby";
import { setParams, usePlace } from "../lib/router";
import { sameIds, type SameId } from "../lib/sameid";
import { nameOf, placeOf, placesOf, SIMILAR, type Places } from "../lib/toggles";
import { useRows, type Rows } from "./use-rows";
import { zooming, type Zoom, type Zooming } from "./zoom";

/** Some tracers send spans without a name; a row must not look empty. */
export const NAMELESS = "(no name)";

/** What is open, chosen and zoomed on a trace's page. Selection, zoom, search and the rule of folding stand in the URL. */
export interface TraceState extends Rows, Zooming {
  trace: Timeline;
  /** The chosen row: index of a span, or that of a group; -1 when none is. */
  selected: number;
  find: string;
  matches: number[];
  matchSet: ReadonlySet<number> | null;
  /** Worked out when it is first asked for. */
  critical: () => CriticalPath;
  /** The path is drawn over the bars. */
  showCritical: boolean;
  origins: number[];
  /** Those that have their id not alone. */
  sameIds: ReadonlyMap<number, SameId>;
  colours: Colouring;
  colourBy: ColourBy;
  setColourBy: (by: ColourBy) => void;
  setFind: (text: string) => void;
  select: (row: number) => void;
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
  const shared = useMemo(() => sameIds(trace.spans), [trace]);
  const find = params.get("find") ?? "";
  const matches = useMatches(trace.spans, find);
  const matchSet = useMemo(() => (find.trim() === "" ? null : new Set(matches)), [matches, find]);
  const places = useMemo(() => placesOf(trace.spans), [trace]);
  const rows = useRows(trace, places, () => critical().indexes, matchSet);
  const selected = chosenRow(trace, places, rows, params.get("span"));
  const colourBy = params.get("colour") ?? "service";
  const colours = useMemo(() => colouring(trace.spans, colourBy), [trace, colourBy]);
  const full = useMemo(() => fullRange(trace), [trace]);

  const select = (row: number): void => {
    const group = rows.groupAt(row);
    const span = trace.spans[group?.members[0] ?? row];
    if (!span) {
      setParams({ span: null }, "replace");
      return;
    }
    if (!group) rows.reveal(row);
    setParams({ span: group ? SIMILAR + span.span_id : nameOf(trace.spans, places, row) }, "replace");
  };
  // A link to a span may lead into what is closed or laid together.
  useEffect(() => {
    if (selected >= 0 && !rows.groupAt(selected)) rows.reveal(selected);
  }, [trace]);
  return {
    ...rows,
    trace,
    ...zooming(params.get("zoom"), full),
    selected,
    find,
    matches,
    matchSet,
    critical,
    showCritical: params.get("critical") === "1",
    origins,
    sameIds: shared,
    setFind: (text) => setParams({ find: text }, "replace"),
    select,
    colours,
    colourBy,
    setColourBy: (by) => setParams({ colour: by === "service" ? null : by }, "replace"),
    toggleCritical: () => setParams({ critical: params.get("critical") === "1" ? null : "1" }, "replace"),
  };
}

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

function chosenRow(trace: Timeline, places: Places, rows: Rows, text: string | null): number {
  if (!text) return -1;
  if (!text.startsWith(SIMILAR)) return placeOf(trace.spans, places, text);
  const group = rows.grouping.groupOf.get(places.get(text.slice(SIMILAR.length)) ?? -1);
  return group === undefined ? -1 : trace.spans.length + group;
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

function useMatches(spans: TimelineSpan[], find: string): number[] {
  return useMemo(() => {
    const test = spanFinder(find);
    return test ? spans.flatMap((span, index) => (test(span) ? [index] : [])) : [];
  }, [spans, find]);
}
