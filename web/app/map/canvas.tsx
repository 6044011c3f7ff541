import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Service } from "../api/types";
import { framed, type FramedLayout } from "../lib/framed";
import { plural } from "../lib/format";
import { useDark } from "../lib/prefs";
import { useSize } from "../lib/size";
import { readPalette } from "../trace/paint";
import { drawMap, sizesOf, TEXT_SCALE, type MapSizes } from "./draw";
import { curveOf, distanceTo, type Point } from "./curve";
import { callTitle, type Call, type Graph } from "./graph";
import { groupTitle } from "./namespaces";

const MIN_COLUMN = 40;
/** So that many services fill a screen that is wider than high. */
const columnLength = (nodes: number): number => Math.max(MIN_COLUMN, Math.ceil(Math.sqrt(nodes * 6)));
const MARGIN = 28;
const MIN_SCALE = 0.03;
const MAX_SCALE = 2;
const CLICK_PX = 4;
/** So near to a line it is meant. */
const REACH_PX = 6;
/** Of a map that is too small for its names. */
const MOST_MEANT = 400;
const MAX_FIT = 1.1;
const MAX_STRETCH = 1.9;
/** Where names stand over their nodes, so far apart on the screen that they do not lie on others. */
const NAMED_ROW_PX = 46;

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
  /** The call path that is looked at, and how another one is; without it only services can be chosen. */
  chosenCall?: Call | null;
  onChooseCall?: (call: Call) => void;
}

/** Services in layers from left to right; drag moves, the wheel zooms, a click chooses. The table has the same. */
export function Canvas({ graph, rates, chosen, needle, onChoose, chosenCall = null, onChooseCall }: Props): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const over = useRef<HTMLCanvasElement>(null);
  const { width, height } = useSize(box);
  const dark = useDark();
  const sizes = useMemo(() => {
    const usual = sizesOf(graph);
    return { ...usual, rowHeight: rowHeightFor(graph, usual, width, height) };
  }, [graph, width > 0, height > 0]);
  const layout = useMemo(() => laidOut(graph, sizes, sizes.rowHeight), [graph, sizes]);
  const places = useMemo(() => new Map(layout.nodes.map((node) => [node.name, node])), [layout]);
  const [view, setView] = useState<View>({ scale: 1, x: 0, y: 0 });
  const [hover, setHover] = useState<string | null>(null);
  const [hoverCall, setHoverCall] = useState<Call | null>(null);
  const drag = useRef<{ x: number; y: number; view: View; moved: boolean } | null>(null);
  const fit = (): void => setView(fitted(layout, sizes, width, height));
  useEffect(fit, [layout, width > 0, height > 0]);

  const focusCall = hover === null ? (hoverCall ?? chosenCall) : null;
  const focus = focusCall ? null : (hover ?? chosen);
  const hasFocus = focus !== null || focusCall !== null;
  const scene = { graph, places, frames: layout.frames, rates, chosen, needle, scale: view.scale, seen: { x: -view.x / view.scale, y: -view.y / view.scale, width: width / view.scale, height: height / view.scale }, sizes };
  const paint = (element: HTMLCanvasElement | null, part: "all" | "near"): void => {
    const context = element?.getContext("2d");
    if (!element || !context || width === 0) return;
    const pixels = window.devicePixelRatio || 1;
    element.width = Math.round(width * pixels);
    element.height = Math.round(height * pixels);
    context.setTransform(pixels * view.scale, 0, 0, pixels * view.scale, pixels * view.x, pixels * view.y);
    drawMap(context, { ...scene, focus: part === "near" ? focus : null, focusCall: part === "near" ? focusCall : null, palette: readPalette(element) }, part);
  };
  // Thousands of lines are not drawn again for each that the pointer meets: what is looked at lies over them.
  useLayoutEffect(() => paint(canvas.current, "all"), [graph, places, rates, view, chosen, needle, width, height, dark]);
  useLayoutEffect(() => paint(over.current, "near"), [graph, places, rates, view, focus, focusCall, chosen, needle, width, height, dark]);

  const at = (event: MouseEvent): Point => {
    const rect = box.current?.getBoundingClientRect();
    return { x: event.clientX - (rect?.left ?? 0), y: event.clientY - (rect?.top ?? 0) };
  };
  const nodeAt = (point: Point): string | null => {
    const x = (point.x - view.x) / view.scale;
    const y = (point.y - view.y) / view.scale;
    const node = layout.nodes.find((each) => x >= each.x && x <= each.x + sizes.width && y >= each.y && y <= each.y + sizes.height);
    // Of a frame its head; between the nodes in it the map can be dragged as anywhere.
    const frame = node ? undefined : layout.frames.find((each) => x >= each.x && x <= each.x + each.width && y >= each.y && y <= each.y + sizes.head);
    return (node ?? frame)?.name ?? null;
  };
  const callAt = (point: Point): Call | null => {
    // Where a line lies on each pixel, none of them is meant.
    if (!onChooseCall || (view.scale < TEXT_SCALE && graph.edges.length > MOST_MEANT)) return null;
    const place = { x: (point.x - view.x) / view.scale, y: (point.y - view.y) / view.scale };
    let found: Call | null = null;
    let nearest = REACH_PX / view.scale;
    for (const edge of graph.edges) {
      const from = places.get(edge.from);
      const to = places.get(edge.to);
      const distance = from && to ? distanceTo(curveOf(from, to, sizes), place, nearest) : Number.POSITIVE_INFINITY;
      if (distance > nearest) continue;
      found = edge;
      nearest = distance;
    }
    return found;
  };
  const look = (point: Point): void => {
    const name = nodeAt(point);
    setHover(name);
    setHoverCall(name === null ? callAt(point) : null);
  };
  const choose = (point: Point): void => {
    const name = nodeAt(point);
    const call = name === null ? callAt(point) : null;
    if (call) onChooseCall?.(call);
    else onChoose(name);
  };
  const zoom = (point: Point, factor: number): void => {
    const scale = Math.min(MAX_SCALE, Math.max(MIN_SCALE, view.scale * factor));
    setView({ scale, x: point.x - ((point.x - view.x) / view.scale) * scale, y: point.y - ((point.y - view.y) / view.scale) * scale });
  };
  return (
    <div
      ref={box}
      class={hover || hoverCall ? "map map-near" : "map"}
      title={hover ? titleOf(graph, hover) : hoverCall ? callTitle(hoverCall) : undefined}
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
        if (!current) return look(at(event));
        const dx = event.clientX - current.x;
        const dy = event.clientY - current.y;
        if (Math.hypot(dx, dy) > CLICK_PX) current.moved = true;
        if (current.moved) setView({ ...current.view, x: current.view.x + dx, y: current.view.y + dy });
      }}
      onPointerUp={(event) => {
        if (drag.current && !drag.current.moved) choose(at(event));
        drag.current = null;
      }}
      onPointerCancel={() => (drag.current = null)}
      onPointerLeave={() => (setHover(null), setHoverCall(null))}
    >
      <canvas ref={canvas} class={hasFocus ? "map-behind" : undefined} role="img" aria-label={`Map of ${wordsOf(graph)} and ${graph.edges.length} call paths; the table shows the same`} style={{ width: `${width}px`, height: `${height}px` }} />
      <canvas ref={over} class="map-over" aria-hidden="true" style={{ width: `${width}px`, height: `${height}px` }} />
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

