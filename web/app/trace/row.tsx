import type { JSX } from "preact";
import type { TimelineSpan } from "../api/types";
import { serviceColour } from "../lib/colour";
import { count, duration } from "../lib/format";
import { Icon } from "../ui/icons";
import { NAMELESS, type TraceState } from "./use-view";

interface Props {
  index: number;
  /** Among the rows shown, from 1. */
  row: number;
  span: TimelineSpan;
  state: TraceState;
}

/** That of the bar; errors are said by their sign and their words. */
function stripeColour(state: TraceState, span: TimelineSpan): string {
  const paint = state.colours.of(span);
  return state.colourBy === "service" ? serviceColour(span.service_name) : `color-mix(in srgb, var(${paint.token}) ${paint.strength * 100}%, transparent)`;
}

/** The text of one span; its bar is on the canvas behind. */
export function SpanRow({ index, row, span, state }: Props): JSX.Element {
  const collapsed = state.collapsed.has(index);
  const depth = state.depthOf(index);
  const isError = span.status_code === "ERROR";
  const dim = state.matchSet !== null && !state.matchSet.has(index);
  const origin = state.origins.length > 0 && state.origins[0] === index;
  const classes = ["span-row", isError ? "span-error" : "", dim ? "span-dim" : "", state.matchSet?.has(index) ? "span-match" : ""];
  return (
    <div
      id={`span-${index}`}
      class={classes.join(" ")}
      role="row"
      aria-level={depth + 1}
      aria-rowindex={row}
      aria-expanded={span.child_count > 0 ? !collapsed : undefined}
      aria-selected={index === state.selected}
      style={{ "--depth": String(depth), "--service": stripeColour(state, span) }}
      onClick={() => state.select(index)}
    >
      <div class="span-tree" role="gridcell">
        <span class="span-guides" aria-hidden="true" />
        <Twist span={span} collapsed={collapsed} onToggle={() => state.toggle(index)} />
        <i class="span-stripe" aria-hidden="true" />
        <span class="span-label" title={`${span.service_name}  ${span.name}`}>
          {state.trace.spans[span.parent_index ?? -1]?.service_name !== span.service_name && <span class="span-service">{span.service_name}</span>}
          <span class="span-name">{span.name || NAMELESS}</span>
        </span>
        {span.missing_parent && (
          <span class="span-flag" title="Its parent is not stored">
            orphan
          </span>
        )}
        {(isError || (collapsed && span.error_below)) && (
          <span class="span-alert" title={origin ? "The error began here" : isError ? "Error" : "An error below"}>
            <Icon name={origin ? "target" : "warn"} size={12} />
          </span>
        )}
      </div>
      <div class="span-cell" role="gridcell">
        <span class="sr-only">
          {duration(span.duration_ns)}, own time {duration(span.self_time_ns)}
          {isError ? ", error" : ""}
        </span>
      </div>
    </div>
  );
}

function Twist({ span, collapsed, onToggle }: { span: TimelineSpan; collapsed: boolean; onToggle: () => void }): JSX.Element {
  if (span.child_count === 0) return <span class="span-twist" />;
  return (
    <button
      type="button"
      class={collapsed ? "span-twist" : "span-twist open"}
      tabIndex={-1}
      aria-label={collapsed ? `Expand ${count(span.descendant_count)} spans` : "Collapse"}
      title={collapsed ? `${count(span.descendant_count)} spans below` : undefined}
      onClick={(event) => {
        event.stopPropagation();
        onToggle();
      }}
    >
      <Icon name="chevron" size={12} />
      {collapsed && <span class="span-below">{count(span.descendant_count)}</span>}
    </button>
  );
}
