import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { getJson } from "../api/client";
import type { ServicePage, Status } from "../api/types";
import { useApi } from "../api/use";
import { snippets } from "../ingest/snippets";
import { currentTenant } from "../lib/router";
import { CopyButton } from "./copy";

const POLL_MS = 2500;

/** What to paste to send data here. */
export function Snippets(): JSX.Element {
  const status = useApi<Status>("status", (signal) => getJson("/api/v1/status", {}, signal));
  const [chosen, setChosen] = useState(0);
  const all = status.data ? snippets(status.data, window.location.hostname, currentTenant()) : [];
  const snippet = all[chosen];
  return (
    <>
      <div class="tabs snippet-tabs" role="tablist" aria-label="From where">
        {all.map((entry, index) => (
          <button key={entry.name} type="button" role="tab" aria-selected={index === chosen} onClick={() => setChosen(index)}>
            {entry.name}
          </button>
        ))}
      </div>
      {status.error && <p class="form-error">{status.error.message}</p>}
      {snippet && (
        <>
          <p class="hint">{snippet.note}</p>
          <div class="body-block">
            <pre>{snippet.text}</pre>
            <CopyButton text={snippet.text} title="Copy" class="icon-button body-copy" />
          </div>
        </>
      )}
    </>
  );
}

/** Calls `onData` as soon as there is anything at all. */
export function useFirstData(active: boolean, onData: () => void): void {
  useEffect(() => {
    if (!active) return;
    const controller = new AbortController();
    const timer = setInterval(() => {
      // A failed look is repeated by the next one.
      getJson<ServicePage>("/api/v1/services", {}, controller.signal).then((page) => page.services.length > 0 && onData(), () => undefined);
    }, POLL_MS);
    return () => {
      clearInterval(timer);
      controller.abort();
    };
  }, [active]);
}

export function Waiting(): JSX.Element {
  return (
    <p class="waiting" role="status">
      <i class="pulse" aria-hidden="true" />
      Waiting for the first data
    </p>
  );
}

/** In the place of results while there is no data at all. */
export function GettingStarted({ onData }: { onData: () => void }): JSX.Element {
  useFirstData(true, onData);
  return (
    <section class="started">
      <h2>Send your first trace or log</h2>
      <p>Spoor listens for OpenTelemetry. Point an exporter at it and the data is here the moment the exporter gets its answer.</p>
      <Snippets />
      <Waiting />
    </section>
  );
}
