import { shortened } from "./shorten";

/** A rectangle of a drawing, in the drawing's own units. */
export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** A name as it is to be written, the middle of its line at `y`. */
export interface Label {
  /** Of what. */
  name: string;
  text: string;
  x: number;
  y: number;
}

interface Room {
  /** What is in sight: no name leaves it. */
  seen: Box;
  lineHeight: number;
  /** A longer name is shortened. */
  most: number;
  measure: (text: string) => number;
}

/**
 * Names over boxes that are too small to hold them, the most wanted first: each is written where it covers no name
 * before it, or not at all. The work grows with the names looked at times those written, and a screen has room for few.
 */
export function namesThatFit(wanted: readonly (Box & { name: string })[], { seen, lineHeight, most, measure }: Room): Label[] {
  const taken: Box[] = [];
  const labels: Label[] = [];
  for (const box of wanted) {
    if (!overlap(box, seen)) continue;
    const text = shortened(box.name, Math.min(most, seen.width), measure);
    const width = measure(text);
    const x = Math.min(Math.max(box.x + (box.width - width) / 2, seen.x), seen.x + seen.width - width);
    const top = Math.max(seen.y, box.y - lineHeight);
    const own = { x: x - lineHeight / 4, y: top, width: width + lineHeight / 2, height: lineHeight };
    if (taken.some((other) => overlap(own, other))) continue;
    taken.push(own);
    labels.push({ name: box.name, text, x, y: top + lineHeight / 2 });
  }
  return labels;
}

const overlap = (a: Box, b: Box): boolean => a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
