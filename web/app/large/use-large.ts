import { useEffect, useMemo, useRef } from "preact/hooks";
import { postJson } from "../api/client";
import type { SqlAnswer, TraceWindow, WindowRow } from "../api/types";
import { setParams, usePlace } from "../lib/router";
import { detailOf, detailStatement } from "../lib/spansql";
import { placeOf } from "../lib/windowed";
import { zooming, type Zooming } from "../trace/zoom";
import { say } from "../ui/toast";
import { useWindows, type Windows } from "./use-windows";

/** What is open, chosen and zoomed on the page of a large trace. Selection, zoom and search stand in the URL. */
export interface LargeState extends Windows, Zooming {
  head: TraceWindow;
  /** The chosen span by its index; -1 when none is, or when it is not here. */
  selected: number;
  select: (row: WindowRow | null) => void;
  /** Brings a span into the page and chooses it. */
  goTo: (spanId: string, start: bigint) => Promise<void>;
}

export function useLarge(head: TraceWindow, onGrown: () => void): LargeState {
  const { params } = usePlace();
  const full = useMemo(() => ({ from: 0, to: Math.max(1, head.duration_ns) }), [head]);
  const shown = zooming(params.get("zoom"), full);
  const windows = useWindows(head, shown.zoomed ? shown.zoom : null, onGrown);
  const { rows } = windows.loaded;
  const wanted = params.get("span");
  const chosen = useMemo(() => chosenRow(rows, wanted), [rows, wanted]);
  const select = (row: WindowRow | null): void => setParams({ span: row ? `${row.span_id}.${row.span_index}` : null }, "replace");
  const goTo = async (spanId: string, start: bigint): Promise<void> => {
    const offset = Number(start - BigInt(head.start_time_unix_nano));
    const row = await windows.locate(spanId, offset);
    if (row) select(row);
    else say("Too many spans run at that moment to find its place: zoom in on a part of the trace");
  };
  // A link names a span that no window has shown yet.
  const tried = useRef<string | null>(null);
  useEffect(() => {
    if (!wanted || chosen || tried.current === wanted) return;
    tried.current = wanted;
    const id = wanted.split(".")[0] ?? "";
    if (!/^[0-9a-f]{16}$/.test(id)) return;
    postJson<SqlAnswer>("/api/v1/sql", { query: detailStatement(head.trace_id, id) }).then(
      (answer) => {
        const row = answer.rows[0];
        if (row) return goTo(id, detailOf(row).start);
        say("The span in the address is not in this trace");
        return undefined;
      },
      () => say("The span in the address could not be looked up"),
    ).catch(() => undefined);
  }, [wanted, chosen]);
  return {
    ...windows,
    ...shown,
    head,
    selected: chosen?.span_index ?? -1,
    select,
    goTo,
  };
}

/** By its id; the number tells two halves of one call apart that share it (Zipkin). */
function chosenRow(rows: readonly WindowRow[], text: string | null): WindowRow | null {
  if (!text) return null;
  const [id = "", number] = text.split(".");
  const byPlace = number === undefined ? undefined : rows[placeOf(rows, Number(number))];
  return byPlace?.span_id === id ? byPlace : (rows.find((row) => row.span_id === id) ?? null);
}
