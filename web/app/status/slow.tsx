import type { JSX } from "preact";
import { ago, bytes, compact, duration } from "../lib/format";

const SHOWN = 20;

export interface SlowQuery {
  id: string;
  kind: string;
  query: string;
  client: string | null;
  began_time: string;
  elapsed_ms: number;
  rows_read: number;
  bytes_read: number;
}

/** What took long of late, the longest first: what to ask differently, or to give more. */
export function SlowQueries({ slow }: { slow: readonly SlowQuery[] }): JSX.Element {
  const longest = [...slow].sort((a, b) => b.elapsed_ms - a.elapsed_ms).slice(0, SHOWN);
  return (
    <section class="status-section">
      <h2>
        Slow queries <span class="muted">the last that took a second or longer</span>
      </h2>
      {longest.length === 0 ? (
        <p class="hint">None since the start.</p>
      ) : (
        <div class="running-scroll">
          <table class="services running">
            <thead>
              <tr>
                <th>Query</th>
                <th class="hide-phone">Client</th>
                <th class="number">Took</th>
                <th class="number hide-phone">Rows read</th>
                <th class="number hide-phone">Bytes read</th>
                <th class="number">When</th>
              </tr>
            </thead>
            <tbody>
              {longest.map((query) => (
                <tr key={query.id} class="service-row">
                  <td title={query.query}>
                    <span class="running-query">
                      <span class="kind">{query.kind.replace(/^\/api\/v1\//, "")}</span>
                      <code>{query.query}</code>
                    </span>
                  </td>
                  <td class="hide-phone">{query.client ?? <span class="muted">–</span>}</td>
                  <td class="number">{duration(query.elapsed_ms * 1e6)}</td>
                  <td class="number hide-phone">{compact(query.rows_read)}</td>
                  <td class="number hide-phone">{bytes(query.bytes_read)}</td>
                  <td class="number muted" title={query.began_time}>
                    {ago(Date.parse(query.began_time), Date.now())}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
