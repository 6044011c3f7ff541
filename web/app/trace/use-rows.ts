import { useCallback, useEffect, useMemo, useState } from "preact/hooks";
import type { Timeline } from "../api/types";
import { setParams, usePlace } from "../lib/router";
import { groupDepths, groupedRows, keptRows, similarSiblings, UNGROUPED, type Grouping, type SimilarGroup } from "../lib/similar";
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

/** `found`: what a search within the trace has found, null without one. */
export function useRows(trace: Timeline, critical: () => ReadonlySet<number>, found: ReadonlySet<number> | null): Rows {
  const { params } = usePlace();
  const { spans } = trace;
  const fold = readFold(params.get("fold"));
  const folded = (rule: Fold): Set<number> => foldedBy(rule, spans, rule === "critical" ? critical() : NONE);
  const [collapsed, setCollapsed] = useState<ReadonlySet<number>>(() => folded(fold));
  const [open, setOpen] = useState<ReadonlySet<number>>(NONE);
  useEffect(() => setCollapsed(folded(fold)), [trace, fold]);
  const alike = useMemo(() => similarSiblings(spans), [spans]);
  const showsSimilar = params.get("similar") !== "0";
  const grouping = showsSimilar ? alike : UNGROUPED;
  const onlyFound = params.get("only") === "1" && found !== null;
  const kept = useMemo(() => {
    const path = fold === "critical" ? withAbove(spans, critical()) : null;
    const matches = onlyFound ? withAbove(spans, found) : null;
    return path && matches ? new Set([...path].filter((index) => matches.has(index))) : (path ?? matches);
  }, [spans, fold, onlyFound ? found : null]);
  const rows = useMemo(() => {
    const all = groupedRows(spans, collapsed, grouping, open);
    return kept ? keptRows(all, spans.length, grouping, kept) : all;
  }, [spans, collapsed, grouping, open, kept]);
  const extra = useMemo(() => groupDepths(spans, grouping.groupOf), [spans, grouping]);
  const groupAt = useCallback((row: number): SimilarGroup | null => grouping.groups[row - spans.length] ?? null, [spans, grouping]);

  const reveal = useCallback(
    (index: number): void => {
      // What is hidden is asked for: then nothing is.
      if (kept && !kept.has(index)) setParams({ only: null, ...(fold === "critical" ? { fold: null } : {}) }, "replace");
      const above = ancestors(spans, index);
      if (above.some((parent) => collapsed.has(parent))) setCollapsed(new Set([...collapsed].filter((entry) => !above.includes(entry))));
      const groups = [index, ...above].flatMap((each) => grouping.groupOf.get(each) ?? []);
      if (groups.some((group) => !open.has(group))) setOpen(new Set([...open, ...groups]));
    },
    [spans, collapsed, grouping, open, kept, fold],
  );
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
      if (groupAt(row)) setOpen(toggled(open, row - spans.length));
      else setCollapsed(toggled(collapsed, row));
    },
    isOpen: (row) => (groupAt(row) ? open.has(row - spans.length) : !collapsed.has(row)),
    setFold: (next) => {
      // The same rule again takes back what was opened and closed by hand since.
      setCollapsed(folded(next));
      setOpen(NONE);
      setParams({ fold: next === "none" ? null : next, critical: next === "critical" ? "1" : params.get("critical") }, "replace");
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

function toggled(set: ReadonlySet<number>, entry: number): Set<number> {
  const next = new Set(set);
  if (!next.delete(entry)) next.add(entry);
  return next;
}
