import { setParams } from "../lib/router";

/** A part of a trace, in nanoseconds from its start. */
export interface Zoom {
  from: number;
  to: number;
}

export interface Zooming {
  /** From the earliest start to the latest end. */
  full: Zoom;
  /** The part that is shown. */
  zoom: Zoom;
  zoomed: boolean;
  setZoom: (zoom: Zoom | null) => void;
}

const MIN_ZOOM_NS = 10;
const LEAST_MARGIN_NS = 1000;

/** What the address says is shown of a trace. */
export function zooming(text: string | null, full: Zoom): Zooming {
  const zoom = readZoom(text, full);
  return {
    full,
    zoom: zoom ?? full,
    zoomed: zoom !== null,
    setZoom: (next) => setParams({ zoom: next ? `${Math.round(next.from)}-${Math.round(next.to)}` : null }, "replace"),
  };
}

/** `from-to` in nanoseconds, as far as it is within the trace. */
export function readZoom(text: string | null, full: Zoom): Zoom | null {
  const match = /^(-?\d+)-(-?\d+)$/.exec(text ?? "");
  if (!match) return null;
  const from = Math.max(full.from, Number(match[1]));
  const to = Math.min(full.to, Number(match[2]));
  return to > from ? { from, to } : null;
}

/** The zoom with one moment kept where it is. */
export function zoomedAt({ zoom, full }: Zooming, ns: number, factor: number): Zoom | null {
  const from = Math.max(full.from, ns - (ns - zoom.from) * factor);
  const to = Math.min(full.to, ns + (zoom.to - ns) * factor);
  if (from <= full.from && to >= full.to) return null;
  return to - from < MIN_ZOOM_NS ? zoom : { from, to };
}

/** The zoom moved by a share of its width, as far as there is something. */
export function panned({ zoom, full, zoomed }: Zooming, share: number): Zoom | null {
  if (!zoomed) return null;
  const span = zoom.to - zoom.from;
  const from = Math.min(full.to - span, Math.max(full.from, zoom.from + share * span));
  return { from, to: from + span };
}

/** What is taken hold of in the minimap: nothing, an end of the part that is shown, or all of it. */
export type Handle = "new" | "from" | "to" | "move";

/** The part after a drag from one moment to another. It stays within the trace; ends that pass each other change places. */
export function draggedZoom({ zoom, full }: Pick<Zooming, "zoom" | "full">, handle: Handle, start: number, end: number): Zoom {
  if (handle === "move") {
    const length = zoom.to - zoom.from;
    const from = Math.min(full.to - length, Math.max(full.from, zoom.from + end - start));
    return { from, to: from + length };
  }
  const fixed = handle === "new" ? start : handle === "from" ? zoom.to : zoom.from;
  const moved = handle === "new" ? end : Math.min(full.to, Math.max(full.from, (handle === "from" ? zoom.from : zoom.to) + end - start));
  return { from: Math.min(fixed, moved), to: Math.max(fixed, moved) };
}

/** A time with a little room on both sides. */
export function zoomAround(from: number, to: number): Zoom {
  const margin = Math.max(LEAST_MARGIN_NS, (to - from) * 0.05);
  return { from: from - margin, to: to + margin };
}

/** The keys that zoom and pan. */
export function zoomKeys(state: Zooming): Record<string, () => void> {
  const middle = (state.zoom.from + state.zoom.to) / 2;
  return {
    w: () => state.setZoom(zoomedAt(state, middle, 0.6)),
    s: () => state.setZoom(zoomedAt(state, middle, 1.7)),
    a: () => state.setZoom(panned(state, -0.25)),
    d: () => state.setZoom(panned(state, 0.25)),
    "0": () => state.setZoom(null),
  };
}
