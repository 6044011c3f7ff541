import { readToggles, SIMILAR } from "./toggles";

/** A span as an address names it: two may share an id, and late spans move the places of all. */
export interface Named {
  span_id: string;
  /** Its place when the address was written; null where that was not said. */
  span_index: number | null;
}

/** What was opened and closed by hand in a large trace, of which not all rows are in the page. */
export interface ByHand {
  /** Spans whose children were asked for. */
  opened: readonly Named[];
  /** Spans that are the other way round than the rule in the address says. */
  turned: readonly Named[];
  /** The first spans of groups of which each span is shown. */
  groups: readonly Named[];
}

export const NOTHING_BY_HAND: ByHand = { opened: [], turned: [], groups: [] };

/** An address has room for so many of each; the latest stay. */
const MOST_KEPT = 40;

export const nameOf = ({ span_id, span_index }: Named): string => (span_index === null ? span_id : `${span_id}.${span_index}`);

export function readName(text: string): Named | null {
  const [span_id = "", number] = text.split(".");
  if (!/^[0-9a-f]{16}$/.test(span_id)) return null;
  return { span_id, span_index: number !== undefined && /^\d+$/.test(number) ? Number(number) : null };
}

const readNames = (names: readonly string[]): Named[] => names.flatMap((name) => readName(name) ?? []);

/** `toggled` means what it does in a trace that is in the page as a whole, where everything can be open without being asked for. */
export function readByHand(params: URLSearchParams): ByHand {
  const toggled = [...readToggles(params.get("toggled"))];
  return {
    opened: readNames([...readToggles(params.get("opened"))]),
    turned: readNames(toggled.filter((name) => !name.startsWith(SIMILAR))),
    groups: readNames(toggled.flatMap((name) => (name.startsWith(SIMILAR) ? [name.slice(SIMILAR.length)] : []))),
  };
}

const written = (names: readonly string[]): string | null => names.join(",") || null;
const latest = (spans: readonly Named[]): string[] => spans.slice(-MOST_KEPT).map(nameOf);

export const byHandParams = ({ opened, turned, groups }: ByHand): { opened: string | null; toggled: string | null } => ({
  opened: written(latest(opened)),
  toggled: written([...latest(turned), ...latest(groups).map((name) => SIMILAR + name)]),
});

const isSame = (a: Named, b: Named): boolean => a.span_id === b.span_id && a.span_index === b.span_index;

export const has = (spans: readonly Named[], span: Named): boolean => spans.some((other) => isSame(other, span));

export const without = (spans: readonly Named[], span: Named): Named[] => spans.filter((other) => !isSame(other, span));

/** With a span, as the latest. */
export const withSpan = (spans: readonly Named[], { span_id, span_index }: Named): Named[] => [...without(spans, { span_id, span_index }), { span_id, span_index }];

/** With a span if it was not there, without it if it was. */
export const flipped = (spans: readonly Named[], span: Named): Named[] => (has(spans, span) ? without(spans, span) : withSpan(spans, span));
