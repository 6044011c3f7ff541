import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { serviceColour } from "../lib/colour";
import { count, duration, plural } from "../lib/format";
import { tokensTaken } from "../lib/genai";
import type { SimilarGroup } from "../lib/similar";
import { TokenMark } from "./genai";
import { ErrorCount, SpanLine } from "./line";
import type { TraceState } from "./use-view";

interface Props {
  index: number;
  row: number;
  group: SimilarGroup;
  state: TraceState;
}

/** Many siblings that do the same, as one row. */
export function GroupRow({ index, row, group, state }: Props): JSX.Element {
  const { matchSet } = state;
  const { spans } = state.trace;
  const use = useMemo(() => tokensTaken(group.members.flatMap((member) => spans[member] ?? [])), [group, spans]);
  const matches = matchSet === null ? null : group.members.filter((member) => matchSet.has(member)).length;
  const failed = group.errors > 0 ? `, ${plural(group.errors, "error")}` : "";
  return (
    <SpanLine
      index={index}
      row={row}
      depth={state.depthOf(index)}
      selected={index === state.selected}
      class={`span-group ${group.errors > 0 ? "span-error" : ""} ${matches === 0 ? "span-dim" : ""}`}
      colour={serviceColour(group.service_name)}
      service={group.service_name}
      name={group.name}
      caller={state.trace.spans[group.parent ?? -1]?.service_name}
      below={{ open: state.isOpen(index), spans: 0, openLabel: `Show the ${count(group.members.length)} spans`, closeLabel: "Lay together", onToggle: () => state.toggle(index), onDouble: true }}
      times={group.members.length}
      onSelect={() => state.select(index)}
      said={`${duration(group.total_ns)} in all, ${duration(group.min_ns)} to ${duration(group.max_ns)} each${failed}`}
    >
      {matches !== null && matches > 0 && <span class="span-below">{count(matches)} found</span>}
      <TokenMark use={use} />
      <ErrorCount errors={group.errors} />
    </SpanLine>
  );
}
