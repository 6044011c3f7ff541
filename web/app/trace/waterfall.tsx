import type { JSX } from "preact";
import { useCallback, useMemo, useRef } from "preact/hooks";
import type { LogRecord } from "../api/types";
import { withNotes } from "../lib/notes";
import { usePlace } from "../lib/router";
import type { VirtualHandle } from "../ui/virtual";
import { Bars, type PaintRows } from "./bars";
import { NoneFound } from "./find";
import { WaterfallFrame } from "./frame";
import { GroupRow } from "./group-row";
import { NoteRow } from "./note-row";
import { paintRows, paintTick } from "./paint";
import { SpanRow } from "./row";
import { TickTip } from "./ticktip";
import type { TraceState } from "./use-view";

interface Props {
  state: TraceState;
  logsBySpan: Map<string, LogRecord[]>;
}

/** Spans as a tree on the left and as bars over time on the right. */
export function Waterfall({ state, logsBySpan }: Props): JSX.Element {
  const list = useRef<VirtualHandle>(null);
  const { trace, selected } = state;
  const wantsNotes = usePlace().params.get("notes") === "1";
  const noted = useMemo(() => {
    const base = trace.spans.length + state.grouping.groups.length;
    return wantsNotes ? withNotes(state.rows, trace.spans, base, BigInt(trace.start_time_unix_nano), logsBySpan) : { rows: state.rows, base, notes: [] };
  }, [wantsNotes, state.rows, trace, state.grouping, logsBySpan]);
  const { rows } = noted;
  const shown = { ...state, rows };
  const depth = useMemo(() => trace.spans.reduce((most, _, index) => Math.max(most, state.depthOf(index)), 0), [trace, state.grouping]);
  const paint: PaintRows = useCallback(
    (context, palette, geometry, first, last) => {
      paintRows(context, shown, logsBySpan, palette, geometry, first, last);
      rows.slice(first, last).forEach((index, at) => {
        const note = noted.notes[index - noted.base];
        if (note && "tick" in note) paintTick(context, note.tick, state.zoom.from, palette, geometry, at * geometry.rowHeight + geometry.barTop);
      });
    },
    [trace, rows, state.zoom.from, state.zoom.to, state.matchSet, state.showCritical, state.colours, logsBySpan],
  );
  if (rows.length === 0 && state.onlyFound) return <NoneFound onAll={state.toggleOnly} />;
  return (
    <WaterfallFrame
      state={state}
      spanCount={trace.span_count}
      depth={depth}
      rowCount={rows.length}
      chosen={rows.indexOf(selected)}
      follow={rows}
      activeId={selected >= 0 ? `span-${selected}` : undefined}
      list={list}
      renderRow={(row) => {
        const index = rows[row];
        const note = index === undefined ? undefined : noted.notes[index - noted.base];
        const noteSpan = note && trace.spans[note.span];
        if (note && noteSpan) return <NoteRow key={`note ${index}`} note={note} row={row + 1} span={noteSpan} state={state} />;
        const group = index === undefined ? null : state.groupAt(index);
        if (group && index !== undefined) return <GroupRow key={index} index={index} row={row + 1} group={group} state={state} />;
        const span = index === undefined ? undefined : trace.spans[index];
        return span && index !== undefined && <SpanRow key={index} index={index} row={row + 1} span={span} state={state} />;
      }}
      renderBars={(place) => (
        <>
          <Bars place={place} paint={paint} />
          <TickTip state={shown} logsBySpan={logsBySpan} place={place} />
        </>
      )}
    />
  );
}
