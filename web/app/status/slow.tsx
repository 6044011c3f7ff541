import type { JSX } from "preact";
import { ago } from "../lib/format";
import { QueryCells, type AskedQuery } from "./cells";

const SHOWN = 20;

export interface SlowQuery extends AskedQuery {
  began_time: string;
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
                  <QueryCells query={query} />
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
