import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Service } from "../api/types";
import { serviceSlot } from "../lib/colour";
import { layers, type Layout, type Placed } from "../lib/graph";
import { shortened } from "../lib/shorten";
import { useDark } from "../lib/prefs";
import { useSize } from "../lib/size";
import { readPalette, type Palette } from "../trace/paint";
import type { Graph } from "./graph";

const NODE = { width: 150, height: 26 };
const SIZES = { columnWidth: 240, rowHeight: 40 };
const MIN_COLUMN = 40;
/** So that many services fill a screen that is wider than high. */
const columnLength = (nodes: number): number => Math.max(MIN_COLUMN, Math.ceil(Math.sqrt(nodes * 6)));
const MARGIN = 40;
const MIN_SCALE = 0.03;
const MAX_SCALE = 2;
/** Below this, names would be specks. */
const TEXT_SCALE = 0.42;
const CLICK_PX = 4;
const MAX_FIT = 1.1;
const MAX_STRETCH = 1.9;

interface View {
  scale: number;
  x: number;
  y: number;
}

interface Props {
  graph: Graph;
  rates: Map<string, Service>;
  chosen: string | null;
  needle: string;
  onChoose: (name: string | null) => void;
}

/** Services in layers from left to right; drag moves, the wheel zooms, a click chooses. The table has the same. */
export function Canvas({ graph, rates, chosen, needle, onChoose }: Props): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const { width, height } = useSize(box);
  const dark = useDark();
  const rowHeight = useMemo(() => rowHeightFor(graph, width, height), [graph, width > 0, height > 0]);
  const layout = useMemo(() => laidOut(graph, rowHeight), [graph, rowHeight]);
  const places = useMemo(() => new Map(layout.nodes.map((node) => [node.name, node])), [layout]);
  const [view, setView] = useState<View>({ scale: 1, x: 0, y: 0 });
  const [hover, setHover] = useState<string | null>(null);
  const drag = useRef<{ x: number; y: number; view: View; moved: boolean } | null>(null);
  const fit = (): void => setView(fitted(layout, rowHeight, width, height));
  useEffect(fit, [layout, width > 0, height > 0]);

  useLayoutEffect(() => {
    const element = canvas.current;
    const context = element?.getContext("2d");
    if (!element || !context || width === 0) return;
    const pixels = window.devicePixelRatio || 1;
    element.width = Math.round(width * pixels);
    element.height = Math.round(height * pixels);
    context.setTransform(pixels * view.scale, 0, 0, pixels * view.scale, pixels * view.x, pixels * view.y);
    draw(context, { graph, places, rates, focus: hover ?? chosen, chosen, needle, view, palette: readPalette(element) });
  }, [graph, places, rates, view, hover, chosen, needle, width, height, dark]);

  const at = (event: MouseEvent): { x: number; y: number } => {
    const rect = box.current?.getBoundingClientRect();
    return { x: event.clientX - (rect?.left ?? 0), y: event.clientY - (rect?.top ?? 0) };
  };
  const nodeAt = (point: { x: number; y: number }): string | null => {
    const x = (point.x - view.x) / view.scale;
    const y = (point.y - view.y) / view.scale;
    return layout.nodes.find((node) => x >= node.x && x <= node.x + NODE.width && y >= node.y && y <= node.y + NODE.height)?.name ?? null;
  };
  const zoom = (point: { x: number; y: number }, factor: number): void => {
    const scale = Math.min(MAX_SCALE, Math.max(MIN_SCALE, view.scale * factor));
    setView({ scale, x: point.x - ((point.x - view.x) / view.scale) * scale, y: point.y - ((point.y - view.y) / view.scale) * scale });
  };
  return (
    <div
      ref={box}
      class={hover ? "map map-near" : "map"}
      title={hover ?? undefined}
      onWheel={(event) => {
        event.preventDefault();
        zoom(at(event), event.deltaY > 0 ? 0.85 : 1.18);
      }}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        drag.current = { x: event.clientX, y: event.clientY, view, moved: false };
      }}
      onPointerMove={(event) => {
        const { current } = drag;
        if (!current) return setHover(nodeAt(at(event)));
        const dx = event.clientX - current.x;
        const dy = event.clientY - current.y;
        if (Math.hypot(dx, dy) > CLICK_PX) current.moved = true;
        if (current.moved) setView({ ...current.view, x: current.view.x + dx, y: current.view.y + dy });
      }}
      onPointerUp={(event) => {
        if (drag.current && !drag.current.moved) onChoose(nodeAt(at(event)));
        drag.current = null;
      }}
      onPointerCancel={() => (drag.current = null)}
    >
      <canvas ref={canvas} role="img" aria-label={`Map of ${graph.nodes.length} services and ${graph.edges.length} call paths; the table shows the same`} style={{ width: `${width}px`, height: `${height}px` }} />
      <span class="map-tools" onPointerDown={(event) => event.stopPropagation()} onPointerUp={(event) => event.stopPropagation()}>
        <button type="button" class="button button-small" title="Closer" aria-label="Closer" onClick={() => zoom({ x: width / 2, y: height / 2 }, 1.3)}>
          +
        </button>
        <button type="button" class="button button-small" title="Farther" aria-label="Farther" onClick={() => zoom({ x: width / 2, y: height / 2 }, 0.77)}>
          −
        </button>
        <button type="button" class="button button-small" onClick={fit}>
          Fit
        </button>
      </span>
    </div>
  );
}

const laidOut = (graph: Graph, rowHeight: number): Layout => layers(graph.nodes, graph.edges, { ...SIZES, rowHeight, most: columnLength(graph.nodes.length) });

