import type { JSX } from "preact";
import { useCallback, useLayoutEffect, useRef } from "preact/hooks";
import type { WindowRow } from "../api/windows";
import { serviceSlot } from "../lib/colour";
import { rowOf } from "../lib/windowed";
import { Bars, type PaintRows } from "../trace/bars";
import { NoneFound } from "../trace/find";
import { useRowHeight, WaterfallFrame } from "../trace/frame";
import { paintBar, paintCritical } from "../trace/paint";
import type { Zoom } from "../trace/zoom";
import type { VirtualHandle } from "../ui/virtual";
import { GapRow, LargeRow } from "./row";
import type { LargeState } from "./use-large";

/** Of a bar with others below it: which part is its own work is not in a window. */
const LIGHT = 0.5;
/** Of the bar of similar spans, from the first to the last: there may be time between them. */
const SIMILAR = 0.34;

/** The rows that have come as a tree on the left and as bars over time on the right. */
export function LargeWaterfall({ state }: { state: LargeState }): JSX.Element {
  const list = useRef<VirtualHandle>(null);
  const { items, loaded, zoom, head, selected, startOf, showCritical } = state;
  const onScroll = useAnchor(state, list, useRowHeight());
  const at = items.findIndex((item) => item.kind === "row" && item.row.span_index === selected);
  const paint: PaintRows = useCallback(
    (context, palette, geometry, first, last) =>
      items.slice(first, last).forEach((item, above) => {
        if (item.kind !== "row") return;
        const { row } = item;
        const caller = rowOf(loaded.rows, row.parent_index);
        const token = row.error ? "--error" : `--service-${serviceSlot(row.service_name)}`;
        const start = startOf(row);
        const callerEnd_ns = caller && !row.similar ? startOf(caller) + caller.duration_ns : Number.POSITIVE_INFINITY;
        const bar = { start_ns: start, duration_ns: row.duration_ns, paint: { token, strength: 1 }, light: row.similar ? SIMILAR : row.child_count > 0 ? LIGHT : 1, work: null, callerEnd_ns };
        const top = above * geometry.rowHeight + geometry.barTop;
        paintBar(context, bar, zoom.from, palette, geometry, top);
        if (showCritical) paintCritical(context, criticalOf(row, start), zoom.from, palette, geometry, top);
      }),
    [items, loaded, zoom.from, zoom.to, state.adjusted, showCritical],
  );
  if (items.length === 0 && state.onlyFound && !state.restoring && !state.error) return <NoneFound onAll={state.toggleOnly} />;
  return (
    <WaterfallFrame
      state={state}
      spanCount={head.span_count}
      depth={head.depth}
      rowCount={items.length}
      chosen={at}
      follow={at >= 0}
      activeId={selected >= 0 ? `span-${selected}` : undefined}
      list={list}
      onScroll={onScroll}
      renderRow={(index) => {
        const item = items[index];
        if (item?.kind === "gap") return <GapRow key={`gap ${item.gap.under} ${item.gap.until}`} gap={item.gap} at={index + 1} depth={item.depth} state={state} />;
        return item && <LargeRow key={item.row.span_index} row={item.row} at={index + 1} open={item.open} state={state} />;
      }}
      renderBars={(place) => <Bars place={place} paint={paint} />}
    />
  );
}

/** When the end of the trace waited for a row, on the clock that it is drawn by: for similar spans, somewhere between the first and the last. */
function criticalOf(row: WindowRow, start: number): Zoom[] {
  const moved = start - row.start_offset_ns;
  if (row.similar) return row.critical_time_ns > 0 ? [{ from: start, to: start + row.duration_ns }] : [];
  return row.critical_parts.map((part) => ({ from: part.from_offset_ns + moved, to: part.to_offset_ns + moved }));
}

/** Rows that come or go above what is in sight do not move it. Returns what is to be told where the list was scrolled to. */
function useAnchor({ items, focus }: LargeState, list: { readonly current: VirtualHandle | null }, rowHeight: number): (scrollTop: number) => void {
  const anchor = useRef<{ index: number; at: number } | null>(null);
  useLayoutEffect(() => {
    const last = anchor.current;
    if (!last) return;
    const now = items.findIndex((item) => item.kind === "row" && item.row.span_index === last.index);
    if (now < 0 || now === last.at) return;
    list.current?.shift(now - last.at);
    last.at = now;
  }, [items]);
  return (scrollTop) => {
    const top = Math.floor(scrollTop / rowHeight);
    const at = items.findIndex((item, index) => index >= top && item.kind === "row");
    const item = items[at];
    if (item?.kind !== "row") return;
    anchor.current = { index: item.row.span_index, at };
    focus(item.row.span_index);
  };
}
