import type { JSX } from "preact";
import { count, duration } from "../lib/format";
import type { SimilarGroup } from "../lib/similar";
import { serviceColour } from "../lib/colour";
import { Icon } from "../ui/icons";
import { NAMELESS, type TraceState } from "./use-view";

interface Props {
  index: number;
  row: number;
  group: SimilarGroup;
  state: TraceState;
}

/** Many siblings that do the same, as one row. */
export function GroupRow({ index, row, group, state }: Props): JSX.Element {
  const open = state.isOpen(index);
  const { matchSet } = state;
  const matches = matchSet === null ? null : group.members.filter((member) => matchSet.has(member)).length;
  const caller = state.trace.spans[group.parent ?? -1];
  const classes = ["span-row", "span-group", group.errors > 0 ? "span-error" : "", matches === 0 ? "span-dim" : ""];
  return (
    <div
      id={`span-${index}`}
      class={classes.join(" ")}
      role="row"
      aria-level={state.depthOf(index) + 1}
      aria-rowindex={row}
      aria-expanded={open}
      aria-selected={index === state.selected}
      style={{ "--depth": String(state.depthOf(index)), "--service": serviceColour(group.service_name) }}
      onClick={() => state.select(index)}
      onDblClick={() => state.toggle(index)}
    >
      <div class="span-tree" role="gridcell">
        <span class="span-guides" aria-hidden="true" />
        <button
          type="button"
          class={open ? "span-twist open" : "span-twist"}
          tabIndex={-1}
          aria-label={open ? "Lay together" : `Show the ${count(group.members.length)} spans`}
          onClick={(event) => {
            event.stopPropagation();
            state.toggle(index);
          }}
        >
          <Icon name="chevron" size={12} />
        </button>
        <i class="span-stripe" aria-hidden="true" />
        <b class="span-times number">{count(group.members.length)}&thinsp;×</b>
        <span class="span-label" title={`${count(group.members.length)} × ${group.service_name}  ${group.name}`}>
          {caller?.service_name !== group.service_name && <span class="span-service">{group.service_name}</span>}
          <span class="span-name">{group.name || NAMELESS}</span>
        </span>
        {matches !== null && matches > 0 && <span class="span-below">{count(matches)} found</span>}
        {group.errors > 0 && (
          <span class="span-alert number" title={`${count(group.errors)} of them failed`}>
            <Icon name="warn" size={12} />
            {count(group.errors)}
          </span>
        )}
      </div>
      <div class="span-cell" role="gridcell">
        <span class="sr-only">
          {duration(group.total_ns)} in all, {duration(group.min_ns)} to {duration(group.max_ns)} each
          {group.errors > 0 ? `, ${count(group.errors)} errors` : ""}
        </span>
      </div>
    </div>
  );
}
