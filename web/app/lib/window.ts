export interface Window {
  first: number;
  last: number;
}

/** Which rows to put into the page: those in sight and `overscan` more on either side. `last` is exclusive. */
export function rowWindow(scrollTop: number, height: number, rowHeight: number, count: number, overscan: number): Window {
  const first = Math.max(0, Math.floor(scrollTop / rowHeight) - overscan);
  const last = Math.min(count, Math.ceil((scrollTop + height) / rowHeight) + overscan);
  return { first: Math.min(first, Math.max(0, count - 1)), last: Math.max(last, 0) };
}

/** The same for rows of different heights; `offsets[i]` is where row `i` begins, and the last entry where all end. */
export function offsetWindow(scrollTop: number, height: number, offsets: Float64Array, overscan: number): Window {
  const count = offsets.length - 1;
  if (count <= 0) return { first: 0, last: 0 };
  const first = rowAt(offsets, scrollTop);
  const last = rowAt(offsets, scrollTop + height) + 1;
  return { first: Math.max(0, first - overscan), last: Math.min(count, last + overscan) };
}

/** The row at a distance from the top, by halving. */
export function rowAt(offsets: Float64Array, y: number): number {
  let low = 0;
  let high = offsets.length - 2;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((offsets[middle] ?? 0) <= y) low = middle;
    else high = middle - 1;
  }
  return Math.max(0, low);
}

export function offsetsOf(count: number, heightOf: (index: number) => number): Float64Array {
  const offsets = new Float64Array(count + 1);
  for (let index = 0; index < count; index += 1) offsets[index + 1] = (offsets[index] ?? 0) + heightOf(index);
  return offsets;
}

/** How many lines text takes when it is broken after `fit` characters, wherever that is; at most `most`. */
export function wrappedLines(text: string, fit: number, most: number): number {
  const width = Math.max(1, fit);
  let lines = 0;
  for (let from = 0; lines < most; ) {
    const end = text.indexOf("\n", from);
    const length = (end === -1 ? text.length : end) - from;
    lines += Math.max(1, Math.ceil(length / width));
    if (end === -1) break;
    from = end + 1;
  }
  return Math.min(most, Math.max(1, lines));
}

/** The scroll position that shows a row: one row on moves one row on, a jump puts it in the middle. */
export function scrollToShow(top: number, rowHeight: number, scrollTop: number, height: number): number {
  const bottom = top + rowHeight;
  if (top >= scrollTop && bottom <= scrollTop + height) return scrollTop;
  const isNear = bottom > scrollTop - 3 * rowHeight && top < scrollTop + height + 3 * rowHeight;
  if (!isNear || rowHeight > height) return Math.max(0, top - Math.max(0, height - rowHeight) / 2);
  return top < scrollTop ? top : bottom - height;
}
