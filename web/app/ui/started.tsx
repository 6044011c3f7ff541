import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { getJson } from "../api/client";
import type { ServicePage, Status } from "../api/types";
import { useApi } from "../api/use";
import { CopyButton } from "./copy";

const POLL_MS = 2500;

/** The address as another process would use it: what listens on all interfaces is reached by this page's host name. */
export function reachable(address: string, pageHost: string): string {
  return address.replace(/^(0\.0\.0\.0|\[::\]|\[::0\]):/, `${pageHost}:`);
}

interface Snippet {
  name: string;
  text: string;
}

function snippets(status: Status): Snippet[] {
  const host = window.location.hostname;
  const http = `http://${reachable(status.otlp_http_addr, host)}`;
  const grpc = `http://${reachable(status.otlp_grpc_addr, host)}`;
  const token = status.auth.ingest;
  const envToken = token ? '\nexport OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer YOUR_INGEST_TOKEN"' : "";
  const curlToken = token ? " \\\n  -H 'authorization: Bearer YOUR_INGEST_TOKEN'" : "";
  const yamlToken = token ? '\n    headers: { authorization: "Bearer YOUR_INGEST_TOKEN" }' : "";
  return [
    { name: "Any SDK", text: `export OTEL_EXPORTER_OTLP_ENDPOINT=${http}\nexport OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf\nexport OTEL_SERVICE_NAME=my-service${envToken}` },
    { name: "gRPC", text: `export OTEL_EXPORTER_OTLP_ENDPOINT=${grpc}\nexport OTEL_EXPORTER_OTLP_PROTOCOL=grpc\nexport OTEL_SERVICE_NAME=my-service${envToken}` },
    {
      name: "Collector",
      text: `exporters:\n  otlphttp/spoor:\n    endpoint: ${http}${yamlToken}\nservice:\n  pipelines:\n    traces: { receivers: [otlp], exporters: [otlphttp/spoor] }\n    logs:   { receivers: [otlp], exporters: [otlphttp/spoor] }`,
    },
    { name: "curl", text: `curl ${http}/v1/logs/json${curlToken} \\\n  -d '{"level":"info","service":"my-service","message":"hello from curl"}'` },
    { name: "Demo", text: "spoor demo" },
  ];
}

export function GettingStarted({ onData }: { onData: () => void }): JSX.Element {
  const status = useApi<Status>("status", (signal) => getJson("/api/v1/status", {}, signal));
  const [chosen, setChosen] = useState(0);
  useEffect(() => {
    const controller = new AbortController();
    const timer = setInterval(() => {
      // A failed look is repeated by the next one.
      getJson<ServicePage>("/api/v1/services", {}, controller.signal).then((page) => page.services.length > 0 && onData(), () => undefined);
    }, POLL_MS);
    return () => {
      clearInterval(timer);
      controller.abort();
    };
  }, []);
  const all = status.data ? snippets(status.data) : [];
  const snippet = all[chosen];
  return (
    <section class="started">
      <h2>Send your first trace or log</h2>
      <p>
        Spoor listens for OpenTelemetry. Point an exporter at it and the data is here the moment the exporter gets its answer.
      </p>
      <div class="tabs" role="tablist">
        {all.map((entry, index) => (
          <button key={entry.name} type="button" role="tab" aria-selected={index === chosen} onClick={() => setChosen(index)}>
            {entry.name}
          </button>
        ))}
      </div>
      {snippet && (
        <div class="body-block">
          <pre>{snippet.text}</pre>
          <CopyButton text={snippet.text} title="Copy" class="icon-button body-copy" />
        </div>
      )}
      <p class="waiting" role="status">
        <i class="pulse" aria-hidden="true" />
        Waiting for the first data
      </p>
    </section>
  );
}
