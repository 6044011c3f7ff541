import type { JSX } from "preact";
import type { ExceptionPage } from "../api/groups";
import { ExceptionList } from "../errors/exceptions";
import { useGroups } from "../errors/use-groups";
import { filterText } from "../lib/query";
import { href } from "../lib/router";
import type { Search } from "../lib/search";
import { Incomplete } from "../ui/states";

const SHOWN = 8;

/** What the service threw, by type and stack. */
export function Exceptions({ service, search }: { service: string; search: Search }): JSX.Element | null {
  const query = filterText("service", service);
  const found = useGroups<ExceptionPage>("exceptions", query, search, SHOWN);
  const groups = found.data?.exceptions ?? [];
  if (!found.error && groups.length === 0 && found.data?.complete !== false) return null;
  return (
    <section class="page-part">
      <h2>
        Exceptions{" "}
        <a class="text-button" href={href("/errors", { tab: "exceptions", q: query, start: search.range.start, end: search.range.end })}>
          All
        </a>
      </h2>
      {found.error && <p class="hint form-error">{found.error.message}</p>}
      <Incomplete answers={[found.data]} />
      {groups.length === 0 && !found.error ? <p class="hint">None among what could be read</p> : <ExceptionList groups={groups} withService={false} />}
    </section>
  );
}
