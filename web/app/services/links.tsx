import type { JSX } from "preact";
import type { Dependencies } from "../api/types";
import type { Loaded } from "../api/use";
import { count } from "../lib/format";
import { href } from "../lib/router";
import type { Range } from "../lib/time";
import { ServiceName } from "../ui/service";

interface Props {
  name: string;
  dependencies: Loaded<Dependencies>;
  range: Range;
}

/** Who calls the service and whom it calls, the most calls first. */
export function ServiceLinks({ name, dependencies, range }: Props): JSX.Element {
  const edges = dependencies.data?.data ?? [];
  const callers = edges.filter((edge) => edge.child === name).map((edge) => ({ name: edge.parent, calls: edge.callCount }));
  const callees = edges.filter((edge) => edge.parent === name).map((edge) => ({ name: edge.child, calls: edge.callCount }));
  return (
    <section class="page-part page-links">
      {dependencies.error && <p class="hint form-error">{dependencies.error.message}</p>}
      <LinkList title="Called by" entries={callers} known={dependencies.data !== null} range={range} />
      <LinkList title="Calls" entries={callees} known={dependencies.data !== null} range={range} />
    </section>
  );
}

function LinkList({ title, entries, known, range }: { title: string; entries: { name: string; calls: number }[]; known: boolean; range: Range }): JSX.Element {
  const most = Math.max(1, ...entries.map((entry) => entry.calls));
  return (
    <div>
      <h2>
        {title} {known && <span class="muted">{entries.length}</span>}
      </h2>
      {known && entries.length === 0 && <p class="hint">None in this range</p>}
      <ul class="facet-values">
        {entries
          .sort((a, b) => b.calls - a.calls)
          .map((entry) => (
            <li key={entry.name} class="facet-value" style={{ "--share": `${(entry.calls / most) * 100}%` }}>
              <a class="link-row" href={href(`/services/${encodeURIComponent(entry.name)}`, { ...range })}>
                <ServiceName name={entry.name} />
                <span class="number muted">{count(entry.calls)}</span>
              </a>
            </li>
          ))}
      </ul>
    </div>
  );
}
