import type { TimelineSpan } from "../api/types";

/**
 * What was opened and closed by hand, beside the rule that stands in the address: ids of spans, `similar:` and the id
 * of its first span for a group. Ids and not places, since late spans move all places.
 */
export type Toggles = ReadonlySet<string>;

export const NO_TOGGLES: Toggles = new Set();

/** Before the id of its first span, for a group. */
export const SIMILAR = "similar:";

/** An address has room for so many; the latest stay. */
const MOST_KEPT = 60;

type Identified = Pick<TimelineSpan, "span_id">;

export type Places = ReadonlyMap<string, number>;

export const placesOf = (spans: readonly Identified[]): Places => new Map(spans.map((span, index) => [span.span_id, index] as const));

/** The name of a span: its id, with its place where two share that (the halves of a call of Zipkin). */
export function nameOf(spans: readonly Identified[], places: Places, index: number): string {
  const id = spans[index]?.span_id ?? "";
  return places.get(id) === index ? id : `${id}.${index}`;
}

/** The place of the span with such a name, or -1. */
export function placeOf(spans: readonly Identified[], places: Places, name: string): number {
  const [id = "", number] = name.split(".");
  if (number !== undefined && spans[Number(number)]?.span_id === id) return Number(number);
  return places.get(id) ?? -1;
}

export const readToggles = (text: string | null): Toggles => new Set((text ?? "").split(",").filter((name) => name !== ""));

export const writeToggles = (toggles: Toggles): string | null => (toggles.size === 0 ? null : [...toggles].slice(-MOST_KEPT).join(","));

/** Each of `names` the other way round. */
export function toggled(toggles: Toggles, names: readonly string[]): Toggles {
  const next = new Set(toggles);
  for (const name of names) if (!next.delete(name)) next.add(name);
  return next;
}
