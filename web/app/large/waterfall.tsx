import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { usePhone } from "../lib/prefs";
import { useSize } from "../lib/size";
import { rulerTicks } from "../lib/tree";
import type { Geometry } from "../trace/paint";
import { BAR_TOP, keepTree, keptTree, LABEL_ROOM, panned, PHONE_BAR_TOP, PHONE_EDGE, PHONE_ROW, ROW, Ruler, RULER, zoomedAt } from "../trace/waterfall";
import { VirtualList, type VirtualHandle } from "../ui/virtual";
import { LargeBars } from "./bars";
import { GapRow, LargeRow } from "./row";
import type { LargeState } from "./use-large";

/** The rows that have come as a tree on the left and as bars over time on the right. */
export function LargeWaterfall({ state }: { state: LargeState }): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const list = useRef<VirtualHandle>(null);
  const { width } = useSize(box);
  const phone = usePhone();
  const [chosenTree, setChosenTree] = useState(keptTree);
  const { items, zoom, head } = state;
  const tree = phone ? width : Math.min(chosenTree ?? Math.min(460, width * 0.36), width - 240);
  const barWidth = Math.max(1, (phone ? width - 24 : width - tree - 24) - LABEL_ROOM);
  const ticks = useMemo(() => rulerTicks(zoom.from, zoom.to, barWidth / 110), [zoom.from, zoom.to, barWidth]);
  const perNs = barWidth / (zoom.to - zoom.from);
  const indent = Math.max(4, Math.min(14, (tree * 0.45) / Math.max(1, head.depth)));
  const rowHeight = phone ? PHONE_ROW : ROW;
  const geometry: Geometry = { barWidth, rowHeight, barTop: phone ? PHONE_BAR_TOP : BAR_TOP, perNs };
  const barsLeft = phone ? PHONE_EDGE : tree;
  const onScroll = useAnchor(state, list, rowHeight);

  const at = items.findIndex((item) => item.kind === "row" && item.row.span_index === state.selected);
  useEffect(() => {
    if (at >= 0) list.current?.show(at);
  }, [state.selected, at >= 0, width > 0]);

  const wheel = (event: WheelEvent): void => {
    if (!event.ctrlKey && !event.metaKey && !event.shiftKey) return;
    const x = event.clientX - (box.current?.getBoundingClientRect().left ?? 0) - barsLeft;
    if (x < 0 || x > barWidth) return;
    event.preventDefault();
    state.setZoom(event.shiftKey ? panned(state, (event.deltaY || event.deltaX) / barWidth) : zoomedAt(state, zoom.from + x / perNs, event.deltaY > 0 ? 1.25 : 0.8));
  };
  const style: Record<string, string> = {
    "--tree": `${tree}px`,
    "--indent": `${indent}px`,
    "--tick-step": `${ticks.length > 1 ? ((ticks[1] ?? 0) - (ticks[0] ?? 0)) * perNs : barWidth}px`,
    "--scale": `${barWidth}px`,
    "--tick-offset": `${((ticks[0] ?? 0) - zoom.from) * perNs}px`,
  };
  return (
    <div class="waterfall" ref={box} style={style} onWheel={wheel}>
      {width > 0 && (
        <VirtualList
          handle={list}
          role="treegrid"
          label={`Spans of the trace, ${head.span_count} in all`}
          count={items.length}
          rowHeight={rowHeight}
          rowCount={items.length}
          activeId={state.selected >= 0 ? `span-${state.selected}` : undefined}
          headerHeight={RULER}
          header={<Ruler ticks={ticks} zoom={zoom} perNs={perNs} onTree={(next) => setChosenTree(keepTree(next, width))} tree={tree} />}
          onScroll={onScroll}
          renderRow={(index) => {
            const item = items[index];
            if (item?.kind === "gap") return <GapRow key={`gap ${item.gap.under} ${item.gap.until}`} gap={item.gap} at={index + 1} depth={item.depth} state={state} />;
            return item && <LargeRow key={item.row.span_index} row={item.row} at={index + 1} open={item.open} state={state} />;
          }}
          renderOver={(first, last) => <LargeBars state={state} geometry={geometry} left={barsLeft} width={barWidth + LABEL_ROOM} first={first} last={last} />}
        />
      )}
    </div>
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
