import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import type { SimilarSpans, WindowRow } from "../api/windows";
import { serviceColour } from "../lib/colour";
import { count, duration, plural, useZone } from "../lib/format";
import { looksLikeCall, sameIdText } from "../lib/sameid";
import { endOf, rowOf, type Gap } from "../lib/windowed";
import { spanHover } from "../trace/hover";
import { ErrorCount, Orphan, SpanAlert, SpanLine } from "../trace/line";
import { SameIdFlag } from "../trace/sameid";
import type { LargeState } from "./use-large";

interface RowProps {
  row: WindowRow;
  /** Among the rows shown, from 1. */
  at: number;
  open: boolean;
  state: LargeState;
}

export function LargeRow({ row, at, open, state }: RowProps): JSX.Element {
  const zone = useZone();
  const others = row.same_id_count;
  const isCall = looksLikeCall(row.kind, others);
  if (row.similar) return <SimilarRow row={row} similar={row.similar} at={at} state={state} />;
  return (
    <SpanLine
      index={row.span_index}
      row={at}
      depth={row.depth}
      selected={row.span_index === state.selected}
      class={`${row.error && !row.error_below ? "span-error" : ""} ${foundClass(row)}`}
      colour={serviceColour(row.service_name)}
      service={row.service_name}
      name={row.name}
      caller={rowOf(state.loaded.rows, row.parent_index)?.service_name}
      below={row.child_count === 0 ? null : { open, spans: row.descendant_count, openLabel: `Expand ${plural(row.descendant_count, "span")}`, closeLabel: "Collapse", onToggle: () => state.toggle(row, open), onDouble: true }}
      onSelect={() => state.select(row)}
      hover={spanHover(state.head.start_time_unix_nano, row, zone)}
      said={`${duration(row.duration_ns)}, own time ${duration(row.self_time_ns)}${row.error ? ", error" : ""}${others > 0 ? `. ${sameIdText(others, isCall)}` : ""}`}
    >
      <Orphan missing={row.missing_parent} />
      <SameIdFlag others={others} isCall={isCall} />
      <SpanAlert error={row.error} below={!open && row.error_below} origin={row.span_index === state.analysis?.error_origin?.span_index} />
    </SpanLine>
  );
}

/** Where only what was found is shown: those above it stand back. */
const foundClass = (row: WindowRow): string => (row.matched === undefined ? "" : row.matched ? "span-match" : "span-dim");

/** Many siblings that do the same, as one row. */
function SimilarRow({ row, similar, at, state }: Omit<RowProps, "open"> & { similar: SimilarSpans }): JSX.Element {
  const failed = similar.error_count > 0 ? `, ${plural(similar.error_count, "error")}` : "";
  return (
    <SpanLine
      index={row.span_index}
      row={at}
      depth={row.depth}
      selected={row.span_index === state.selected}
      class={`span-group ${row.error ? "span-error" : ""} ${foundClass(row)}`}
      colour={serviceColour(row.service_name)}
      service={row.service_name}
      name={row.name}
      caller={rowOf(state.loaded.rows, row.parent_index)?.service_name}
      below={{ open: false, spans: 0, openLabel: `Show the ${count(similar.span_count)} spans`, closeLabel: "Lay together", onToggle: () => state.openGroup(row), onDouble: true }}
      times={similar.span_count}
      onSelect={() => state.select(row)}
      said={`${duration(similar.duration_ns)} in all, ${duration(similar.duration_min_ns)} to ${duration(similar.duration_max_ns)} each${failed}`}
    >
      {row.error ? <ErrorCount errors={similar.error_count} /> : <SpanAlert error={false} below={row.error_below} />}
    </SpanLine>
  );
}

interface GapProps {
  gap: Gap;
  at: number;
  depth: number;
  state: LargeState;
}

/** Spans that are not in the page. Those that come next are asked for when this comes into sight, others when told to. */
export function GapRow({ gap, at, depth, state }: GapProps): JSX.Element {
  const isNext = gap.until === null;
  const under = rowOf(state.loaded.rows, gap.under);
  const spans = (gap.until ?? (under ? endOf(under) + 1 : state.head.span_count)) - gap.after - 1;
  useEffect(() => {
    if (isNext && !state.error) state.load(gap);
  }, [gap.under, gap.after, gap.until]);
  return (
    <div class="span-row span-gap" role="row" aria-level={depth + 1} aria-rowindex={at} style={{ "--depth": String(depth) }}>
      <div class="span-tree" role="gridcell">
        <span class="span-guides" aria-hidden="true" />
        <button type="button" class="text-button" onClick={() => state.load(gap)}>
          {isNext ? (state.error ? "The rest did not come: ask again" : "Loading") : "Load"} {state.onlyFound ? "more of what was found" : plural(spans, "more span", "more spans")}
        </button>
      </div>
      <div class="span-cell" role="gridcell" />
    </div>
  );
}
