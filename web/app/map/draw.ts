import type { Service } from "../api/types";
import { serviceSlot } from "../lib/colour";
import { compact, percent, plural } from "../lib/format";
import type { Frame } from "../lib/framed";
import type { Placed } from "../lib/graph";
import { namesThatFit, type Box } from "../lib/names";
import { shortened } from "../lib/shorten";
import type { Palette } from "../trace/paint";
import { curveOf } from "./curve";
import { nodesOf, type Call, type Graph } from "./graph";
import { drawFrames, drawGroup } from "./drawgroup";
import { labelOf } from "./namespaces";

/** Below this, names in nodes would be specks: they stand over them. */
export const TEXT_SCALE = 0.6;
const NAME_PX = 12.5;
const FIGURE_PX = 11;
/** Of names over nodes that are too small for them, on the screen. */
const OVER_PX = 11;
const OVER_LINE = 14;
const OVER_MOST = 110;
/** Of so many at most it is found out whether their names fit. */
const MOST_OVER = 300;

/** Of a node, and how far nodes are apart. */
export interface MapSizes {
  width: number;
  height: number;
  columnWidth: number;
  rowHeight: number;
  /** Around the nodes of an open namespace, and above them for its name. */
  pad: number;
  head: number;
  /** Nodes have a second line. */
  figures: boolean;
}

/** A share of failures that is said in red; the bar shows any. */
const WORTH_RED = 0.01;

/** In a graph of more, nobody reads figures. */
const MOST_WITH_FIGURES = 60;

const FRAME = { pad: 14, head: 34 };

export const sizesOf = (graph: Graph): MapSizes =>
  graph.nodes.length <= MOST_WITH_FIGURES ? { width: 152, height: 40, columnWidth: 208, rowHeight: 56, figures: true, ...FRAME } : { width: 150, height: 26, columnWidth: 240, rowHeight: 40, figures: false, ...FRAME };

/** What is drawn, and how it is looked at. */
export interface Scene {
  graph: Graph;
  places: Map<string, Placed>;
  /** Of open namespaces. */
  frames: readonly Frame[];
  rates: Map<string, Service>;
  focus: string | null;
  /** A call path in place of a service. */
  focusCall: Call | null;
  chosen: string | null;
  needle: string;
  scale: number;
  /** The part of the map that is on the screen. */
  seen: Box;
  sizes: MapSizes;
  palette: Palette;
}

/** All of the map, callers before what they call; or only what is looked at with its neighbours, to lie over the whole. */
export function drawMap(context: CanvasRenderingContext2D, scene: Scene, part: "all" | "near"): void {
  const { graph, places, focus, focusCall, scale, sizes, palette } = scene;
  // An open namespace is looked at with all that is in it.
  const looked = new Set(focus === null ? [] : graph.groups?.get(focus)?.open ? nodesOf(graph, focus) : [focus]);
  const near = new Set(focusCall ? [focusCall.from, focusCall.to] : [...looked, ...graph.edges.flatMap((edge) => (looked.has(edge.from) ? [edge.to] : looked.has(edge.to) ? [edge.from] : []))]);
  if (part === "all") drawFrames(context, scene, scale >= TEXT_SCALE);
  const most = Math.log(1 + Math.max(1, ...graph.edges.map((edge) => edge.calls)));
  for (const edge of graph.edges) {
    const from = places.get(edge.from);
    const to = places.get(edge.to);
    if (!from || !to) continue;
    const touches = focusCall ? edge === focusCall : looked.has(edge.from) || looked.has(edge.to);
    if (part === "near" && !touches) continue;
    const cyclic = graph.cyclic.has(edge);
    context.globalAlpha = touches ? 1 : graph.edges.length > 400 ? 0.3 : 0.75;
    context.strokeStyle = cyclic ? palette.warn : touches ? palette.text : palette.muted;
    context.lineWidth = (0.6 + (1.9 * Math.log(1 + edge.calls)) / most) / Math.max(0.4, Math.min(1, scale * 1.6));
    context.setLineDash(cyclic ? [6, 3] : []);
    drawEdge(context, from, to, sizes);
  }
  context.setLineDash([]);
  context.textBaseline = "middle";
  const called = new Map<string, number>();
  for (const { from, to, calls } of graph.edges) {
    called.set(to, (called.get(to) ?? 0) + calls);
    // Nobody calls clients.
    if (graph.others.get(from)?.kind === "client") called.set(from, (called.get(from) ?? 0) + calls);
  }
  for (const node of places.values()) if (part === "all" || near.has(node.name)) drawNode(context, node, scene, near, called.get(node.name) ?? 0);
  context.globalAlpha = 1;
  if (scale < TEXT_SCALE) drawNames(context, scene, near, called);
}

/** Whether a node stands back behind what is looked at or searched for. */
const isDim = ({ name }: Placed, { graph, focus, focusCall, needle }: Scene, near: Set<string>): boolean =>
  ((focus !== null || focusCall !== null) && !near.has(name)) || (needle !== "" && ![name, ...nodesOf(graph, name)].some((each) => each.toLowerCase().includes(needle)));

/** What a node is called where it says nothing else. */
const nameOf = (graph: Graph, name: string): string => {
  const group = graph.groups?.get(name);
  return group ? `${labelOf(group.name)} · ${group.services}` : (graph.others.get(name)?.name ?? name);
};