function titleOf(graph: Graph, name: string): string {
  const group = graph.groups?.get(name);
  return group ? groupTitle(group) : name;
}

function wordsOf(graph: Graph): string {
  const closed = graph.nodes.filter((name) => graph.groups?.has(name)).length;
  return `${closed > 0 ? `${plural(closed, "namespace")}, ` : ""}${graph.nodes.length - closed} services`;
}

function laidOut(graph: Graph, sizes: MapSizes, rowHeight: number): FramedLayout {
  const frameOf = new Map([...(graph.groups ?? [])].flatMap(([id, group]) => (group.open ? group.members.map((node) => [node, id] as const) : [])));
  return framed(graph.nodes, graph.edges, frameOf, { ...sizes, rowHeight, mostOf: columnLength });
}

/** Rows farther apart where the screen is higher than the graph: its lines are easier to follow. */
function rowHeightFor(graph: Graph, sizes: MapSizes, width: number, height: number): number {
  if (width === 0 || height === 0) return sizes.rowHeight;
  const layout = laidOut(graph, sizes, sizes.rowHeight);
  const scale = Math.min(MAX_FIT, (width - 2 * MARGIN) / layout.width);
  const room = (height - 2 * MARGIN) / (layout.height * scale);
  const most = scale < TEXT_SCALE ? Math.max(MAX_STRETCH, NAMED_ROW_PX / (sizes.rowHeight * scale)) : MAX_STRETCH;
  return sizes.rowHeight * Math.min(most, Math.max(1, room));
}

function fitted(layout: FramedLayout, sizes: MapSizes, width: number, height: number): View {
  if (width === 0 || height === 0) return { scale: 1, x: 0, y: 0 };
  const usedWidth = layout.width - (sizes.columnWidth - sizes.width);
  const usedHeight = layout.height - (sizes.rowHeight - sizes.height);
  const scale = Math.min(MAX_FIT, Math.max(MIN_SCALE, Math.min((width - 2 * MARGIN) / usedWidth, (height - 2 * MARGIN) / usedHeight)));
  return { scale, x: (width - usedWidth * scale) / 2, y: (height - usedHeight * scale) / 2 };
}
