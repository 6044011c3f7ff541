import type { LogRecord } from "../api/types";
import { shownText } from "./record";

/** Columns between time and body when the address names none. */
export const DEFAULT_COLUMNS = ["level", "service"];
/** Where a browser keeps those it last chose. */
export const COLUMNS_KEY = "spoor.columns";

/** `kept`: those that this browser last chose, as in an address. */
export function readColumns(text: string | null, kept: string | null = null): string[] {
  if (text === null) return kept === null ? DEFAULT_COLUMNS : readColumns(kept);
  return text === "-" ? [] : text.split(",").filter(Boolean);
}

/** For the address; `null` for the default, `-` for none. */
export function writeColumns(columns: readonly string[]): string | null {
  if (columns.join() === DEFAULT_COLUMNS.join()) return null;
  return columns.length === 0 ? "-" : columns.join(",");
}

export interface RowLayout {
  /** `grid-template-columns` of a row. */
  template: string;
  /** Characters of the body that fit into its column. */
  fit: number;
}

const GAP_PX = 12;
const FIXED: Record<string, number> = { level: 6, service: 22, trace_id: 33, span_id: 17 };
const NARROW_SERVICE = 16;
const MIN_CHARACTERS = 6;
const MAX_CHARACTERS = 30;
const SAMPLE_ROWS = 100;

/** Characters of a time: without its year, with it, and from the start of a trace. */
export const TIME_WIDTH = { day: 19, year: 23, offset: 11 };

/** Below this a body says nothing: columns give way, the last first. */
const MIN_BODY = 36;

/** What was chosen for columns: their widths in characters, and which stay in any case. */
export interface Chosen {
  widths: Readonly<Record<string, number>>;
  pinned: readonly string[];
}

const NOTHING: Chosen = { widths: {}, pinned: [] };

/** The columns that leave room for the body; pinned ones stay whatever room there is. */
export function columnsThatFit(columns: readonly string[], rows: readonly LogRecord[], characterPx: number, widthPx: number, time: number, narrow: boolean, chosen = NOTHING): string[] {
  let kept = [...columns];
  while (kept.length > 2 && rowLayout(kept, rows, characterPx, widthPx, time, narrow, chosen).fit < MIN_BODY) {
    const last = kept.findLastIndex((name) => !chosen.pinned.includes(name));
    if (last < 0) break;
    kept = kept.filter((_, at) => at !== last);
  }
  return kept;
}

/** How wide each column is, from what its first rows hold; the body takes what is left. `time`: characters of the first. */
export function rowLayout(columns: readonly string[], rows: readonly LogRecord[], characterPx: number, widthPx: number, time: number, narrow: boolean, chosen = NOTHING): RowLayout {
  const widths = columns.map((name) => chosen.widths[name] ?? (name === "service" && narrow ? NARROW_SERVICE : (FIXED[name] ?? sampleWidth(name, rows))));
  const taken = [time, ...widths].reduce((sum, characters) => sum + characters * characterPx + GAP_PX, 0);
  const body = Math.max(0, widthPx - taken);
  return {
    template: [time, ...widths].map((characters) => `${characters}ch`).concat("minmax(0, 1fr)").join(" "),
    fit: Math.max(10, Math.floor(body / characterPx)),
  };
}

function sampleWidth(name: string, rows: readonly LogRecord[]): number {
  let widest = Math.min(name.length, 16);
  for (const row of rows.slice(0, SAMPLE_ROWS)) widest = Math.max(widest, shownText(row, name).length);
  return Math.min(MAX_CHARACTERS, Math.max(MIN_CHARACTERS, widest));
}