/** Where nodes are too small for their names: those of what is looked at and of the busiest, as far as there is room. */
function drawNames(context: CanvasRenderingContext2D, scene: Scene, near: Set<string>, called: Map<string, number>): void {
  const { graph, places, frames, rates, focus, scale, sizes, palette, seen } = scene;
  const weight = ({ name }: Placed): number => (name === focus ? Number.POSITIVE_INFINITY : Math.max(called.get(name) ?? 0, rates.get(name)?.span_count ?? 0));
  const open = frames.map(({ name, x, y, width }) => ({ name: nameOf(graph, name), x, y, width, height: sizes.head }));
  const wanted = [...places.values()]
    .filter((node) => !isDim(node, scene, near))
    .sort((a, b) => weight(b) - weight(a))
    .slice(0, MOST_OVER)
    .map(({ name, x, y }) => ({ name: nameOf(graph, name), x, y, width: sizes.width, height: sizes.height }));
  context.font = palette.font.replace(/^\S+/, `${OVER_PX / scale}px`);
  const labels = namesThatFit([...open, ...wanted], { seen, lineHeight: OVER_LINE / scale, most: OVER_MOST / scale, measure: (text) => context.measureText(text).width });
  context.lineJoin = "round";
  context.lineWidth = 3 / scale;
  context.strokeStyle = palette.of("--bg");
  context.fillStyle = palette.text;
  for (const { text, x, y } of labels) {
    context.strokeText(text, x, y);
    context.fillText(text, x, y);
  }
}

function drawEdge(context: CanvasRenderingContext2D, from: Placed, to: Placed, sizes: MapSizes): void {
  const [start, bend, other, end] = curveOf(from, to, sizes);
  context.beginPath();
  context.moveTo(start.x, start.y);
  context.bezierCurveTo(bend.x, bend.y, other.x, other.y, end.x, end.y);
  context.stroke();
  context.beginPath();
  context.moveTo(end.x, end.y);
  context.lineTo(end.x - 6, end.y - 3.5);
  context.lineTo(end.x - 6, end.y + 3.5);
  context.closePath();
  context.fillStyle = context.strokeStyle;
  context.fill();
}

function drawNode(context: CanvasRenderingContext2D, node: Placed, scene: Scene, near: Set<string>, calls: number): void {
  const { graph, rates, chosen, scale, sizes, palette } = scene;
  const group = graph.groups?.get(node.name);
  const { width, height } = sizes;
  const rate = rates.get(node.name);
  const failing = rate && rate.span_count > 0 ? rate.error_count / rate.span_count : 0;
  const dim = isDim(node, scene, near);
  const other = graph.others.get(node.name);
  const service = other || group ? palette.muted : (palette.services[serviceSlot(node.name)] ?? palette.muted);
  context.globalAlpha = dim ? 0.25 : 1;
  context.fillStyle = palette.surface;
  context.strokeStyle = node.name === chosen ? palette.text : other ? palette.muted : palette.strong;
  context.lineWidth = node.name === chosen ? 2 : 1;
  if (group) drawGroup(context, node, group, scene);
  // What sends no spans is not one of ours: a pill with a broken rim.
  context.setLineDash(other ? [4, 3] : []);
  context.beginPath();
  context.roundRect(node.x, node.y, width, height, other ? Math.min(16, height / 2) : 5);
  context.fill();
  context.stroke();
  context.setLineDash([]);
  context.fillStyle = service;
  if (!other && !group) context.fillRect(node.x, node.y + 4, 3, height - 8);
  if (failing > 0) {
    // A bar along the foot: the share of spans in error.
    context.fillStyle = palette.error;
    context.fillRect(node.x + 5, node.y + height - 3, Math.max(4, (width - 10) * failing), 2);
  }
  if (scale < TEXT_SCALE) {
    // Without its name a colour says nothing, but that something fails does.
    context.globalAlpha *= failing >= WORTH_RED ? 1 : 0.7;
    context.fillStyle = failing >= WORTH_RED ? palette.error : near.has(node.name) ? palette.text : palette.muted;
    context.fillRect(node.x, node.y, width, height);
    return;
  }
  const left = other ? 14 : 11;
  const room = width - left - (other ? 10 : 6);
  const write = (text: string, y: number): void => context.fillText(shortened(text, room, (part) => context.measureText(part).width), node.x + left, node.y + y);
  context.fillStyle = palette.text;
  context.font = palette.font.replace(/^\S+/, `${sizes.figures ? "500 " : ""}${NAME_PX}px`);
  write(group && !sizes.figures ? nameOf(graph, node.name) : group ? labelOf(group.name) : sizes.figures && other ? other.name : node.name, sizes.figures ? height * 0.34 : height / 2 + 0.5);
  if (!sizes.figures) return;
  context.font = palette.font.replace(/^\S+/, `${FIGURE_PX}px`);
  context.fillStyle = failing >= WORTH_RED ? palette.errorText : palette.muted;
  const spans = failing > 0 ? `${compact(rate?.span_count ?? 0)} · ${percent(failing, 1)} failed` : `${compact(rate?.span_count ?? 0)} spans`;
  const figures = other ? `${other.system && other.system !== other.name ? other.system : other.kind} · ${compact(calls)} ${calls === 1 ? "call" : "calls"}` : group ? plural(group.services, "service") + (failing > 0 ? ` · ${percent(failing, 1)} failed` : "") : spans;
  write(figures, height * 0.7);
}
