import type { JSX } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { LogRecord } from "../api/types";
import { duration } from "../lib/format";
import { usePhone } from "../lib/prefs";
import { useSize } from "../lib/size";
import { rulerTicks } from "../lib/tree";
import { VirtualList, type VirtualHandle } from "../ui/virtual";
import { Bars } from "./bars";
import type { Geometry } from "./paint";
import { GroupRow } from "./group-row";
import { SpanRow } from "./row";
import { TickTip } from "./ticktip";
import type { TraceState, Zoom } from "./use-view";

export const ROW = 24;
export const RULER = 24;
export const PHONE_ROW = 44;
/** From the top of a row to its bar; on a phone the text stands above. */
export const BAR_TOP = 7;
export const PHONE_BAR_TOP = 26;
export const PHONE_EDGE = 12;
const TREE_KEY = "spoor.tree";
const MIN_TREE = 160;
/** To the right of the time scale, for the duration of bars that end with it. */
export const LABEL_ROOM = 62;

/** The width of the tree that was chosen in this browser. */
export function keptTree(): number | null {
  try {
    const kept = Number(localStorage.getItem(TREE_KEY));
    return kept >= MIN_TREE ? kept : null;
  } catch {
    return null;
  }
}

interface Props {
  state: TraceState;
  logsBySpan: Map<string, LogRecord[]>;
}

/** Spans as a tree on the left and as bars over time on the right. */
export function Waterfall({ state, logsBySpan }: Props): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const list = useRef<VirtualHandle>(null);
  const { width } = useSize(box);
  const phone = usePhone();
  const [chosenTree, setChosenTree] = useState(keptTree);
  const { rows, trace, zoom } = state;
  const tree = phone ? width : Math.min(chosenTree ?? Math.min(460, width * 0.36), width - 240);
  const barWidth = Math.max(1, (phone ? width - 24 : width - tree - 24) - LABEL_ROOM);
  const ticks = useMemo(() => rulerTicks(zoom.from, zoom.to, barWidth / 110), [zoom.from, zoom.to, barWidth]);
  const perNs = barWidth / (zoom.to - zoom.from);
  const maxDepth = useMemo(() => trace.spans.reduce((most, _, index) => Math.max(most, state.depthOf(index)), 0), [trace, state.grouping]);
  const indent = Math.max(4, Math.min(14, (tree * 0.45) / Math.max(1, maxDepth)));

  const rowHeight = phone ? PHONE_ROW : ROW;
  const geometry: Geometry = { barWidth, rowHeight, barTop: phone ? PHONE_BAR_TOP : BAR_TOP, perNs };
  const barsLeft = phone ? PHONE_EDGE : tree;
  const wheel = (event: WheelEvent): void => {
    if (!event.ctrlKey && !event.metaKey && !event.shiftKey) return;
    const x = event.clientX - (box.current?.getBoundingClientRect().left ?? 0) - barsLeft;
    if (x < 0 || x > barWidth) return;
    event.preventDefault();
    state.setZoom(event.shiftKey ? panned(state, (event.deltaY || event.deltaX) / barWidth) : zoomedAt(state, zoom.from + x / perNs, event.deltaY > 0 ? 1.25 : 0.8));
  };

  const at = rows.indexOf(state.selected);
  useEffect(() => {
    if (at >= 0) list.current?.show(at);
  }, [state.selected, rows, width > 0]);

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
          label={`Spans of the trace, ${trace.span_count} in all`}
          count={rows.length}
          rowHeight={rowHeight}
          rowCount={rows.length}
          activeId={state.selected >= 0 ? `span-${state.selected}` : undefined}
          headerHeight={RULER}
          header={<Ruler ticks={ticks} zoom={zoom} perNs={perNs} onTree={(next) => setChosenTree(keepTree(next, width))} tree={tree} />}
          renderRow={(row) => {
            const index = rows[row];
            const group = index === undefined ? null : state.groupAt(index);
            if (group && index !== undefined) return <GroupRow key={index} index={index} row={row + 1} group={group} state={state} />;
            const span = index === undefined ? undefined : trace.spans[index];
            return span && index !== undefined && <SpanRow key={index} index={index} row={row + 1} span={span} state={state} />;
          }}
          renderOver={(first, last) => (
            <>
              <Bars state={state} logsBySpan={logsBySpan} geometry={geometry} left={barsLeft} width={barWidth + LABEL_ROOM} first={first} last={last} />
              <TickTip state={state} logsBySpan={logsBySpan} geometry={geometry} left={barsLeft} first={first} box={box} />
            </>
          )}
        />
      )}
    </div>
  );
}

const MIN_ZOOM_NS = 10;

type Zooming = Pick<TraceState, "zoom" | "full" | "zoomed">;

/** The zoom with one moment kept where it is. */
export function zoomedAt(state: Zooming, ns: number, factor: number): Zoom | null {
  const { zoom, full } = state;
  const from = Math.max(full.from, ns - (ns - zoom.from) * factor);
  const to = Math.min(full.to, ns + (zoom.to - ns) * factor);
  if (from <= full.from && to >= full.to) return null;
  return to - from < MIN_ZOOM_NS ? zoom : { from, to };
}

/** The zoom moved by a share of its width, as far as there is something. */
export function panned(state: Zooming, share: number): Zoom | null {
  const { zoom, full, zoomed } = state;
  if (!zoomed) return null;
  const span = zoom.to - zoom.from;
  const from = Math.min(full.to - span, Math.max(full.from, zoom.from + share * span));
  return { from, to: from + span };
}

export function keepTree(next: number, width: number): number {
  const tree = Math.round(Math.min(width - 240, Math.max(MIN_TREE, next)));
  try {
    localStorage.setItem(TREE_KEY, String(tree));
  } catch {
    // The width then lasts as long as the page.
  }
  return tree;
}

interface RulerProps {
  ticks: number[];
  zoom: { from: number; to: number };
  perNs: number;
  tree: number;
  onTree: (width: number) => void;
}

/** Above the rows: where times stand, and the grip that makes the tree wider. */
export function Ruler({ ticks, zoom, perNs, tree, onTree }: RulerProps): JSX.Element {
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
