import type { JSX } from "preact";
import { bytes, compact, duration } from "../lib/format";

/** What the API says of a query, whether it runs or is over. */
export interface AskedQuery {
  id: string;
  kind: string;
  query: string;
  client: string | null;
  elapsed_ms: number;
  rows_read: number;
  bytes_read: number;
}

/** What was asked, by whom, for how long, and what it read; `word` in place of the route. */
export function QueryCells({ query, word }: { query: AskedQuery; word?: string | undefined }): JSX.Element {
  return (
    <>
      <td title={query.query}>
        <span class="running-query">
          <span class="kind">{word ?? query.kind.replace(/^\/api\/v1\//, "")}</span>
          <code>{query.query}</code>
        </span>
      </td>
      <td class="hide-phone">{query.client ?? <span class="muted">–</span>}</td>
      <td class="number">{duration(query.elapsed_ms * 1e6)}</td>
      <td class="number hide-phone">{compact(query.rows_read)}</td>
      <td class="number hide-phone">{bytes(query.bytes_read)}</td>
    </>
  );
}
