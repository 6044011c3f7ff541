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

/** The scroll position that shows `index`: one row on moves one row on, a jump puts it in the middle. */
export function scrollToShow(index: number, scrollTop: number, height: number, rowHeight: number): number {
  const top = index * rowHeight;
  const bottom = top + rowHeight;
  if (top >= scrollTop && bottom <= scrollTop + height) return scrollTop;
  const isNear = bottom > scrollTop - 3 * rowHeight && top < scrollTop + height + 3 * rowHeight;
  if (!isNear) return Math.max(0, top - (height - rowHeight) / 2);
  return top < scrollTop ? top : bottom - height;
}
