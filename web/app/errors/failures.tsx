import type { JSX } from "preact";
import type { FailureGroup } from "../api/groups";
import { serviceColour } from "../lib/colour";
import { ago, count, percent, plural } from "../lib/format";
import { href } from "../lib/router";
import { NewBadge } from "../ui/new";

/** Where failing traces break: the span in which it began, what it said, and how it came up to the root. */
export function FailureList({ groups, total }: { groups: FailureGroup[]; total: number }): JSX.Element {
  return (
    <ul class="group-list">
      {groups.map((group) => {
        const [sample] = group.samples;
        return (
          <li key={`${group.service_name} ${group.name} ${group.exception_type} ${group.message}`} style={{ "--share": `${(group.count / Math.max(1, total)) * 100}%` }}>
            <a class="group-row" href={sample ? href(`/trace/${sample.trace_id}`, { span: sample.span_id }) : "/traces"} title={`First ${group.first_seen}, last ${group.last_seen}: open the last`}>
              <span class="group-count number" title={`${percent(group.count, total)} of the failing traces`}>
                {count(group.count)}
              </span>
              <span class="group-main">
                <span class="group-title">
                  <NewBadge isNew={group.new} />
                  <i class="service-dot" style={{ background: serviceColour(group.service_name) }} />
                  <b>{group.service_name}</b>
                  <span>{group.name}</span>
                </span>
                <span class="group-message">
                  {group.exception_type && <span class="exception-type">{group.exception_type} </span>}
                  {group.message}
                </span>
                {sample && sample.path.length > 1 && <span class="group-frames">{sample.path.join(" → ")}</span>}
              </span>
              <span class="group-where">
                {group.root_operations.slice(0, 2).map((root) => (
                  <span key={`${root.service_name} ${root.name}`} class="muted group-operation">
                    {root.name} <span class="number">{count(root.count)}</span>
                  </span>
                ))}
              </span>
              <span class="group-trend">
                <span class={group.root_failed_count > 0 ? "error-text" : "muted"}>{group.root_failed_count === 0 ? "no request failed" : group.root_failed_count === group.count ? "all requests failed" : `${plural(group.root_failed_count, "request")} failed`}</span>
                <span class="muted">{ago(Date.parse(group.last_seen), Date.now())}</span>
              </span>
            </a>
          </li>
        );
      })}
    </ul>
  );
}
