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

/** The scroll position that shows `index`, moving as little as needed. */
export function scrollToShow(index: number, scrollTop: number, height: number, rowHeight: number): number {
  const top = index * rowHeight;
  if (top < scrollTop) return top;
  if (top + rowHeight > scrollTop + height) return top + rowHeight - height;
  return scrollTop;
}
