import type { JSX } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { LogRecord } from "../api/types";
import { duration } from "../lib/format";
import { usePhone } from "../lib/prefs";
import { useSize } from "../lib/size";
import { rulerTicks } from "../lib/tree";
import { VirtualList, type VirtualHandle } from "../ui/virtual";
import { SpanRow } from "./row";
import type { TraceState } from "./use-view";

const ROW = 24;
const RULER = 24;
const PHONE_ROW = 44;
const TREE_KEY = "spoor.tree";
const MIN_TREE = 160;
/** To the right of the time scale, for the duration of bars that end with it. */
const LABEL_ROOM = 62;

function keptTree(): number | null {
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
  const maxDepth = useMemo(() => trace.spans.reduce((most, span) => Math.max(most, span.depth), 0), [trace]);
  const indent = Math.max(4, Math.min(14, (tree * 0.45) / Math.max(1, maxDepth)));

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
    <div class="waterfall" ref={box} style={style}>
      {width > 0 && (
        <VirtualList
          handle={list}
          role="treegrid"
          label={`Spans of the trace, ${trace.span_count} in all`}
          count={rows.length}
          rowHeight={phone ? PHONE_ROW : ROW}
          activeId={state.selected >= 0 ? `span-${state.selected}` : undefined}
          headerHeight={RULER}
          header={<Ruler ticks={ticks} zoom={zoom} perNs={perNs} onTree={(next) => setChosenTree(keepTree(next, width))} tree={tree} />}
          renderRow={(row) => {
            const index = rows[row];
            const span = index === undefined ? undefined : trace.spans[index];
            return span && index !== undefined && <SpanRow key={index} index={index} span={span} state={state} perNs={perNs} barWidth={barWidth} logs={logsBySpan.get(span.span_id)} />;
          }}
        />
      )}
    </div>
  );
}

function keepTree(next: number, width: number): number {
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
