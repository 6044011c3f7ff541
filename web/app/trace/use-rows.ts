import { useCallback, useMemo, useState } from "preact/hooks";
import type { Timeline } from "../api/types";
import { setParams, usePlace } from "../lib/router";
import { groupDepths, groupedRows, keptRows, similarSiblings, undivided, UNGROUPED, type Grouping, type SimilarGroup } from "../lib/similar";
import { NO_TOGGLES, nameOf, placeOf, readToggles, SIMILAR, toggled, writeToggles, type Places, type Toggles } from "../lib/toggles";
import { ancestors, foldedBy, readFold, withAbove, type Fold } from "../lib/tree";

/** What is open on a trace's page, and so which rows there are: indexes of spans, then those of groups. */
export interface Rows {
  rows: number[];
  collapsed: ReadonlySet<number>;
  fold: Fold;
  setFold: (fold: Fold) => void;
  /** Opens or closes a span or a group. */
  toggle: (row: number) => void;
  isOpen: (row: number) => boolean;
  /** Opens whatever a span is hidden in. */
  reveal: (index: number) => void;
  grouping: Grouping;
  /** Whether only what was found is shown, and what is above it. */
  onlyFound: boolean;
  toggleOnly: () => void;
  /** Whether there is anything to lay together, and whether it is. */
  hasSimilar: boolean;
  showsSimilar: boolean;
  toggleSimilar: () => void;
  groupAt: (row: number) => SimilarGroup | null;
  depthOf: (row: number) => number;
  /** The row above in the tree: the group of a span, else its parent; -1 for none. */
  rowAbove: (row: number) => number;
}

const NONE: ReadonlySet<number> = new Set();

/** `places`: those of its spans. `found`: what a search within the trace has found, null without one. */
export function useRows(trace: Timeline, places: Places, critical: () => ReadonlySet<number>, found: ReadonlySet<number> | null): Rows {
  const { params } = usePlace();
  const { spans } = trace;
  const fold = readFold(params.get("fold"));
  const [toggles, setToggles] = useState(() => readToggles(params.get("toggled")));
  const change = (next: Toggles): void => {
    setToggles(next);
    setParams({ toggled: writeToggles(next) }, "replace");
  };
  const byHand = useMemo(() => [...toggles].filter((name) => !name.startsWith(SIMILAR)).map((name) => placeOf(spans, places, name)), [spans, toggles]);
  const collapsed = useMemo<ReadonlySet<number>>(() => {
    const found = foldedBy(fold, spans, fold === "critical" ? critical() : NONE);
    for (const index of byHand) if (!found.delete(index)) found.add(index);
    return found;
  }, [spans, fold, byHand]);
  const alike = useMemo(() => similarSiblings(spans), [spans]);
  const showsSimilar = params.get("similar") !== "0";
  const onlyFound = params.get("only") === "1" && found !== null;
  const kept = useMemo(() => {
    const path = fold === "critical" ? withAbove(spans, critical()) : null;
    const matches = onlyFound ? withAbove(spans, found) : null;
    return path && matches ? new Set([...path].filter((index) => matches.has(index))) : (path ?? matches);
  }, [spans, fold, onlyFound ? found : null]);
  const grouping = useMemo(() => (!showsSimilar ? UNGROUPED : onlyFound && kept ? undivided(alike, kept) : alike), [alike, showsSimilar, onlyFound, kept]);
  const open = useMemo(() => {
    const firsts = [...toggles].filter((name) => name.startsWith(SIMILAR)).map((name) => placeOf(spans, places, name.slice(SIMILAR.length)));
    return new Set(firsts.flatMap((index) => grouping.groupOf.get(index) ?? []));
  }, [spans, toggles, grouping]);
  const rows = useMemo(() => {
    const all = groupedRows(spans, collapsed, grouping, open);
    return kept ? keptRows(all, spans.length, grouping, kept) : all;
  }, [spans, collapsed, grouping, open, kept]);
  const extra = useMemo(() => groupDepths(spans, grouping.groupOf), [spans, grouping]);
  const groupAt = useCallback((row: number): SimilarGroup | null => grouping.groups[row - spans.length] ?? null, [spans, grouping]);

  const groupName = (group: number): string => SIMILAR + nameOf(spans, places, grouping.groups[group]?.members[0] ?? -1);
  const reveal = (index: number): void => {
    const above = ancestors(spans, index);
    const groups = [index, ...above].flatMap((each) => grouping.groupOf.get(each) ?? []).map(groupName);
    if (kept && !kept.has(index)) {
      // What is hidden is asked for: then nothing is.
      const isOffPath = fold === "critical";
      setParams({ only: null, ...(isOffPath ? { fold: null } : {}) }, "replace");
      if (isOffPath) return change(toggled(NO_TOGGLES, [...new Set(groups)]));
    }
    const shut = above.filter((parent) => collapsed.has(parent)).map((parent) => nameOf(spans, places, parent));
    const names = [...new Set([...shut, ...groups.filter((group) => !toggles.has(group))])];
    if (names.length > 0) change(toggled(toggles, names));
  };
  return {
    rows,
    collapsed,
    fold,
    grouping,
    groupAt,
    reveal,
    onlyFound,
    toggleOnly: () => setParams({ only: onlyFound ? null : "1" }, "replace"),
    hasSimilar: alike.groups.length > 0,
    showsSimilar,
    toggleSimilar: () => setParams({ similar: showsSimilar ? "0" : null }, "replace"),
    toggle: (row) => {
      change(toggled(toggles, [groupAt(row) ? groupName(row - spans.length) : nameOf(spans, places, row)]));
    },
    isOpen: (row) => (groupAt(row) ? open.has(row - spans.length) : !collapsed.has(row)),
    setFold: (next) => {
      // The same rule again takes back what was opened and closed by hand since.
      setToggles(NO_TOGGLES);
      setParams({ toggled: null, fold: next === "none" ? null : next, critical: next === "critical" ? "1" : params.get("critical") }, "replace");
    },
    depthOf: (row) => {
      const group = groupAt(row);
      return group ? group.depth + (group.parent === null ? 0 : extra(group.parent)) : (spans[row]?.depth ?? 0) + extra(row);
    },
    rowAbove: (row) => {
      const group = grouping.groupOf.get(row);
      return group === undefined ? ((groupAt(row)?.parent ?? spans[row]?.parent_index) ?? -1) : spans.length + group;
    },
  };
}
