import type { JSX } from "preact";
import { change } from "../lib/before";
import { percent } from "../lib/format";

interface Props {
  now: number;
  before: number;
  /** What the figure was, in words. */
  was: string;
  /** More of it is bad; of some figures it is neither. */
  moreIsWorse: boolean;
  /** The figure is a share itself: a percentage of a percentage misleads, so it says what it was. */
  share?: boolean;
}

/** How a figure differs from the period before. */
export function Delta({ now, before, was, moreIsWorse, share = false }: Props): JSX.Element {
  const found = change(now, before);
  // What is written the same is the same to whoever reads it.
  const { text, direction } = share && percent(now, 1) === was ? { text: "same", direction: 0 } : found;
  const kind = direction === 0 || !moreIsWorse ? "delta-even" : direction > 0 ? "delta-slow" : "delta-quick";
  return (
    <span class={`delta number ${kind}`} title={`In the period before: ${was}`}>
      {share && direction !== 0 ? `was ${was}` : text}
    </span>
  );
}
