import type { Placed } from "../lib/graph";

export interface Point {
  x: number;
  y: number;
}

/** A cubic curve: where it begins, what bends it, where it ends. */
export type Curve = readonly [Point, Point, Point, Point];

const LOOP_X = 40;
const LOOP_Y = 34;

/** From the right edge of the caller to the left edge of the called; backwards and within a column in a bow. */
export function curveOf(from: Placed, to: Placed, { width, height }: { width: number; height: number }): Curve {
  const a = { x: from.x + width, y: from.y + height / 2 };
  const b = { x: to.x, y: to.y + height / 2 };
  if (from.name === to.name) return [a, { x: a.x + LOOP_X, y: a.y - LOOP_Y }, { x: b.x - LOOP_X, y: a.y - LOOP_Y }, b];
  const bend = b.x > a.x ? (b.x - a.x) / 2 : 60 + Math.abs(b.x - a.x) * 0.2;
  return [a, { x: a.x + bend, y: a.y }, { x: b.x - bend, y: b.y }, b];
}

const PIECES = 24;

/** How far a point is from a curve, as long as that is less than `most`; else infinitely. */
export function distanceTo(curve: Curve, point: Point, most: number): number {
  const xs = curve.map(({ x }) => x);
  const ys = curve.map(({ y }) => y);
  // A curve stays between the points that make it.
  const isFar = point.x < Math.min(...xs) - most || point.x > Math.max(...xs) + most || point.y < Math.min(...ys) - most || point.y > Math.max(...ys) + most;
  if (isFar) return Number.POSITIVE_INFINITY;
  let nearest = Number.POSITIVE_INFINITY;
  let last = curve[0];
  for (let piece = 1; piece <= PIECES; piece += 1) {
    const next = pointAt(curve, piece / PIECES);
    nearest = Math.min(nearest, toLine(point, last, next));
    last = next;
  }
  return nearest <= most ? nearest : Number.POSITIVE_INFINITY;
}

function pointAt([a, b, c, d]: Curve, t: number): Point {
  const u = 1 - t;
  const [p, q, r, s] = [u * u * u, 3 * u * u * t, 3 * u * t * t, t * t * t];
  return { x: p * a.x + q * b.x + r * c.x + s * d.x, y: p * a.y + q * b.y + r * c.y + s * d.y };
}

function toLine(point: Point, from: Point, to: Point): number {
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const length = dx * dx + dy * dy;
  const share = length === 0 ? 0 : Math.min(1, Math.max(0, ((point.x - from.x) * dx + (point.y - from.y) * dy) / length));
  return Math.hypot(point.x - from.x - share * dx, point.y - from.y - share * dy);
}
