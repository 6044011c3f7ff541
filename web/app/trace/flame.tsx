import type { JSX } from "preact";
import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { serviceSlot } from "../lib/colour";
import { count, duration, percent, plural } from "../lib/format";
import { flameGraph, inOrder, nodeOf, type FlameNode } from "../lib/flame";
import { useDark } from "../lib/prefs";
import { setParams, usePlace } from "../lib/router";
import { shortened } from "../lib/shorten";
import { useSize } from "../lib/size";
import { Choice } from "../ui/topbar";
import { readPalette } from "./paint";
import { NAMELESS, type TraceState } from "./use-view";

const ROW = 20;
const MIN_WIDTH = 1;
const MIN_TEXT = 34;
const TIP_ROOM = 300;

/** Own time by path: what the trace spent its time on, each path once. A click shows a part in the whole width. */
export function Flame({ state }: { state: TraceState }): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const { width: outer } = useSize(box);
  const dark = useDark();
  const { params } = usePlace();
  const { spans } = state.trace;
  const by = params.get("tree") === "service" ? "service" : "operation";
  const top = useMemo(() => flameGraph(spans, by), [spans, by]);
  const nodes = useMemo(() => inOrder(top), [top]);
  const part = params.get("part");
  const focus = useMemo(() => (part === null ? null : nodeOf(top, spans, spans.findIndex((span) => span.span_id === part), by)) ?? top, [top, part]);
  const setFocus = (node: FlameNode): void => setParams({ part: spans[node.example]?.span_id ?? null }, "replace");
  const chosen = useMemo(() => nodeOf(top, spans, state.selected, by), [top, state.selected]);
  const [hover, setHover] = useState<{ node: FlameNode; x: number; y: number } | null>(null);
  const width = Math.max(1, outer - 32);
  const depth = nodes.reduce((most, node) => Math.max(most, node.depth), 0) + 1;

  const place = (node: FlameNode): { x: number; w: number } => {
    const scale = width / Math.max(1, focus.value_ns);
    const isAbove = isAncestor(node, focus);
    return isAbove ? { x: 0, w: width } : { x: (node.start_ns - focus.start_ns) * scale, w: node.value_ns * scale };
  };
  useLayoutEffect(() => {
    const element = canvas.current;
    const context = element?.getContext("2d");
    if (!element || !context) return;
    const scale = window.devicePixelRatio || 1;
    element.width = Math.round(width * scale);
    element.height = depth * ROW * scale;
    context.scale(scale, scale);
    const palette = readPalette(element);
    context.font = palette.font;
    context.textBaseline = "middle";
    for (const node of nodes) {
      const { x, w } = place(node);
      if (x + w < 0 || x > width || w < MIN_WIDTH / 2) continue;
      const from = Math.max(0, x);
      const drawn = Math.max(MIN_WIDTH, Math.min(width, x + w) - from - 1);
      context.globalAlpha = isAncestor(node, focus) && node !== focus ? 0.3 : node.depth === 0 ? 0.25 : 0.5;
      context.fillStyle = node.depth === 0 ? palette.muted : (palette.services[serviceSlot(node.service)] ?? palette.muted);
      context.fillRect(from, node.depth * ROW, drawn, ROW - 1);
      context.globalAlpha = 1;
      if (node.errors > 0) {
        context.fillStyle = palette.error;
        context.fillRect(from, node.depth * ROW + ROW - 3, drawn, 2);
      }
      if (node === chosen) {
        context.strokeStyle = palette.text;
        context.lineWidth = 2;
        context.strokeRect(from + 1, node.depth * ROW + 1, Math.max(1, drawn - 2), ROW - 3);
      }
      if (drawn < MIN_TEXT) continue;
      context.fillStyle = palette.text;
      context.fillText(labelOf(node, drawn - 9, (text) => context.measureText(text).width), from + 5, node.depth * ROW + ROW / 2);
    }
  }, [nodes, focus, chosen, width, dark]);

  const nodeAt = (event: MouseEvent): FlameNode | null => {
    const rect = canvas.current?.getBoundingClientRect();
    if (!rect) return null;
    const x = event.clientX - rect.left;
    const level = Math.floor((event.clientY - rect.top) / ROW);
    return nodes.find((node) => node.depth === level && place(node).x <= x && x < place(node).x + place(node).w) ?? null;
  };
  return (
    <div class="flame" ref={box}>
      <div class="flame-head">
        <Choice<"operation" | "service"> label="Own time of" value={by} options={[["operation", "Operations"], ["service", "Services"]]} onChange={(next) => setParams({ tree: next === "service" ? next : null, part: null }, "replace")} />
        {focus === top ? (
          <span class="hide-phone">By path, the longest to the left. Click a part for its whole width. The Call tree has the same as a table.</span>
        ) : (
          <>
            <span>
              <b>{nameOf(focus)}</b> {duration(focus.value_ns)} in {plural(focus.count, by === "service" ? "call" : "span")}
            </span>
            <button type="button" class="text-button" onClick={() => setFocus(top)}>
              Whole trace
            </button>
            <button type="button" class="text-button" onClick={() => (state.select(focus.example), setParams({ tab: null }, "replace"))}>
              Show in the timeline
            </button>
          </>
        )}
      </div>
      <canvas
        ref={canvas}
        role="img"
        aria-label="Flame graph of own time by path; the Call tree has it as a table"
        style={{ width: `${width}px`, height: `${depth * ROW}px` }}
        onClick={(event) => setFocus(nodeAt(event) ?? top)}
        onPointerMove={(event) => {
          const node = nodeAt(event);
          const rect = box.current?.getBoundingClientRect();
          setHover(node && rect ? { node, x: event.clientX - rect.left, y: event.clientY - rect.top + (box.current?.scrollTop ?? 0) } : null);
        }}
        onPointerLeave={() => setHover(null)}
      />
      {hover && (
        <div class="tip" style={{ top: `${hover.y + 14}px`, left: `${Math.max(0, Math.min(hover.x, outer - TIP_ROOM))}px` }}>
          <time>{hover.node.service || "trace"}</time>
          {hover.node.name !== "" || by === "operation" ? <div>{nameOf(hover.node)}</div> : null}
          <Line label="With what it calls" value={`${duration(hover.node.value_ns)} · ${percent(hover.node.value_ns, top.value_ns)}`} />
          <Line label="Itself" value={duration(hover.node.self_ns)} />
          <Line label={by === "service" && hover.node !== top ? "Calls" : "Spans"} value={count(hover.node.count || state.trace.span_count)} />
        </div>
      )}
    </div>
  );
}

/** With its service where there is room for that and for the name; the name alone says more than a bit of both. */
function labelOf(node: FlameNode, room: number, measure: (text: string) => number): string {
  if (node.depth === 0) return `all ${duration(node.value_ns)}`;
  const name = nameOf(node);
  const whole = name === node.service ? name : `${node.service} ${name}`;
  return measure(whole) <= room ? whole : shortened(name, room, measure);
}

/** By service a node has no other name; a span may have none. */
const nameOf = (node: FlameNode): string => node.name || (node.isService ? node.service : NAMELESS);

function isAncestor(node: FlameNode, of: FlameNode): boolean {
  for (let at: FlameNode | null = of; at; at = at.parent) if (at === node) return true;
  return false;
}

function Line({ label, value }: { label: string; value: string }): JSX.Element {
  return (
    <div class="tip-row">
      <span>{label}</span>
      <b>{value}</b>
    </div>
  );
}
