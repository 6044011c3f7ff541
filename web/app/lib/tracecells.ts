import type { Chosen } from "./layout";
import { TRACE_COLUMNS } from "./tracesort";

/** What a list of traces can say of each; the first six are what it says when nothing was chosen. */
export const TRACE_CELLS = [...TRACE_COLUMNS, "matched", "status", "kind", "trace_id"] as const;
export type TraceCell = (typeof TRACE_CELLS)[number];
export const DEFAULT_CELLS: readonly TraceCell[] = TRACE_COLUMNS;

/** Where a browser keeps those it last chose. */
export const CELLS_KEY = "spoor.columns.traces";

export const CELL_LABELS: Record<TraceCell, string> = {
  time: "Start", root: "Root operation", duration: "Duration", spans: "Spans", errors: "Errors", services: "Services", matched: "Matched spans", status: "Root status", kind: "Root kind", trace_id: "Trace id",
};

const isCell = (name: string): name is TraceCell => (TRACE_CELLS as readonly string[]).includes(name);

/** Those of the address, or else those that were chosen last. */
export function readCells(text: string | null, kept: string | null): TraceCell[] {
  const cells = (text ?? kept ?? "").split(",").filter(isCell);
  const once = cells.filter((cell, at) => cells.indexOf(cell) === at);
  return once.length > 0 ? once : [...DEFAULT_CELLS];
}

/** For the address; `null` for the default. */
export const writeCells = (cells: readonly string[]): string | null => (cells.join() === DEFAULT_CELLS.join() ? null : cells.join(","));

/** The least that a column can be read with, the most that it takes where there is room, in px, and its part of what is left over. */
const WIDTHS: Record<TraceCell, { least: number; most: number; share?: number }> = {
  time: { least: 142, most: 142 },
  root: { least: 120, most: 0, share: 1.8 },
  duration: { least: 120, most: 0, share: 0.9 },
  spans: { least: 84, most: 108 },
  errors: { least: 52, most: 60 },
  services: { least: 160, most: 0, share: 1.4 },
  matched: { least: 92, most: 92 },
  status: { least: 76, most: 76 },
  kind: { least: 72, most: 84 },
  trace_id: { least: 236, most: 236 },
};
const TIME_WITH_YEAR = 172;
const GAP = 16;

export interface CellLayout {
  shown: TraceCell[];
  /** `grid-template-columns` of a row. */
  template: string;
}

/** The columns for which there is room, the last giving way first, and how wide each is. */
export function cellLayout(cells: readonly TraceCell[], { widths, pinned }: Chosen, characterPx: number, widthPx: number, withYear: boolean): CellLayout {
  const least = (cell: TraceCell): number => {
    const chosen = widths[cell];
    if (chosen !== undefined) return Math.round(chosen * characterPx);
    return cell === "time" && withYear ? TIME_WITH_YEAR : WIDTHS[cell].least;
  };
  let shown = [...cells];
  const taken = (): number => shown.reduce((sum, cell) => sum + least(cell) + GAP, -GAP);
  while (shown.length > 2 && taken() > widthPx) {
    const last = shown.findLastIndex((cell) => !pinned.includes(cell));
    if (last < 0) break;
    shown = shown.filter((_, at) => at !== last);
  }
  const isFixed = shown.every((cell) => widths[cell] !== undefined || WIDTHS[cell].share === undefined);
  const template = shown.map((cell, at) => {
    const px = least(cell);
    // Somebody has to take what is left over.
    if (isFixed && at === shown.length - 1) return `minmax(${px}px, 1fr)`;
    if (widths[cell] !== undefined) return `${px}px`;
    const { share, most } = WIDTHS[cell];
    return share === undefined ? `minmax(${px}px, ${Math.max(px, most)}px)` : `minmax(${px}px, ${share}fr)`;
  });
  return { shown, template: template.join(" ") };
}
