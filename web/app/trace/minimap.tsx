import type { JSX } from "preact";
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import type { Timeline } from "../api/types";
import type { Colouring } from "../lib/paintby";
import { useDark } from "../lib/prefs";
import { useSize } from "../lib/size";
import { readPalette } from "./paint";
import type { TraceState } from "./use-view";
import { draggedZoom, type Handle, type Zoom, type Zooming } from "./zoom";

export const MINIMAP_HEIGHT = 44;
const HEIGHT = MINIMAP_HEIGHT;
const MIN_DRAG = 4;

/** The whole trace in little. */
export function Minimap({ state }: { state: TraceState }): JSX.Element {
  const paint = useCallback((canvas: HTMLCanvasElement, width: number) => draw(canvas, state.trace, state.colours, state.full, width), [state.trace, state.colours]);
  return <MinimapFrame state={state} paint={paint} />;
}

/** A strip over the whole trace; a drag over it zooms the timeline, and what is shown has ends and a grip to take hold of. */
export function MinimapFrame({ state, paint }: { state: Zooming; paint: (canvas: HTMLCanvasElement, width: number) => void }): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const { width } = useSize(box);
  const dark = useDark();
  const [drag, setDrag] = useState<{ handle: Handle; from: number; to: number } | null>(null);
  const full = state.full;
  const span = full.to - full.from;

  useEffect(() => {
    if (canvas.current && width > 0) paint(canvas.current, width);
  }, [paint, width, dark]);

  const xOf = (event: PointerEvent): number => Math.min(width, Math.max(0, event.clientX - (box.current?.getBoundingClientRect().left ?? 0)));
  const nsOf = (x: number): number => full.from + (x / width) * span;
  const percent = (ns: number): number => ((ns - full.from) / span) * 100;
  const shown = drag ? draggedZoom(state, drag.handle, nsOf(drag.from), nsOf(drag.to)) : state.zoom;
  const release = (): void => {
    if (!drag) return;
    setDrag(null);
    const isClick = Math.abs(drag.to - drag.from) < MIN_DRAG;
    if (!isClick) state.setZoom(shown);
    else if (drag.handle === "new") state.setZoom(null);
  };
  const left = percent(shown.from);
  const right = percent(shown.to);
  return (
    <div
      ref={box}
      class="minimap"
      style={{ height: `${HEIGHT}px` }}
      title="Drag to zoom, click for the whole trace"
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        const x = xOf(event);
        setDrag({ handle: handleOf(event.target), from: x, to: x });
      }}
      onPointerMove={(event) => drag && setDrag({ ...drag, to: xOf(event) })}
      onPointerUp={release}
      onPointerCancel={() => setDrag(null)}
    >
      <canvas ref={canvas} aria-hidden="true" />
      {(state.zoomed || drag !== null) && (
        <>
          <div class="minimap-veil" style={{ left: "0", width: `${left}%` }} />
          <div class="minimap-veil" style={{ left: `${right}%`, right: "0" }} />
          <div class="minimap-frame" style={{ left: `${left}%`, width: `${right - left}%` }} />
        </>
      )}
      {state.zoomed && (
        <>
          <i class="minimap-grip" data-handle="move" title="Drag to move what is shown" style={{ left: `${left}%`, width: `${right - left}%` }} />
          <i class="minimap-end" data-handle="from" title="Drag to where it begins" style={{ left: `${left}%` }} />
          <i class="minimap-end" data-handle="to" title="Drag to where it ends" style={{ left: `${right}%` }} />
        </>
      )}
    </div>
  );
}

const HANDLES: readonly Handle[] = ["from", "to", "move"];

const handleOf = (target: EventTarget | null): Handle => (target instanceof HTMLElement && HANDLES.find((handle) => handle === target.dataset["handle"])) || "new";

/** The canvas in the size of the strip, as sharp as the screen. */
export function contextOf(canvas: HTMLCanvasElement, width: number): CanvasRenderingContext2D | null {
  const scale = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(HEIGHT * scale);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${HEIGHT}px`;
  const context = canvas.getContext("2d");
  context?.scale(scale, scale);
  return context;
}

function draw(canvas: HTMLCanvasElement, { spans }: Timeline, colours: Colouring, full: Zoom, width: number): void {
  const context = contextOf(canvas, width);
  if (!context) return;
  const palette = readPalette(canvas);
  const faint = spans.length > 200 ? 0.75 : 1;
  const range = full.to - full.from;
  const rowHeight = (HEIGHT - 8) / spans.length;
  const thick = Math.min(4, Math.max(1, rowHeight * 0.7));
  const paint = (errors: boolean): void => {
    spans.forEach((span, index) => {
      const isError = span.status_code === "ERROR";
      if (isError !== errors) return;
      const { token, strength } = colours.of(span);
      context.globalAlpha = strength * (isError ? 1 : faint);
      context.fillStyle = palette.of(token);
      const x = ((span.start_offset_ns - full.from) / range) * width;
      const w = Math.max(1, (span.duration_ns / range) * width);
      context.fillRect(x, 4 + index * rowHeight, w, isError ? Math.max(1.5, thick) : thick);
    });
  };
  // Many rows lie on one pixel: errors go on top of them.
  paint(false);
  paint(true);
}
