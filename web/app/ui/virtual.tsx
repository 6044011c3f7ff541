import type { ComponentChildren, JSX, Ref } from "preact";
import { useEffect, useImperativeHandle, useLayoutEffect, useRef, useState } from "preact/hooks";
import { useSize } from "../lib/size";
import { offsetWindow, rowWindow, scrollToShow } from "../lib/window";

export interface VirtualHandle {
  show: (index: number) => void;
  toEnd: () => void;
  /** Moves the rows by so many without moving what is seen: rows came or went above. */
  shift: (rows: number) => void;
}

interface Props {
  count: number;
  rowHeight: number;
  /** Where each row begins, when they differ in height; the last entry is where all end. */
  offsets?: Float64Array | null;
  renderRow: (index: number) => ComponentChildren;
  /** Drawn with the rows `first` to `last` (exclusive), and scrolls with them. */
  renderOver?: (first: number, last: number) => ComponentChildren;
  /** Called when the last rows come into sight. */
  onEnd?: () => void;
  initialScroll?: number;
  /** `atEnd`: the last row is in sight, or nearly. */
  onScroll?: ((scrollTop: number, atEnd: boolean) => void) | undefined;
  handle?: Ref<VirtualHandle>;
  /** Stays at the top, over the rows. */
  header?: ComponentChildren;
  headerHeight?: number;
  footer?: ComponentChildren;
  class?: string;
  role?: "group" | "listbox" | "treegrid";
  label: string;
  /** The id of what says more of it. */
  describedBy?: string;
  activeId?: string | undefined;
  /** How many rows there are for readers that see only those in the page. */
  rowCount?: number;
}

const OVERSCAN = 12;
const NEAR_END_ROWS = 60;

/** Rows of known heights, of which only those in sight are in the page. */
export function VirtualList(props: Props): JSX.Element {
  const { count, rowHeight, onEnd } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const [scrollTop, setScrollTop] = useState(props.initialScroll ?? 0);
  const { height } = useSize(scroller);
  const offsets = props.offsets ?? null;
  const topOf = (index: number): number => (offsets ? (offsets[index] ?? 0) : index * rowHeight);

  useLayoutEffect(() => {
    if (scroller.current && props.initialScroll) scroller.current.scrollTop = props.initialScroll;
  }, []);

  useImperativeHandle(props.handle ?? null, () => ({
    show: (index) => {
      const element = scroller.current;
      if (!element) return;
      const top = topOf(index);
      element.scrollTop = scrollToShow(top, topOf(index + 1) - top, element.scrollTop, element.clientHeight - (props.headerHeight ?? 0));
    },
    toEnd: () => {
      const element = scroller.current;
      if (element) element.scrollTop = element.scrollHeight;
    },
    shift: (rows) => {
      const element = scroller.current;
      if (element) element.scrollTop += rows * rowHeight;
    },
  }), [rowHeight, offsets, props.headerHeight]);

  const { first, last } = offsets ? offsetWindow(scrollTop, height, offsets, OVERSCAN) : rowWindow(scrollTop, height, rowHeight, count, OVERSCAN);
  useEffect(() => {
    if (onEnd && height > 0 && last + NEAR_END_ROWS >= count) onEnd();
  }, [last, count, height, onEnd]);

  const rows: ComponentChildren[] = [];
  for (let index = first; index < last; index += 1) rows.push(props.renderRow(index));
  return (
    <div
      ref={scroller}
      class={`virtual ${props.class ?? ""}`}
      role={props.role ?? "group"}
      aria-label={props.label}
      aria-describedby={props.describedBy}
      aria-activedescendant={props.activeId}
      aria-rowcount={props.rowCount}
      tabIndex={0}
      onScroll={(event) => {
        const { scrollTop: next, scrollHeight, clientHeight } = event.currentTarget;
        setScrollTop(next);
        props.onScroll?.(next, scrollHeight - clientHeight - next < 2 * rowHeight);
      }}
    >
      {props.header}
      <div class="virtual-space" role="presentation" style={{ height: `${topOf(count)}px` }}>
        <div class="virtual-rows" role="presentation" style={{ transform: `translateY(${topOf(first)}px)` }}>
          {rows}
          {props.renderOver?.(first, last)}
        </div>
      </div>
      {props.footer}
    </div>
  );
}
