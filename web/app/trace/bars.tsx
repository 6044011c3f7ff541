import type { JSX } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { LogRecord } from "../api/types";
import { useDark } from "../lib/prefs";
import { paintRows, readPalette, type Geometry } from "./paint";
import type { TraceState } from "./use-view";

interface Props {
  state: TraceState;
  logsBySpan: Map<string, LogRecord[]>;
  geometry: Geometry;
  left: number;
  width: number;
  first: number;
  last: number;
}

/**
 * The bars of the rows that are in the page, on one canvas that scrolls with them: a row costs two elements
 * and not ten, and nothing is drawn again while the rows stay the same. What it shows stands in the rows as text too.
 */
export function Bars({ state, logsBySpan, geometry, left, width, first, last }: Props): JSX.Element {
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
    paintRows(context, state, logsBySpan, readPalette(element), geometry, first, last);
  }, [state.trace, state.rows, state.zoom.from, state.zoom.to, state.matchSet, state.showCritical, state.colours, logsBySpan, geometry.barWidth, geometry.rowHeight, width, height, first, last, dark]);
  return <canvas ref={canvas} class="bars" aria-hidden="true" style={{ left: `${left}px`, width: `${width}px`, height: `${height}px` }} />;
}
