import { useEffect, useMemo, useRef } from "preact/hooks";
import { getJson } from "../api/client";
import type { TraceAnalysis, TraceWindow, WindowRow } from "../api/windows";
import { useApi } from "../api/use";
import { setParams, usePlace } from "../lib/router";
import { placeOf, similarOf, type Similar } from "../lib/windowed";
import { zooming, type Zooming } from "../trace/zoom";
import { say } from "../ui/toast";
import { useWindows, type Located, type Wanted, type Windows } from "./use-windows";

/** What is open, chosen and zoomed on the page of a large trace. Selection, zoom and search stand in the URL. */
export interface LargeState extends Windows, Zooming {
  head: TraceWindow;
  /** What is said of the whole trace, once it has come. */
  analysis: TraceAnalysis | null;
  /** Times are on the clock of the root, as far as clocks disagree. */
  adjusted: boolean;
  startOf: (row: WindowRow) => number;
  showCritical: boolean;
  toggleCritical: () => void;
  similar: Similar;
  toggleSimilar: () => void;
  /** The chosen row by its index; -1 when none is, or when it is not here. */
  selected: number;
  select: (row: WindowRow | null) => void;
  /** Brings a span into the page and chooses it; null, and a word to the user, if it is not in the trace. */
  goTo: (wanted: Wanted) => Promise<Located | null>;
}

export function useLarge(head: TraceWindow, headSimilar: Similar, onGrown: () => void): LargeState {
  const { params } = usePlace();
  const { data: analysis } = useApi<TraceAnalysis>(`analysis ${head.trace_id} ${head.span_count}`, (signal) => getJson(`/api/v1/traces/${head.trace_id}/timeline`, { limit: 1, include: "analysis" }, signal));
  const adjusted = params.get("clock") !== "raw" && analysis !== null && analysis.clock_skew.length > 0;
  const full = useMemo(() => {
    const { start_offset_ns: from, duration_ns } = adjusted && analysis ? analysis.adjusted : { start_offset_ns: 0, duration_ns: head.duration_ns };
    return { from, to: from + Math.max(1, duration_ns) };
  }, [head, adjusted, analysis]);
  const shown = zooming(params.get("zoom"), full);
  const similar = similarOf(params);
  const windows = useWindows(head, headSimilar, { zoom: shown.zoomed ? shown.zoom : null, clock: adjusted ? "adjusted" : "raw", similar }, onGrown);
  const { rows } = windows.loaded;
  const wanted = params.get("span");
  const chosen = useMemo(() => chosenRow(rows, wanted), [rows, wanted]);
  const select = (row: WindowRow | null): void => setParams({ span: row ? `${row.similar ? SIMILAR : ""}${row.span_id}.${row.span_index}` : null }, "replace");
  const goTo = async (span: Wanted): Promise<Located | null> => {
    const located = await windows.locate(span);
    if (located) select(located.row);
    else if (!("query" in span)) say("The span in the address is not in this trace");
    return located;
  };
  // A link names a span that no window has shown yet.
  const tried = useRef<string | null>(null);
  useEffect(() => {
    if (!wanted || chosen || tried.current === wanted) return;
    tried.current = wanted;
    const [id = ""] = wanted.split(".");
    if (/^[0-9a-f]{16}$/.test(id)) goTo({ span_id: id }).catch(() => say("The span in the address could not be looked up"));
  }, [wanted, chosen]);
  const showCritical = params.get("critical") === "1";
  return {
    ...windows,
    ...shown,
    head,
    analysis,
    adjusted,
    startOf: (row) => (adjusted ? row.adjusted_start_offset_ns : row.start_offset_ns),
    showCritical,
    toggleCritical: () => setParams({ critical: showCritical ? null : "1" }, "replace"),
    similar,
    toggleSimilar: () => setParams({ similar: similar === "together" ? "0" : null }, "replace"),
    selected: chosen?.span_index ?? -1,
    select,
    goTo,
  };
}

/** Before the id of the first span, for the group it stands in. */
const SIMILAR = "similar:";

/** By its id; the number tells two halves of one call apart that share it (Zipkin). */
function chosenRow(rows: readonly WindowRow[], text: string | null): WindowRow | null {
  if (!text) return null;
  const isGroup = text.startsWith(SIMILAR);
  const [id = "", number] = text.slice(isGroup ? SIMILAR.length : 0).split(".");
  const isIt = (row: WindowRow | undefined): boolean => row?.span_id === id && (row.similar !== null) === isGroup;
  const byPlace = number === undefined ? undefined : rows[placeOf(rows, Number(number))];
  return isIt(byPlace) ? (byPlace ?? null) : (rows.find(isIt) ?? null);
}
