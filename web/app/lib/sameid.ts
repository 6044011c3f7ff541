import type { TimelineSpan } from "../api/types";

/** Spans that have one id. */
export interface SameId {
  /** Their places, in order. */
  all: readonly number[];
  /** They are the caller's and the called half of one call, which Zipkin's tracers give one id. */
  isCall: boolean;
}

/** By place, those that have their id not alone. */
export function sameIds(spans: readonly Pick<TimelineSpan, "span_id" | "kind">[]): ReadonlyMap<number, SameId> {
  const byId = new Map<string, number[]>();
  spans.forEach(({ span_id }, index) => {
    const places = byId.get(span_id);
    if (places) places.push(index);
    else byId.set(span_id, [index]);
  });
  const found = new Map<number, SameId>();
  for (const all of byId.values()) {
    if (all.length < 2) continue;
    const same = { all, isCall: isCallOf(all.map((index) => spans[index]?.kind ?? "")) };
    for (const index of all) found.set(index, same);
  }
  return found;
}

const isCallOf = (kinds: readonly string[]): boolean => kinds.length === 2 && kinds.includes("CLIENT") && kinds.includes("SERVER");

/** Whether a span is one of two halves, as far as it alone tells. */
export const looksLikeCall = (kind: string, others: number): boolean => others === 1 && (kind === "CLIENT" || kind === "SERVER");

/** How many spans share an id without being halves of one call. */
export const strangers = (spans: readonly Pick<TimelineSpan, "span_id" | "kind">[]): number => [...sameIds(spans).values()].filter(({ isCall }) => !isCall).length;

/** In words, for the row and the panel. */
export function sameIdText(others: number, isCall: boolean): string {
  if (isCall) return "The two halves of this call, the caller’s and the called one’s, have the same span id";
  return others === 1 ? "Shares its id with 1 other span" : `Shares its id with ${others} other spans`;
}
