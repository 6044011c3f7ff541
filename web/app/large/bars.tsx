import type { JSX } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { WindowRow } from "../api/types";
import { serviceSlot } from "../lib/colour";
import { duration } from "../lib/format";
import { useDark } from "../lib/prefs";
import { readPalette, type Geometry, type Palette } from "../trace/paint";
import type { LargeState } from "./use-large";

const BAR = 10;

interface Props {
  state: LargeState;
  geometry: Geometry;
  left: number;
  width: number;
  first: number;
  last: number;
}

/** The bars of the rows that are in the page, on one canvas that scrolls with them; rows say the same in words. */
export function LargeBars({ state, geometry, left, width, first, last }: Props): JSX.Element {
  const canvas = useRef<HTMLCanvasElement>(null);
  const dark = useDark();
  const height = Math.max(0, last - first) * geometry.rowHeight;
  useLayoutEffect(() => {
    const element = canvas.current;
    const context = element?.getContext("2d");
    if (!element || !context || width <= 0) return;
    const scale = window.devicePixelRatio || 1;
    element.width = Math.round(width * scale);
    element.height = Math.round(height * scale);
    context.scale(scale, scale);
    const palette = readPalette(element);
    context.font = palette.font;
    context.textBaseline = "middle";
    state.items.slice(first, last).forEach((item, at) => {
      if (item.kind === "row") paintBar(context, item.row, state.zoom.from, palette, geometry, at * geometry.rowHeight + geometry.barTop);
    });
  }, [state.items, state.zoom.from, state.zoom.to, geometry.barWidth, geometry.rowHeight, width, height, first, last, dark]);
  return <canvas ref={canvas} class="bars" aria-hidden="true" style={{ left: `${left}px`, width: `${width}px`, height: `${height}px` }} />;
}

/** Light where a span has others below it: which part is its own work is not in a window. */
function paintBar(context: CanvasRenderingContext2D, row: WindowRow, zoomFrom: number, palette: Palette, { barWidth, perNs }: Geometry, top: number): void {
  const left = (row.start_offset_ns - zoomFrom) * perNs;
  const right = left + row.duration_ns * perNs;
  context.globalAlpha = 1;
  if (left > barWidth || right < 0) {
    context.fillStyle = palette.muted;
    context.fillText(left > barWidth ? "›" : "‹", left > barWidth ? barWidth - 4 : 2, top + BAR / 2);
    return;
  }
  const from = Math.max(0, left);
  const width = Math.max(2, Math.min(barWidth, right) - from);
  context.fillStyle = row.error ? palette.error : (palette.services[serviceSlot(row.service_name)] ?? palette.muted);
  context.globalAlpha = row.child_count > 0 && width > 6 ? 0.5 : 1;
  context.beginPath();
  context.roundRect(from, top, width, BAR, 2);
  context.fill();
  context.globalAlpha = 1;
  context.fillStyle = palette.muted;
  context.fillText(duration(row.duration_ns), from + width + 6, top + BAR / 2 + 0.5);
}
