import type { JSX } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { useDark } from "../lib/prefs";
import type { Place } from "./frame";
import { readPalette, type Geometry, type Palette } from "./paint";

/** Draws the rows `first` to `last` (exclusive), the first of them at the top. */
export type PaintRows = (context: CanvasRenderingContext2D, palette: Palette, geometry: Geometry, first: number, last: number) => void;

/**
 * The bars of the rows that are in the page, on one canvas that scrolls with them: a row costs two elements
 * and not ten, and nothing is drawn again while `paint` and the place stay the same. What it shows stands in the
 * rows as text too.
 */
export function Bars({ place, paint }: { place: Place; paint: PaintRows }): JSX.Element {
  const canvas = useRef<HTMLCanvasElement>(null);
  const dark = useDark();
  const { geometry, left, width, first, last } = place;
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
    paint(context, palette, geometry, first, last);
  }, [paint, geometry.barWidth, geometry.rowHeight, geometry.perNs, width, height, first, last, dark]);
  return <canvas ref={canvas} class="bars" aria-hidden="true" style={{ left: `${left}px`, width: `${width}px`, height: `${height}px` }} />;
}
