import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import type { WindowRow } from "../api/types";
import { serviceColour } from "../lib/colour";
import { count, duration, plural } from "../lib/format";
import { endOf, rowOf, type Gap } from "../lib/windowed";
import { NAMELESS } from "../trace/use-view";
import { Icon } from "../ui/icons";
import type { LargeState } from "./use-large";

interface RowProps {
  row: WindowRow;
  /** Among the rows shown, from 1. */
  at: number;
  open: boolean;
  state: LargeState;
}

/** The text of one span; its bar is on the canvas behind. */
export function LargeRow({ row, at, open, state }: RowProps): JSX.Element {
  const caller = rowOf(state.loaded.rows, row.parent_index);
  return (
    <div
      id={`span-${row.span_index}`}
      class={row.error ? "span-row span-error" : "span-row"}
      role="row"
      aria-level={row.depth + 1}
      aria-rowindex={at}
      aria-expanded={row.child_count > 0 ? open : undefined}
      aria-selected={row.span_index === state.selected}
      style={{ "--depth": String(row.depth), "--service": serviceColour(row.service_name) }}
      onClick={() => state.select(row)}
      onDblClick={() => row.child_count > 0 && state.toggle(row, open)}
    >
      <div class="span-tree" role="gridcell">
        <span class="span-guides" aria-hidden="true" />
        {row.child_count === 0 ? (
          <span class="span-twist" />
        ) : (
          <button
            type="button"
            class={open ? "span-twist open" : "span-twist"}
            tabIndex={-1}
            aria-label={open ? "Collapse" : `Expand ${plural(row.descendant_count, "span")}`}
            onClick={(event) => {
              event.stopPropagation();
              state.toggle(row, open);
            }}
          >
            <Icon name="chevron" size={12} />
            {!open && <span class="span-below">{count(row.descendant_count)}</span>}
          </button>
        )}
        <i class="span-stripe" aria-hidden="true" />
        <span class="span-label" title={`${row.service_name}  ${row.name}`}>
          {caller?.service_name !== row.service_name && <span class="span-service">{row.service_name}</span>}
          <span class="span-name">{row.name || NAMELESS}</span>
        </span>
        {row.missing_parent && (
          <span class="span-flag" title="Its parent is not stored">
            orphan
          </span>
        )}
        {(row.error || (!open && row.error_below)) && (
          <span class="span-alert" title={row.error ? "Error" : "An error below"}>
            <Icon name="warn" size={12} />
          </span>
        )}
      </div>
      <div class="span-cell" role="gridcell">
        <span class="sr-only">
          {duration(row.duration_ns)}, own time {duration(row.self_time_ns)}
          {row.error ? ", error" : ""}
        </span>
      </div>
    </div>
  );
}

interface GapProps {
  gap: Gap;
  at: number;
  depth: number;
  state: LargeState;
}

/** Spans that are not in the page. Those that come next are asked for when this comes into sight, others when told to. */
export function GapRow({ gap, at, depth, state }: GapProps): JSX.Element {
  const isNext = gap.until === null;
  const under = rowOf(state.loaded.rows, gap.under);
  const spans = (gap.until ?? (under ? endOf(under) + 1 : state.head.span_count)) - gap.after - 1;
  useEffect(() => {
    if (isNext && !state.error) state.load(gap);
  }, [gap.under, gap.after, gap.until]);
  return (
    <div class="span-row span-gap" role="row" aria-level={depth + 1} aria-rowindex={at} style={{ "--depth": String(depth) }}>
      <div class="span-tree" role="gridcell">
        <span class="span-guides" aria-hidden="true" />
        <button type="button" class="text-button" onClick={() => state.load(gap)}>
          {isNext ? (state.error ? "The rest did not come: ask again" : "Loading") : "Load"} {plural(spans, "more span", "more spans")}
        </button>
      </div>
      <div class="span-cell" role="gridcell" />
    </div>
  );
}
