import { useState } from "preact/hooks";

const THRESHOLD = 4;

export interface Brush {
  /** Where the pointer is, from the left. */
  x: number | null;
  /** What is being marked, once it is more than a click. */
  marked: { from: number; to: number } | null;
  handlers: {
    onPointerDown: (event: PointerEvent & { currentTarget: Element }) => void;
    onPointerMove: (event: PointerEvent & { currentTarget: Element }) => void;
    onPointerLeave: () => void;
    onPointerUp: () => void;
    onPointerCancel: () => void;
  };
}

/** Marking a part of a chart with the pointer. `onDone` is told the part, or one point twice for a click. */
export function useBrush(width: number, onDone: (from: number, to: number) => void): Brush {
  const [x, setX] = useState<number | null>(null);
  const [drag, setDrag] = useState<{ from: number; to: number } | null>(null);
  const ends = drag && ([Math.min(drag.from, drag.to), Math.max(drag.from, drag.to)] as const);
  const isMarked = ends !== null && ends[1] - ends[0] >= THRESHOLD;
  const place = (event: PointerEvent & { currentTarget: Element }): number => Math.min(width, Math.max(0, event.clientX - event.currentTarget.getBoundingClientRect().left));
  return {
    x,
    marked: isMarked ? { from: ends[0], to: ends[1] } : null,
    handlers: {
      onPointerDown: (event) => {
        if (event.button !== 0) return;
        event.currentTarget.setPointerCapture(event.pointerId);
        const at = place(event);
        setDrag({ from: at, to: at });
      },
      onPointerMove: (event) => {
        const at = place(event);
        setX(at);
        if (drag) setDrag({ ...drag, to: at });
      },
      onPointerLeave: () => setX(null),
      onPointerUp: () => {
        setDrag(null);
        if (!ends || width === 0) return;
        if (isMarked) onDone(ends[0], ends[1]);
        else onDone(ends[0], ends[0]);
      },
      onPointerCancel: () => setDrag(null),
    },
  };
}
