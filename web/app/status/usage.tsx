import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { postJson } from "../api/client";
import type { SqlAnswer } from "../api/types";
import { useApi } from "../api/use";
import { ago, compact, count, percent } from "../lib/format";
import { href } from "../lib/router";
import { ServiceName } from "../ui/service";
import { Incomplete, Skeleton } from "../ui/states";

const SHOWN = 10;
const MOST = 500;
const STATEMENT = `SELECT service_name, span_count, log_count, first_time, last_time FROM services ORDER BY span_count + log_count DESC, service_name LIMIT ${MOST + 1}`;

interface Usage {
  name: string;
  spans: number;
  logs: number;
  first: string;
  last: string;
}

/** Whose rows these are: what each service sent that is still stored. */
export function UsageByService(): JSX.Element {
  const found = useApi<SqlAnswer>("usage", (signal) => postJson("/api/v1/sql", { query: STATEMENT }, signal));
  const [all, setAll] = useState(false);
  const rows = (found.data?.rows ?? []).slice(0, MOST).map((row): Usage => ({ name: String(row[0]), spans: Number(row[1]), logs: Number(row[2]), first: String(row[3]), last: String(row[4]) }));
  const total = rows.reduce((sum, row) => sum + row.spans + row.logs, 0);
  const shown = all ? rows : rows.slice(0, SHOWN);
  return (
    <section class="status-section">
      <h2>
        Usage by service {found.data && <span class="muted">{count(rows.length)}</span>}
      </h2>
      {found.error && <p class="hint form-error">{found.error.message}</p>}
      <Incomplete answers={[found.data]} />
      {!found.data && !found.error && <Skeleton rows={5} rowHeight={30} />}
      {found.data && rows.length === 0 && <p class="hint">Nothing is stored yet.</p>}
      {rows.length > 0 && (
        <div class="running-scroll">
          <table class="services usage">
            <thead>
              <tr>
                <th>Service</th>
                <th class="number">Spans</th>
                <th class="number">Log records</th>
                <th class="number">Share of rows</th>
                <th class="number hide-phone">First</th>
                <th class="number hide-phone">Last</th>
              </tr>
            </thead>
            <tbody>
              {shown.map((row) => (
                <tr key={row.name} class="service-row">
                  <td>
                    <a href={href(`/services/${encodeURIComponent(row.name)}`)}>
                      <ServiceName name={row.name} />
                    </a>
                  </td>
                  <td class="number">{compact(row.spans)}</td>
                  <td class="number">{compact(row.logs)}</td>
                  <td class="number bar-cell">
                    <i class="cell-bar" style={{ width: `${((row.spans + row.logs) / Math.max(1, total)) * 100}%` }} />
                    {percent(row.spans + row.logs, total)}
                  </td>
                  <td class="number hide-phone muted" title={row.first}>
                    {ago(Date.parse(row.first), Date.now())}
                  </td>
                  <td class="number hide-phone muted" title={row.last}>
                    {ago(Date.parse(row.last), Date.now())}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {rows.length > SHOWN && (
        <button type="button" class="text-button" onClick={() => setAll(!all)}>
          {all ? "Fewer" : `All ${count(rows.length)}`}
        </button>
      )}
      {(found.data?.rows.length ?? 0) > MOST && <p class="hint">The {count(MOST)} with the most rows.</p>}
    </section>
  );
}
