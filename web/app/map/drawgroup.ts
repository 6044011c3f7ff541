import { plural } from "../lib/format";
import type { Placed } from "../lib/graph";
import { shortened } from "../lib/shorten";
import type { Scene } from "./draw";
import { labelOf, type Group } from "./namespaces";

const RADIUS = 9;
/** Of the sheets that look out behind a namespace: there is more than one of something. */
const SHEETS = [6, 3];
const NAME_PX = 12.5;
const LEFT = 14;
/** The triangle that says that a click closes it. */
const MARK = 4;

/** What lies behind the node of a closed namespace. */
export function drawGroup(context: CanvasRenderingContext2D, node: Placed, group: Group, { sizes, palette }: Scene): void {
  const { strokeStyle, fillStyle } = context;
  for (const sheet of SHEETS) {
    context.beginPath();
    context.roundRect(node.x + sheet, node.y + sheet, sizes.width - sheet, sizes.height - sheet + sheet / 2, 5);
    context.fill();
    context.stroke();
  }
  if (!group.cyclic) return;
  // Calls in a circle within it have no line of their own.
  context.strokeStyle = palette.warn;
  context.setLineDash([6, 3]);
  context.beginPath();
  context.roundRect(node.x - 3, node.y - 3, sizes.width + 9, sizes.height + 9, 7);
  context.stroke();
  context.setLineDash([]);
  context.strokeStyle = strokeStyle;
  context.fillStyle = fillStyle;
}

/** The frames of open namespaces, behind all that is in them, each with its name at its head where that can be read. */
export function drawFrames(context: CanvasRenderingContext2D, { graph, frames, scale, sizes, palette }: Scene, named: boolean): void {
  context.globalAlpha = 1;
  for (const { name, x, y, width, height } of frames) {
    const group = graph.groups?.get(name);
    if (!group) continue;
    context.fillStyle = palette.of("--sunken");
    context.strokeStyle = palette.strong;
    context.lineWidth = 1 / Math.min(1, scale);
    context.beginPath();
    context.roundRect(x, y, width, height, RADIUS);
    context.fill();
    context.stroke();
    if (!named) continue;
    const middle = y + sizes.head / 2 + 1;
    context.fillStyle = palette.muted;
    context.beginPath();
    context.moveTo(x + LEFT - MARK, middle - MARK / 2);
    context.lineTo(x + LEFT + MARK, middle - MARK / 2);
    context.lineTo(x + LEFT, middle + MARK / 2 + 1);
    context.closePath();
    context.fill();
    context.textBaseline = "middle";
    context.font = palette.font.replace(/^\S+/, `600 ${NAME_PX}px`);
    const title = `${labelOf(group.name)} · ${plural(group.services, "service")}`;
    context.fillStyle = palette.text;
    context.fillText(shortened(title, width - LEFT * 2 - MARK * 2, (part) => context.measureText(part).width), x + LEFT + MARK * 2.5, middle);
  }
}
