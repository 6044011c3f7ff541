import type { JSX } from "preact";
import { postJson } from "../api/client";
import type { SqlAnswer } from "../api/types";
import { useApi } from "../api/use";
import { exceptionGroups, exceptionsQuery } from "../lib/exceptions";
import { ago, count } from "../lib/format";
import { href } from "../lib/router";
import type { Search } from "../lib/search";
import { Incomplete } from "../ui/states";

/** What the service threw, by type; each leads to the span of the last one. */
export function Exceptions({ service, search }: { service: string; search: Search }): JSX.Element | null {
  const query = exceptionsQuery(service, search.fixed, Date.now());
  const found = useApi<SqlAnswer>(`exceptions ${service} ${search.key}`, (signal) => postJson("/api/v1/sql", { query }, signal));
  const groups = exceptionGroups(found.data?.rows ?? []);
  const most = Math.max(1, ...groups.map((group) => group.count));
  if (!found.error && groups.length === 0) return null;
  return (
    <section class="page-part">
      <h2>
        Exceptions{" "}
        <a class="text-button" href={href("/sql", { q: query })}>
          as SQL
        </a>
      </h2>
      {found.error && <p class="hint form-error">{found.error.message}</p>}
      <Incomplete answers={[found.data]} />
      <ul class="exceptions">
        {groups.map((group) => (
          <li key={group.type} style={{ "--share": `${(group.count / most) * 100}%` }}>
            <a href={href(`/trace/${group.traceId}`, { span: group.spanId })} title={`First ${group.first}, last ${group.last}: open the last`}>
              <span class="exception-type">{group.type}</span>
              <span class="number">{count(group.count)}</span>
              <span class="exception-message muted">{group.message}</span>
              <span class="muted">{ago(Date.parse(group.last), Date.now())}</span>
            </a>
          </li>
        ))}
      </ul>
    </section>
  );
}
