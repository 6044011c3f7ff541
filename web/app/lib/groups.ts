import type { Histogram } from "../api/types";

/** One value of a field, with how many records have it. */
export interface Group {
  name: string;
  count: number;
  /** By bucket. */
  counts: number[];
  /** Whether it is a value, and not what has none or is summed. */
  plain: boolean;
}

/** The most frequent first, all others together last. */
export function groupsOf({ series }: Pick<Histogram, "series">): Group[] {
  const groups = series.map(({ name, counts }) => ({ name, counts, count: counts.reduce((sum, n) => sum + n, 0), plain: name !== "(other)" && name !== "(none)" }));
  return groups.filter((group) => group.count > 0).sort((a, b) => Number(a.name === "(other)") - Number(b.name === "(other)") || b.count - a.count || a.name.localeCompare(b.name));
}

/** A cell of a table that is pasted: no tab, no line break; what would be a formula is a text. */
const cell = (text: string): string => text.replace(/[\t\r\n]+/g, " ").replace(/^(?=[=+\-@])/, "'");

/** As spreadsheets take it from the clipboard. */
export const groupTsv = (field: string, groups: readonly Group[]): string => [`${cell(field)}\trecords`, ...groups.map((group) => `${cell(group.name)}\t${group.count}`)].join("\n");
