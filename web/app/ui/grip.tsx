import type { JSX } from "preact";
import { useState } from "preact/hooks";

const STEP_PX = 24;

interface Props {
  class: string;
  label: string;
  size: number;
  /** Whether what is sized lies to the right of the grip: then a move to the left makes it wider. */
  reversed?: boolean;
  onSize: (size: number) => void;
}

/** A line that is dragged, or moved with the arrow keys, to make something wider. */
export function Grip({ label, size, reversed = false, onSize, ...rest }: Props): JSX.Element {
  const [drag, setDrag] = useState<number | null>(null);
  const sign = reversed ? -1 : 1;
  return (
    <div
      class={rest.class}
      role="separator"
      aria-orientation="vertical"
      aria-label={label}
      aria-valuenow={Math.round(size)}
      title={label}
      tabIndex={0}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        setDrag(size - sign * event.clientX);
      }}
      onPointerMove={(event) => drag !== null && onSize(drag + sign * event.clientX)}
      onPointerUp={() => setDrag(null)}
      onPointerCancel={() => setDrag(null)}
      onKeyDown={(event) => {
        const by = event.key === "ArrowLeft" ? -STEP_PX : event.key === "ArrowRight" ? STEP_PX : 0;
        if (by === 0) return;
        event.preventDefault();
        event.stopPropagation();
        onSize(size + sign * by);
      }}
    />
  );
}
