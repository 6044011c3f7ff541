import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import type { TimelineSpan } from "../api/types";
import { serviceColour } from "../lib/colour";
import { duration, plural, useZone } from "../lib/format";
import { tokensTaken } from "../lib/genai";
import { sameIdText } from "../lib/sameid";
import { TokenMark } from "./genai";
import { spanHover } from "./hover";
import { Orphan, SpanAlert, SpanLine } from "./line";
import { SameIdFlag } from "./sameid";
import type { TraceState } from "./use-view";

interface Props {
  index: number;
  /** Among the rows shown, from 1. */
  row: number;
  span: TimelineSpan;
  state: TraceState;
}

/** That of the bar; errors are said by their sign and their words. */
function stripeColour(state: TraceState, span: TimelineSpan): string {
  const paint = state.colours.of(span);
  return state.colourBy === "service" ? serviceColour(span.service_name) : `color-mix(in srgb, var(${paint.token}) ${paint.strength * 100}%, transparent)`;
}

export function SpanRow({ index, row, span, state }: Props): JSX.Element {
  const open = !state.collapsed.has(index);
  const zone = useZone();
  const isError = span.status_code === "ERROR";
  const use = useMemo(() => tokensTaken([span]), [span]);
  const same = state.sameIds.get(index);
  const isMatch = state.matchSet?.has(index);
  return (
    <SpanLine
      index={index}
      row={row}
      depth={state.depthOf(index)}
      selected={index === state.selected}
      class={`${isError && !span.error_below ? "span-error" : ""} ${isMatch === undefined ? "" : isMatch ? "span-match" : "span-dim"}`}
      colour={stripeColour(state, span)}
      service={span.service_name}
      name={span.name}
      caller={state.trace.spans[span.parent_index ?? -1]?.service_name}
      below={span.child_count === 0 ? null : { open, spans: span.descendant_count, openLabel: `Expand ${plural(span.descendant_count, "span")}`, closeLabel: "Collapse", onToggle: () => state.toggle(index) }}
      onSelect={() => state.select(index)}
      hover={spanHover(state.trace.start_time_unix_nano, span, zone)}
      said={`${duration(span.duration_ns)}, own time ${duration(span.self_time_ns)}${isError ? ", error" : ""}${same ? `. ${sameIdText(same.all.length - 1, same.isCall)}` : ""}`}
    >
      <TokenMark use={use} />
      <Orphan missing={span.missing_parent} />
      {same && <SameIdFlag others={same.all.length - 1} isCall={same.isCall} />}
      <SpanAlert error={isError} below={!open && span.error_below} origin={state.origins[0] === index} />
    </SpanLine>
  );
}
