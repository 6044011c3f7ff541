import type { JSX } from "preact";
import { useCallback, useLayoutEffect, useRef } from "preact/hooks";
import { serviceSlot } from "../lib/colour";
import { rowOf } from "../lib/windowed";
import { Bars, type PaintRows } from "../trace/bars";
import { useRowHeight, WaterfallFrame } from "../trace/frame";
import { paintBar } from "../trace/paint";
import type { VirtualHandle } from "../ui/virtual";
import { GapRow, LargeRow } from "./row";
import type { LargeState } from "./use-large";

/** Of a bar with others below it: which part is its own work is not in a window. */
const LIGHT = 0.5;

/** The rows that have come as a tree on the left and as bars over time on the right. */
export function LargeWaterfall({ state }: { state: LargeState }): JSX.Element {
  const list = useRef<VirtualHandle>(null);
  const { items, loaded, zoom, head, selected } = state;
  const onScroll = useAnchor(state, list, useRowHeight());
  const at = items.findIndex((item) => item.kind === "row" && item.row.span_index === selected);
  const paint: PaintRows = useCallback(
    (context, palette, geometry, first, last) =>
      items.slice(first, last).forEach((item, above) => {
        if (item.kind !== "row") return;
        const { row } = item;
        const caller = rowOf(loaded.rows, row.parent_index);
        const token = row.error ? "--error" : `--service-${serviceSlot(row.service_name)}`;
        const bar = { start_ns: row.start_offset_ns, duration_ns: row.duration_ns, paint: { token, strength: 1 }, light: row.child_count > 0 ? LIGHT : 1, work: null, callerEnd_ns: caller ? caller.start_offset_ns + caller.duration_ns : Number.POSITIVE_INFINITY };
        paintBar(context, bar, zoom.from, palette, geometry, above * geometry.rowHeight + geometry.barTop);
      }),
    [items, loaded, zoom.from, zoom.to],
  );
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