/** Rows farther apart where the screen is higher than the graph: its lines are easier to follow. */
function rowHeightFor(graph: Graph, width: number, height: number): number {
  if (width === 0 || height === 0) return SIZES.rowHeight;
  const layout = laidOut(graph, SIZES.rowHeight);
  const scale = Math.min(MAX_FIT, (width - 2 * MARGIN) / layout.width);
  const room = (height - 2 * MARGIN) / (layout.height * scale);
  return SIZES.rowHeight * Math.min(MAX_STRETCH, Math.max(1, room));
}

function fitted(layout: Layout, rowHeight: number, width: number, height: number): View {
  if (width === 0 || height === 0) return { scale: 1, x: 0, y: 0 };
  const scale = Math.min(MAX_FIT, Math.max(MIN_SCALE, Math.min((width - 2 * MARGIN) / layout.width, (height - 2 * MARGIN) / layout.height)));
  const used = layout.width - (SIZES.columnWidth - NODE.width);
  return { scale, x: (width - used * scale) / 2, y: (height - (layout.height - rowHeight + NODE.height) * scale) / 2 };
}

interface Scene {
  graph: Graph;
  places: Map<string, Placed>;
  rates: Map<string, Service>;
  focus: string | null;
  chosen: string | null;
  needle: string;
  view: View;
  palette: Palette;
}

function draw(context: CanvasRenderingContext2D, scene: Scene): void {
  const { graph, places, focus, view, palette } = scene;
  const near = new Set(focus ? [focus, ...graph.edges.flatMap((edge) => (edge.from === focus ? [edge.to] : edge.to === focus ? [edge.from] : []))] : []);
  const most = Math.log(1 + Math.max(1, ...graph.edges.map((edge) => edge.calls)));
  for (const edge of graph.edges) {
    const from = places.get(edge.from);
    const to = places.get(edge.to);
    if (!from || !to) continue;
    const touches = edge.from === focus || edge.to === focus;
    const cyclic = graph.cyclic.has(edge);
    context.globalAlpha = focus ? (touches ? 1 : 0.08) : graph.edges.length > 400 ? 0.3 : 0.75;
    context.strokeStyle = cyclic ? palette.warn : touches ? palette.text : palette.muted;
    context.lineWidth = (0.6 + (1.9 * Math.log(1 + edge.calls)) / most) / Math.max(0.4, Math.min(1, view.scale * 1.6));
    context.setLineDash(cyclic ? [6, 3] : []);
    drawEdge(context, from, to);
  }
  context.setLineDash([]);
  context.textBaseline = "middle";
  context.font = palette.font.replace(/^\S+/, "12px");
  for (const node of places.values()) drawNode(context, node, scene, near);
  context.globalAlpha = 1;
}

/** From the right edge of the caller to the left edge of the called; backwards and within a column in a bow. */
function drawEdge(context: CanvasRenderingContext2D, from: Placed, to: Placed): void {
  const x1 = from.x + NODE.width;
  const y1 = from.y + NODE.height / 2;
  const x2 = to.x;
  const y2 = to.y + NODE.height / 2;
  const bend = x2 > x1 ? (x2 - x1) / 2 : 60 + Math.abs(x2 - x1) * 0.2;
  context.beginPath();
  context.moveTo(x1, y1);
  if (from.name === to.name) context.bezierCurveTo(x1 + 40, y1 - 34, x2 - 40, y1 - 34, x2, y2);
  else context.bezierCurveTo(x1 + bend, y1, x2 - bend, y2, x2, y2);
  context.stroke();
  context.beginPath();
  context.moveTo(x2, y2);
  context.lineTo(x2 - 6, y2 - 3.5);
  context.lineTo(x2 - 6, y2 + 3.5);
  context.closePath();
  context.fillStyle = context.strokeStyle;
  context.fill();
}

function drawNode(context: CanvasRenderingContext2D, node: Placed, scene: Scene, near: Set<string>): void {
  const { rates, focus, chosen, needle, view, palette } = scene;
  const rate = rates.get(node.name);
  const failing = rate && rate.span_count > 0 ? rate.error_count / rate.span_count : 0;
  const dim = (focus !== null && !near.has(node.name)) || (needle !== "" && !node.name.toLowerCase().includes(needle));
  const other = scene.graph.others.has(node.name);
  const service = other ? palette.muted : (palette.services[serviceSlot(node.name)] ?? palette.muted);
  context.globalAlpha = dim ? 0.25 : 1;
  context.fillStyle = palette.surface;
  context.strokeStyle = node.name === chosen ? palette.text : palette.line;
  context.lineWidth = node.name === chosen ? 2 : 1;
  context.beginPath();
  context.roundRect(node.x, node.y, NODE.width, NODE.height, other ? NODE.height / 2 : 5);
  context.fill();
  if (other) {
    // What sends no spans is not one of ours: a pill with a broken rim.
    context.strokeStyle = node.name === chosen ? palette.text : palette.muted;
    context.setLineDash([4, 3]);
  }
  context.stroke();
  context.setLineDash([]);
  context.fillStyle = service;
  if (!other) context.fillRect(node.x, node.y + 4, 3, NODE.height - 8);
  if (failing > 0) {
    // A bar along the foot: the share of spans in error.
    context.fillStyle = palette.error;
    context.fillRect(node.x + 1, node.y + NODE.height - 3, Math.max(4, (NODE.width - 2) * failing), 2);
  }
  if (view.scale < TEXT_SCALE) {
    context.globalAlpha *= 0.8;
    context.fillStyle = service;
    context.fillRect(node.x + 3, node.y, NODE.width - 3, NODE.height);
    return;
  }
  context.fillStyle = palette.text;
  const left = other ? 14 : 11;
  context.fillText(shortened(node.name, NODE.width - left - (other ? 10 : 6), (text) => context.measureText(text).width), node.x + left, node.y + NODE.height / 2 + 0.5);
}
