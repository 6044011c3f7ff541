import { useEffect, useMemo, useRef } from "preact/hooks";
import { getJson } from "../api/client";
import type { TraceAnalysis, TraceWindow, WindowRow } from "../api/windows";
import { useApi } from "../api/use";
import { nameOf, readName } from "../lib/byhand";
import { setParams, usePlace } from "../lib/router";
import { SIMILAR } from "../lib/toggles";
import { placeOf, similarOf, type Similar } from "../lib/windowed";
import { zooming, type Zooming } from "../trace/zoom";
import { say } from "../ui/toast";
import type { Wanted } from "./use-requests";
import { useWindows, type Located, type Windows } from "./use-windows";

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
  /** Whether something is looked for, and whether nothing else is shown, but what is above it. */
  canHide: boolean;
  onlyFound: boolean;
  toggleOnly: () => void;
  /** The chosen row by its index; -1 when none is, or when it is not here. */
  selected: number;
  select: (row: WindowRow | null) => void;
  /** Brings a span into the page and chooses it; null, and a word to the user, if it is not in the trace. */
  goTo: (wanted: Wanted) => Promise<Located | null>;
}

/** `query`: what is looked for, in the server's language. */
export function useLarge(head: TraceWindow, headSimilar: Similar, query: string | null, onGrown: () => void): LargeState {
  const { params } = usePlace();
  const { data: analysis } = useApi<TraceAnalysis>(`analysis ${head.trace_id} ${head.span_count}`, (signal) => getJson(`/api/v1/traces/${head.trace_id}/timeline`, { limit: 1, include: "analysis" }, signal));
  const adjusted = params.get("clock") !== "raw" && analysis !== null && analysis.clock_skew.length > 0;
  const full = useMemo(() => {
    const { start_offset_ns: from, duration_ns } = adjusted && analysis ? analysis.adjusted : { start_offset_ns: 0, duration_ns: head.duration_ns };
    return { from, to: from + Math.max(1, duration_ns) };
  }, [head, adjusted, analysis]);
  const shown = zooming(params.get("zoom"), full);
  const similar = similarOf(params);
  const onlyFound = params.get("only") === "1" && query !== null;
  const wanted = params.get("span");
  const windows = useWindows(head, headSimilar, { zoom: shown.zoomed ? shown.zoom : null, clock: adjusted ? "adjusted" : "raw", similar, only: onlyFound ? query : null }, readName(wanted ?? ""), onGrown);
  const { rows } = windows.loaded;
  const chosen = useMemo(() => chosenRow(rows, wanted), [rows, wanted]);
  const select = (row: WindowRow | null): void => setParams({ span: row ? nameOfRow(row) : null }, "replace");
  // The name in the address that was gone to already.
  const tried = useRef<string | null>(null);
  const goTo = async (span: Wanted): Promise<Located | null> => {
    const located = await windows.locate(span);
    if (located?.hidden) {
      // What is hidden is asked for: then nothing is, and it is gone to once the rows have come.
      tried.current = null;
      setParams({ only: null, span: nameOfRow(located.row) }, "replace");
    } else if (located) select(located.row);
    else if (!("query" in span)) say("The span in the address is not in this trace");
    return located;
  };
  // A link names a span that no window has shown yet.
  useEffect(() => {
    if (chosen) tried.current = wanted;
    if (!wanted || chosen || windows.restoring || tried.current === wanted) return;
    tried.current = wanted;
    const name = readName(wanted);
    if (name) goTo({ span_id: name.span_id }).catch(() => say("The span in the address could not be looked up"));
  }, [wanted, chosen, windows.restoring]);
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
    canHide: query !== null,
    onlyFound,
    toggleOnly: () => setParams({ only: onlyFound ? null : "1" }, "replace"),
    selected: chosen?.span_index ?? -1,
    select,
    goTo,
  };
}

const nameOfRow = (row: WindowRow): string => `${row.similar ? SIMILAR : ""}${nameOf(row)}`;

/** By its id; the number tells two halves of one call apart that share it (Zipkin). */
function chosenRow(rows: readonly WindowRow[], text: string | null): WindowRow | null {
  if (!text) return null;
  const isGroup = text.startsWith(SIMILAR);
  const [id = "", number] = text.slice(isGroup ? SIMILAR.length : 0).split(".");
  const isIt = (row: WindowRow | undefined): boolean => row?.span_id === id && (row.similar !== null) === isGroup;
  const byPlace = number === undefined ? undefined : rows[placeOf(rows, Number(number))];
  return isIt(byPlace) ? (byPlace ?? null) : (rows.find(isIt) ?? null);
}
