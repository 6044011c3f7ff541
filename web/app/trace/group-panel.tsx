import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { count, duration, fixed, percent, plural } from "../lib/format";
import { tokensTaken } from "../lib/genai";
import { costText } from "../lib/genaicost";
import { filterText } from "../lib/query";
import { href } from "../lib/router";
import type { SimilarGroup } from "../lib/similar";
import { hourAround } from "../lib/time";
import { Figures, Panel, PanelTool, type Figure } from "../ui/panel";
import { ServiceLink } from "../ui/service";
import { NAMELESS, type TraceState } from "./use-view";

const LONGEST = 20;

interface Props {
  state: TraceState;
  group: SimilarGroup;
  onClose: () => void;
  onZoom: () => void;
}

/** What similar siblings come to, and the longest of them. */
export function GroupPanel({ state, group, onClose, onZoom }: Props): JSX.Element {
  const { spans, duration_ns: whole } = state.trace;
  const wall = group.end_ns - group.start_ns;
  const longest = useMemo(() => [...group.members].sort((a, b) => (spans[b]?.duration_ns ?? 0) - (spans[a]?.duration_ns ?? 0)).slice(0, LONGEST), [group, spans]);
  const use = useMemo(() => tokensTaken(group.members.flatMap((member) => spans[member] ?? [])), [group, spans]);
  const figures: (Figure | false | null)[] = [
    { label: "In all", value: duration(group.total_ns), title: "The durations of all of them added up" },
    { label: "From first to last", value: `${duration(wall)} · ${percent(wall, whole)}`, title: "From the earliest start to the latest end, and its share of the trace" },
    { label: "Shortest", value: duration(group.min_ns) },
    { label: "Median", value: duration(group.median_ns) },
    { label: "Longest", value: duration(group.max_ns) },
    { label: "At once", value: fixed(group.total_ns / Math.max(1, wall), 1), title: "How many ran side by side, on average" },
    use && { label: "Tokens in", value: count(use.input) },
    use && { label: "Tokens out", value: count(use.output) },
    use && use.cost !== null && { label: "Cost", title: "As the spans say it, added up", value: costText(use.cost, use.currency) },
  ];
  return (
    <Panel
      label="Similar spans"
      head={<ServiceLink name={group.service_name} range={hourAround(state.trace.start_time_unix_nano, whole)} />}
      tools={<PanelTool icon="search" label="Zoom to these spans" keys="z" onClick={onZoom} />}
      title={`${count(group.members.length)} × ${group.name || NAMELESS}`}
      onClose={onClose}
    >
      <p class="pills">
        <span class="kind">{group.kind.toLowerCase()}</span>
        {group.errors > 0 && <span class="status status-error">{plural(group.errors, "error")}</span>}
        <button type="button" class="text-button" onClick={() => state.toggle(state.selected)}>
          {state.isOpen(state.selected) ? "Lay together" : "Show each"}
        </button>
        <a class="text-button" href={href("/traces", { q: `${filterText("service", group.service_name)} ${filterText("name", group.name)}` })}>
          More of this operation
        </a>
      </p>
      <Figures figures={figures} />
      <section class="attributes">
        <h3>{group.members.length > LONGEST ? `The ${LONGEST} longest` : "Each, the longest first"}</h3>
        <ul class="group-members">
          {longest.map((index) => {
            const span = spans[index];
            return (
              span && (
                <li key={index}>
                  <button type="button" onClick={() => state.select(index)}>
                    <span class="muted number">+{duration(span.start_offset_ns)}</span>
                    <span class="group-bar" aria-hidden="true">
                      <i class={span.status_code === "ERROR" ? "bar-error" : ""} style={{ width: `${(span.duration_ns / Math.max(1, group.max_ns)) * 100}%` }} />
                    </span>
                    <span class="number">{duration(span.duration_ns)}</span>
                  </button>
                </li>
              )
            );
          })}
        </ul>
      </section>
    </Panel>
  );
}
