import type { JSX } from "preact";
import { getJson } from "../api/client";
import type { SpanHistogram } from "../api/types";
import { useApi, type Loaded } from "../api/use";
import { count, duration, percent, shortTime, useZone } from "../lib/format";
import { filterText } from "../lib/query";
import { href } from "../lib/router";
import type { Search } from "../lib/search";
import type { Range } from "../lib/time";
import { versionsOf, type Version } from "../lib/versions";
import type { ChartMark } from "../ui/timechart";

const FIELD = "resource.service.version";
const BUCKETS = 60;
const SHOWN = 12;

export interface Versions {
  answer: Loaded<SpanHistogram>;
  versions: Version[];
}

/** Which versions of a service sent spans in the range, and when. */
export function useVersions(query: string, search: Search): Versions {
  const { start, end } = search.fixed;
  const answer = useApi<SpanHistogram>(`versions ${query} ${search.key}`, (signal) => getJson("/api/v1/spans/histogram", { query, start, end, by: FIELD, buckets: BUCKETS, limit: SHOWN }, signal));
  return { answer, versions: answer.data ? versionsOf(answer.data) : [] };
}

/** Where versions came, to be marked in charts over time. */
export const deploysOf = (versions: readonly Version[]): ChartMark[] => versions.filter(({ isNew }) => isNew).map(({ name, firstMs }) => ({ ms: firstMs, label: name }));

/** The versions one below the other: does the new one fail more, is it slower? */
export function VersionList({ found, query, range }: { found: Versions; query: string; range: Range }): JSX.Element | null {
  const zone = useZone();
  const { answer, versions } = found;
  if (answer.error) return <p class="hint form-error">{answer.error.message}</p>;
  if (versions.length === 0) return null;
  return (
    <section class="page-part">
      <h2>
        Versions <span class="muted">{count(versions.length)}</span>
      </h2>
      <table class="services versions">
        <thead>
          <tr>
            <th>Version</th>
            <th class="number">Spans</th>
            <th class="number">Errors</th>
            <th class="number">p95 up to</th>
          </tr>
        </thead>
        <tbody>
          {versions.map((version) => (
            <tr key={version.name} class="service-row">
              <td>
                <a href={href("/traces", { q: `${query} ${filterText(FIELD, version.name)}`, ...range })}>{version.name}</a>
                <span class="muted version-seen">
                  {version.isNew ? "since" : "from"} {shortTime(version.firstMs, zone, false)}
                </span>
              </td>
              <td class="number">{count(version.spans)}</td>
              <td class={version.errors > 0 ? "number error-text" : "number muted"}>{version.errors > 0 ? percent(version.errors, version.spans) : "–"}</td>
              <td class="number">{duration(version.worstP95)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
