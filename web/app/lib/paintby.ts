import type { Json, TimelineSpan } from "../api/types";
import { serviceSlot } from "./colour";

/** What the colour of a bar says: `service`, `status`, `self`, `operation`, `kind`, or the name of an attribute. */
export type ColourBy = string;

export interface Paint {
  /** A name of tokens.css. */
  token: string;
  /** From 0 to 1. */
  strength: number;
}

export interface LegendEntry {
  label: string;
  token: string;
  count: number;
  /** What finds these spans in the trace; null for what has no name of its own. */
  find: string | null;
}

export interface Colouring {
  of: (span: TimelineSpan) => Paint;
  /** Empty for services, whose names stand beside their colours, and for shades. */
  legend: LegendEntry[];
}

/** The hues of the palette; the tones beyond them are too near to each other for values side by side. */
const HUES = 12;
const OTHER = "--level-info";
const LEAST_STRENGTH = 0.16;

/** How the spans of a trace are coloured. Errors stay red, except where the shade is what matters. */
export function colouring(spans: readonly TimelineSpan[], by: ColourBy): Colouring {
  if (by === "service") return { of: (span) => ({ token: isError(span) ? "--error" : `--service-${serviceSlot(span.service_name)}`, strength: 1 }), legend: [] };
  if (by === "self") return bySelfTime(spans);
  if (by === "status") return byStatus(spans);
  return byValue(spans, by);
}

const isError = (span: TimelineSpan): boolean => span.status_code === "ERROR";

function bySelfTime(spans: readonly TimelineSpan[]): Colouring {
  const most = spans.reduce((found, span) => Math.max(found, span.self_time_ns), 1);
  return {
    // By the root of the share: twice as dark is four times as long, so that the middle can be told apart too.
    of: (span) => ({ token: "--accent", strength: LEAST_STRENGTH + (1 - LEAST_STRENGTH) * Math.sqrt(Math.max(0, span.self_time_ns) / most) }),
    legend: [],
  };
}

const STATUS: Record<string, string> = { ERROR: "--error", OK: "--ok", UNSET: OTHER };

function byStatus(spans: readonly TimelineSpan[]): Colouring {
  const counts = counted(spans, (span) => span.status_code);
  return {
    of: (span) => ({ token: STATUS[span.status_code] ?? OTHER, strength: 1 }),
    legend: counts.map(([label, count]) => ({ label: label.toLowerCase(), token: STATUS[label] ?? OTHER, count, find: `status:${label.toLowerCase()}` })),
  };
}

/** The most frequent values have a hue each, the rest and spans without the field are grey. */
function byValue(spans: readonly TimelineSpan[], by: string): Colouring {
  const valueOf = (span: TimelineSpan): string | null =>
    by === "operation" ? span.name : by === "kind" ? span.kind.toLowerCase() : textOf(span.attributes[by] ?? span.resource[by]);
  const counts = counted(spans, valueOf);
  const tokens = new Map(counts.slice(0, HUES).map(([value], at) => [value, `--service-${at}`] as const));
  const legend: LegendEntry[] = counts.slice(0, HUES).map(([label, count]) => ({ label, token: tokens.get(label) ?? OTHER, count, find: `${by === "operation" ? "name" : by}:${JSON.stringify(label)}` }));
  const named = legend.reduce((sum, entry) => sum + entry.count, 0);
  if (named < spans.length) legend.push({ label: counts.length > HUES ? "others" : "none", token: OTHER, count: spans.length - named, find: null });
  return {
    of: (span) => {
      const value = valueOf(span);
      return { token: isError(span) ? "--error" : ((value === null ? undefined : tokens.get(value)) ?? OTHER), strength: 1 };
    },
    legend,
  };
}

const textOf = (value: Json | undefined): string | null => (value === undefined || value === null ? null : typeof value === "string" ? value : JSON.stringify(value));

function counted(spans: readonly TimelineSpan[], valueOf: (span: TimelineSpan) => string | null): [string, number][] {
  const counts = new Map<string, number>();
  for (const span of spans) {
    const value = valueOf(span);
    if (value !== null) counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  return [...counts].sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0]));
}
