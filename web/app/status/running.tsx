import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { getJson, remove } from "../api/client";
import { asApiError, useApi } from "../api/use";
import { bytes, count, plural } from "../lib/format";
import { say } from "../ui/toast";
import { QueryCells, type AskedQuery } from "./cells";
import { SlowQueries, type SlowQuery } from "./slow";

const EVERY_MS = 3000;
const SHOWN = 50;

interface RunningQuery extends AskedQuery {
  state: "waiting" | "running";
  max_memory_bytes: number;
  deadline: string | null;
}

interface RunningPage {
  queries: RunningQuery[];
  running: number;
  waiting: number;
  tails: number;
  max_concurrent: number;
  slow?: SlowQuery[];
}

/** What the server is asked right now, the oldest first, and a way to stop what should not be. */
export function Running(): JSX.Element {
  const found = useApi<RunningPage>("running queries", (signal) => getJson("/api/v1/queries", {}, signal));
  useEffect(() => {
    const timer = setInterval(() => !document.hidden && found.reload(), EVERY_MS);
    return () => clearInterval(timer);
  }, [found.reload]);
  const page = found.data;
  // Looking is no query, and a tail goes on for as long as somebody looks at it.
  const queries = [...(page?.queries ?? [])].reverse();
  const stop = (id: string): void => {
    remove(`/api/v1/queries/${id}`).then(
      () => (say("Stopped"), found.reload()),
      (cause: unknown) => say(asApiError(cause).message),
    );
  };
  return (
    <>
      <section class="status-section">
        <h2>
          Running now {page && <span class="muted">{`${count(page.running)} of ${count(page.max_concurrent)}${page.waiting > 0 ? `, ${count(page.waiting)} waiting` : ""}${page.tails > 0 ? `, ${plural(page.tails, "live tail")}` : ""}`}</span>}
        </h2>
        {found.error && <p class="hint form-error">{found.error.message}</p>}
        {page && queries.length === 0 && <p class="hint">Nothing is asked at the moment.</p>}
        {queries.length > 0 && (
          <div class="running-scroll">
            <table class="services running">
              <thead>
                <tr>
                  <th>Query</th>
                  <th class="hide-phone">Client</th>
                  <th class="number">For</th>
                  <th class="number hide-phone">Rows read</th>
                  <th class="number hide-phone">Bytes read</th>
                  <th class="number hide-phone">Memory at most</th>
                  <th>
                    <span class="sr-only">Stop</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {queries.slice(0, SHOWN).map((query) => (
                  <tr key={query.id} class="service-row">
                    <QueryCells query={query} word={query.state === "waiting" ? "waiting" : undefined} />
                    <td class="number hide-phone">{bytes(query.max_memory_bytes)}</td>
                    <td class="row-links">
                      <button type="button" class="text-button" title="Takes an admin token" onClick={() => stop(query.id)}>
                        Stop
                      </button>
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </section>
      {page?.slow && <SlowQueries slow={page.slow} />}
    </>
  );
}
