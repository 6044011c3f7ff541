import type { ComponentChildren, JSX, RefObject } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { duration } from "../lib/format";
import { usePhone } from "../lib/prefs";
import { useSize } from "../lib/size";
import { rulerTicks } from "../lib/tree";
import { VirtualList, type VirtualHandle } from "../ui/virtual";
import type { Geometry } from "./paint";
import { SUMMARY_ID } from "./title";
import { panned, zoomedAt, type Zoom, type Zooming } from "./zoom";

const ROW = 24;
const PHONE_ROW = 44;
const RULER = 24;
/** From the top of a row to its bar; on a phone the text stands above. */
const BAR_TOP = 7;
const PHONE_BAR_TOP = 26;
const PHONE_EDGE = 12;
const TREE_KEY = "spoor.tree";
const MIN_TREE = 160;
/** What the bars keep, however wide the tree is made. */
const MIN_BARS = 240;
/** To the right of the time scale, for the duration of bars that end with it. */
const LABEL_ROOM = 62;
const TICK_PX = 110;

/** Where the bars of the rows `first` to `last` (exclusive) are drawn. */
export interface Place {
  geometry: Geometry;
  left: number;
  /** With the room for labels. */
  width: number;
  first: number;
  last: number;
  box: RefObject<HTMLElement | null>;
}

interface Props {
  state: Zooming;
  spanCount: number;
  /** Of the deepest span, from 0. */
  depth: number;
  rowCount: number;
  /** The chosen row, -1 for none. It is brought into sight when it changes, and when `follow` does. */
  chosen: number;
  follow: unknown;
  activeId: string | undefined;
  list: RefObject<VirtualHandle | null>;
  onScroll?: ((scrollTop: number) => void) | undefined;
  renderRow: (row: number) => ComponentChildren;
  renderBars: (place: Place) => ComponentChildren;
}

export const useRowHeight = (): number => (usePhone() ? PHONE_ROW : ROW);

/** A tree on the left and time on the right, over rows of which only those in sight are in the page. */
export function WaterfallFrame({ state, spanCount, depth, rowCount, chosen, follow, activeId, list, onScroll, renderRow, renderBars }: Props): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const { width } = useSize(box);
  const phone = usePhone();
  const rowHeight = useRowHeight();
  const [chosenTree, setChosenTree] = useState(keptTree);
  const { zoom } = state;
  const tree = phone ? width : Math.min(chosenTree ?? Math.min(460, width * 0.36), width - MIN_BARS);
  const barWidth = Math.max(1, (phone ? width - 24 : width - tree - 24) - LABEL_ROOM);
  const ticks = useMemo(() => rulerTicks(zoom.from, zoom.to, barWidth / TICK_PX), [zoom.from, zoom.to, barWidth]);
  const perNs = barWidth / (zoom.to - zoom.from);
  const indent = Math.max(4, Math.min(14, (tree * 0.45) / Math.max(1, depth)));
  const geometry: Geometry = { barWidth, rowHeight, barTop: phone ? PHONE_BAR_TOP : BAR_TOP, perNs };
  const left = phone ? PHONE_EDGE : tree;

  const wheel = (event: WheelEvent): void => {
    if (!event.ctrlKey && !event.metaKey && !event.shiftKey) return;
    const x = event.clientX - (box.current?.getBoundingClientRect().left ?? 0) - left;
    if (x < 0 || x > barWidth) return;
    event.preventDefault();
    state.setZoom(event.shiftKey ? panned(state, (event.deltaY || event.deltaX) / barWidth) : zoomedAt(state, zoom.from + x / perNs, event.deltaY > 0 ? 1.25 : 0.8));
  };
  useEffect(() => {
    if (chosen >= 0) list.current?.show(chosen);
  }, [activeId, follow, width > 0]);

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
          describedBy={SUMMARY_ID}
          label={`Spans of the trace, ${spanCount} in all`}
          count={rowCount}
          rowHeight={rowHeight}
          rowCount={rowCount}
          activeId={activeId}
          headerHeight={RULER}
          header={<Ruler ticks={ticks} zoom={zoom} perNs={perNs} onTree={(next) => setChosenTree(keepTree(next, width))} tree={tree} />}
          onScroll={onScroll}
          renderRow={renderRow}
          renderOver={(first, last) => renderBars({ geometry, left, width: barWidth + LABEL_ROOM, first, last, box })}
        />
      )}
    </div>
  );
}

/** The width of the tree that was chosen in this browser. */
function keptTree(): number | null {
  try {
    const kept = Number(localStorage.getItem(TREE_KEY));
    return kept >= MIN_TREE ? kept : null;
  } catch {
    return null;
  }
}

function keepTree(next: number, width: number): number {
  const tree = Math.round(Math.min(width - MIN_BARS, Math.max(MIN_TREE, next)));
  try {
    localStorage.setItem(TREE_KEY, String(tree));
  } catch {
    // The width then lasts as long as the page.
  }
  return tree;
}

interface RulerProps {
  ticks: number[];
  zoom: Zoom;
  perNs: number;
  tree: number;
  onTree: (width: number) => void;
}

/** Above the rows: where times stand, and the grip that makes the tree wider. */
function Ruler({ ticks, zoom, perNs, tree, onTree }: RulerProps): JSX.Element {
  const [drag, setDrag] = useState<number | null>(null);
  return (
    <div class="ruler" aria-hidden="true">
      <div class="ruler-tree">
        <span class="muted">Service and operation</span>
        <div
          class="ruler-grip"
          title="Drag to make the tree wider"
          onPointerDown={(event) => {
            event.currentTarget.setPointerCapture(event.pointerId);
            setDrag(tree - event.clientX);
          }}
          onPointerMove={(event) => drag !== null && onTree(drag + event.clientX)}
          onPointerUp={() => setDrag(null)}
        />
      </div>
      <div class="ruler-scale">
        {ticks.map((tick) => (
          <span key={tick} style={{ left: `${(tick - zoom.from) * perNs}px` }}>
            {duration(tick)}
          </span>
        ))}
      </div>
    </div>
  );
}
