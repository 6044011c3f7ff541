import type { JSX } from "preact";
import type { ExceptionGroup } from "../api/groups";
import { ago, count } from "../lib/format";
import { href } from "../lib/router";
import { NewBadge } from "../ui/new";
import { ServiceName } from "../ui/service";
import { Sparkline } from "../ui/sparkline";

const FRAMES = 3;

interface Props {
  groups: ExceptionGroup[];
  /** On the page of one service its name need not be said. */
  withService: boolean;
}

/** Exceptions of the same type and stack; each leads to the newest. */
export function ExceptionList({ groups, withService }: Props): JSX.Element {
  return (
    <ul class="group-list">
      {groups.map((group) => (
        <li key={`${group.type} ${group.message} ${group.frames.join()}`}>
          <a class="group-row" href={sampleOf(group)} title={`First ${group.first_seen}, last ${group.last_seen}: open the last`}>
            <span class="group-count number">{count(group.count)}</span>
            <span class="group-main">
              <span class="group-title">
                <NewBadge isNew={group.new} />
                <b class="exception-type">{group.type ?? "(no type)"}</b>
              </span>
              {group.message && <span class="group-message">{group.message}</span>}
              {group.frames.length > 0 && (
                <span class="group-frames" title={group.frames.join("\n")}>
                  {group.frames.slice(0, FRAMES).join("  ‹  ")}
                </span>
              )}
            </span>
            <span class="group-where">
              {withService && group.services.slice(0, 2).map((service) => <ServiceName key={service.service_name} name={service.service_name} />)}
              {group.operations[0] && <span class="muted group-operation">{group.operations[0].name}</span>}
            </span>
            <span class="group-trend">
              <Sparkline values={group.counts} label={`${count(group.count)} over time`} />
              <span class="muted">{ago(Date.parse(group.last_seen), Date.now())}</span>
            </span>
          </a>
        </li>
      ))}
    </ul>
  );
}

function sampleOf(group: ExceptionGroup): string {
  if (group.sample_trace_id) return href(`/trace/${group.sample_trace_id}`, { span: group.sample_span_id });
  return href("/logs", { q: `record_id:${group.sample_log_id ?? ""}`, sel: group.sample_log_id });
}
