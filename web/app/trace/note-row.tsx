import type { JSX } from "preact";
import type { TimelineSpan } from "../api/types";
import { duration, plural, signed, useZone } from "../lib/format";
import type { Note } from "../lib/notes";
import { timeTitle } from "../ui/time";
import type { TraceState } from "./use-view";

interface Props {
  note: Note;
  /** Among the rows shown, from 1. */
  row: number;
  span: TimelineSpan;
  state: TraceState;
}

/** An event or log record of a span, below it; a click goes to the span. */
export function NoteRow({ note, row, span, state }: Props): JSX.Element {
  const zone = useZone();
  const depth = state.depthOf(note.span) + 1;
  const isTick = "tick" in note;
  const at = isTick ? String(BigInt(state.trace.start_time_unix_nano) + BigInt(Math.round(note.tick.ns - (span.clock_delta_ns ?? 0)))) : null;
  const said = isTick ? note.tick.title : `${plural(note.more, "more")} of ${span.name}`;
  return (
    <div class={`span-row span-note ${isTick ? `span-note-${note.tick.kind}` : ""}`} role="row" aria-level={depth + 1} aria-rowindex={row} style={{ "--depth": String(depth) }} onClick={() => state.select(note.span)}>
      <div class="span-tree" role="gridcell">
        <span class="span-guides" aria-hidden="true" />
        <i class="note-sign" aria-hidden="true" />
        {isTick && at !== null ? (
          <>
            <time class="muted number" title={timeTitle(at, zone, note.tick.ns)}>
              +{duration(note.tick.ns - span.start_offset_ns)}
            </time>
            <span class="span-label note-text" title={said}>
              {said}
            </span>
          </>
        ) : (
          <span class="span-label muted">{isTick ? "" : plural(note.more, "more event or record", "more events and records")}</span>
        )}
      </div>
      <div class="span-cell" role="gridcell">
        <span class="sr-only">{isTick ? `${note.tick.kind}, ${signed(note.tick.ns)} in the trace` : ""}</span>
      </div>
    </div>
  );
}
