import type { TimelineSpan } from "../api/types";
import type { WindowRow } from "../api/windows";

/** A span as a line of its kin: those that called it, itself, and those that it called. */
export interface Kin {
  /** Its id, with its place where another span of the trace has the same. */
  ref: string;
  depth: number;
  service_name: string;
  name: string;
  start_offset_ns: number;
  duration_ns: number;
  isError: boolean;
  isHere: boolean;
}

export interface Kinship {
  rows: Kin[];
  /** Callers above the first row, and spans below it that are not shown. */
  moreAbove: number;
  moreBelow: number;
}

const MOST_ABOVE = 50;
const MOST_BELOW = 200;

/** The place of a span by `id` or `id.place`; -1 where the trace has none. */
export function placeOfSpan(spans: readonly TimelineSpan[], ref: string): number {
  const [id = "", place] = ref.split(".");
  if (place !== undefined && spans[Number(place)]?.span_id === id) return Number(place);
  return spans.findIndex((span) => span.span_id === id);
}

/** Two halves of one call may share an id (Zipkin): then the place says which one is meant. */
export function refOf(spans: readonly TimelineSpan[], place: number): string {
  const id = spans[place]?.span_id ?? "";
  return spans.some((other, at) => at !== place && other.span_id === id) ? `${id}.${place}` : id;
}

/** The kin of a span, of a trace whose spans are all here. */
export function kinOf(spans: readonly TimelineSpan[], place: number): Kinship {
  const above: number[] = [];
  for (let at = spans[place]?.parent_index ?? null; at !== null && above.length < spans.length; at = spans[at]?.parent_index ?? null) above.unshift(at);
  const below: number[] = [];
  const end = place + (spans[place]?.descendant_count ?? 0);
  for (let at = place + 1; at <= end; at += 1 + (spans[at]?.descendant_count ?? 0)) below.push(at);
  const shownAbove = above.slice(-MOST_ABOVE);
  const top = spans[shownAbove[0] ?? place]?.depth ?? 0;
  const rows = [...shownAbove, place, ...below.slice(0, MOST_BELOW)].flatMap((at) => {
    const span = spans[at];
    if (!span) return [];
    const { service_name, name, start_offset_ns, duration_ns } = span;
    return [{ ref: refOf(spans, at), depth: span.depth - top, service_name, name, start_offset_ns, duration_ns, isError: span.status_code === "ERROR", isHere: at === place }];
  });
  return { rows, moreAbove: above.length - shownAbove.length, moreBelow: Math.max(0, below.length - MOST_BELOW) };
}

/** The rows down to a span of a large trace, the last of which it is. */
export function kinOfPath(path: readonly WindowRow[]): Kinship {
  const shown = path.slice(-MOST_ABOVE - 1);
  const top = shown[0]?.depth ?? 0;
  const rows = shown.map(({ span_id, span_index, depth, service_name, name, start_offset_ns, duration_ns, error }, at) => ({ ref: `${span_id}.${span_index}`, depth: depth - top, service_name, name, start_offset_ns, duration_ns, isError: error, isHere: at === shown.length - 1 }));
  return { rows, moreAbove: path.length - shown.length, moreBelow: 0 };
}
