import { chipsOf, withoutChip } from "./chips";
import { fieldName } from "./fields";
import { rangeEnds, unquote } from "./query";

/** Ends of a range as numbers: for durations nanoseconds. */
export interface Ends {
  low: number;
  high: number;
}

const UNITS: [string, number][] = [["s", 1e9], ["ms", 1e6], ["us", 1e3], ["ns", 1]];
const UNIT_NS: Record<string, number> = { ns: 1, us: 1e3, "µs": 1e3, ms: 1e6, s: 1e9, m: 6e10, h: 36e11, "": 1 };

const three = (value: number, round: (n: number) => number): number => {
  if (value === 0 || !Number.isFinite(value)) return value;
  const step = Math.pow(10, Math.floor(Math.log10(Math.abs(value))) - 2);
  return Number((round(value / step) * step).toPrecision(12));
};

/** Three digits, rounded so that nothing between the ends is cut off. */
export const roundedOut = ({ low, high }: Ends): Ends => ({ low: three(low, Math.floor), high: three(high, Math.ceil) });

function numberText(value: number, isDuration: boolean): string {
  if (!isDuration) return String(value);
  const [unit, size] = UNITS.find(([, each]) => Math.abs(value) >= each) ?? ["ns", 1];
  return `${Number((value / size).toPrecision(12))}${unit}`;
}

function numberOf(text: string, isDuration: boolean): number {
  const match = /^(-?[\d.]+(?:e[+-]?\d+)?)\s*([a-zµ]*)$/i.exec(text);
  if (!match) return NaN;
  return Number(match[1]) * (isDuration ? (UNIT_NS[match[2] ?? ""] ?? NaN) : match[2] === "" ? 1 : NaN);
}

/** The clause of a query that bounds a field by numbers. */
const clauseOf = (query: string, field: string) => chipsOf(query).find((chip) => unquote(chip.field) === field && !chip.negated && chip.operator === ":" && !chip.isList && rangeEnds(chip.raw) !== null);

/** The query without the range of a field. */
export function withoutSpan(query: string, field: string): string {
  const clause = clauseOf(query, field);
  return clause ? withoutChip(query, clause) : query;
}

/** The range that a query has of a field; null without one, or where its ends are no numbers. */
export function spanOf(query: string, field: string, isDuration: boolean): Ends | null {
  const clause = clauseOf(query, field);
  const ends = clause ? rangeEnds(clause.raw) : null;
  if (!ends) return null;
  const low = ends.find((end) => end.operator.startsWith(">"));
  const high = ends.find((end) => end.operator.startsWith("<"));
  const found = { low: low ? numberOf(low.value, isDuration) : -Infinity, high: high ? numberOf(high.value, isDuration) : Infinity };
  return Number.isNaN(found.low) || Number.isNaN(found.high) ? null : found;
}

/** The query with that range of the field in the place of any other; null takes it out. */
export function withSpan(query: string, field: string, ends: Ends | null, isDuration: boolean): string {
  const rest = withoutSpan(query, field);
  if (!ends) return rest;
  const clause = `${fieldName(field)}:[${numberText(ends.low, isDuration)} TO ${numberText(ends.high, isDuration)}]`;
  // An OR at the top binds weaker than the AND that is added.
  const base = / OR /.test(rest) && chipsOf(rest).length === 0 ? `(${rest})` : rest;
  return `${base} ${clause}`.trim();
}
