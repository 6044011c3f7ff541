import type { Status } from "../api/types";

export interface Snippet {
  name: string;
  /** What to do with the text. */
  note: string;
  text: string;
}

/** The address as another process would use it: what listens on all interfaces is reached by this page's host name. */
export function reachable(address: string, pageHost: string): string {
  return address.replace(/^(0\.0\.0\.0|\[::\]|\[::0\]):/, `${pageHost}:`);
}

const TOKEN = "YOUR_INGEST_TOKEN";
const TENANT_HEADER = "X-Scope-OrgID";

/** What to paste where, with the addresses that this server listens on. What is sent is `tenant`'s; null is the default one. */
export function snippets(status: Status, pageHost: string, tenant: string | null = null): Snippet[] {
  const scheme = status.tls ? "https" : "http";
  const httpHost = reachable(status.otlp_http_addr, pageHost);
  const http = `${scheme}://${httpHost}`;
  const grpc = `${scheme}://${reachable(status.otlp_grpc_addr, pageHost)}`;
  const secret = status.auth.ingest;
  const headers: [string, string][] = [...(secret ? [["authorization", `Bearer ${TOKEN}`] as [string, string]] : []), ...(tenant === null ? [] : [[TENANT_HEADER, tenant] as [string, string]])];
  const header = headers.length > 0 ? `\nexport OTEL_EXPORTER_OTLP_HEADERS="${headers.map(([name, value]) => `${name}=${value}`).join(",")}"` : "";
  const env = `export OTEL_EXPORTER_OTLP_ENDPOINT=${http}\nexport OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf\nexport OTEL_SERVICE_NAME=my-service${header}`;
  const yamlHeaders = (indent: string): string => (headers.length > 0 ? `\n${indent}headers:${headers.map(([name, value]) => `\n${indent}  ${name}: "${value}"`).join("")}` : "");
  // A key stands once in YAML: several headers are a list.
  const [only, ...others] = headers.map(([name, value]) => `${name} ${value}`);
  const fluentHeaders = only === undefined ? "" : others.length === 0 ? `\n      header: ${only}` : `\n      header:${[only, ...others].map((each) => `\n        - ${each}`).join("")}`;
  const [host = "", port = ""] = splitPort(httpHost);
  return [
    { name: "Any SDK", note: "Every OpenTelemetry SDK reads these.", text: env },
    { name: "gRPC", note: "The same over gRPC.", text: `export OTEL_EXPORTER_OTLP_ENDPOINT=${grpc}\nexport OTEL_EXPORTER_OTLP_PROTOCOL=grpc\nexport OTEL_SERVICE_NAME=my-service${header}` },
    { name: "Java", note: "The agent needs no change in the code.", text: `${env}\nexport OTEL_METRICS_EXPORTER=none\njava -javaagent:opentelemetry-javaagent.jar -jar my-service.jar` },
    { name: "Python", note: "Instruments the libraries that it finds.", text: `${env}\nexport OTEL_METRICS_EXPORTER=none\nexport OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED=true\npip install opentelemetry-distro opentelemetry-exporter-otlp\nopentelemetry-bootstrap -a install\nopentelemetry-instrument python my_service.py` },
    { name: "Node", note: "Instruments the libraries that it finds.", text: `${env}\nexport OTEL_METRICS_EXPORTER=none\nexport OTEL_LOGS_EXPORTER=otlp\nnpm install @opentelemetry/api @opentelemetry/auto-instrumentations-node\nnode --require @opentelemetry/auto-instrumentations-node/register my-service.js` },
    { name: "Go", note: "In main, before the first span.", text: `// ${env.split("\n").join("\n// ")}\nexporter, err := otlptracehttp.New(ctx)\nif err != nil {\n\tlog.Fatal(err)\n}\nprovider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter))\ndefer provider.Shutdown(ctx)\notel.SetTracerProvider(provider)` },
    { name: ".NET", note: "In Program.cs; the variables name the address.", text: `// ${env.split("\n").join("\n// ")}\nbuilder.Services.AddOpenTelemetry()\n    .WithTracing(tracing => tracing.AddAspNetCoreInstrumentation().AddHttpClientInstrumentation())\n    .WithLogging()\n    .UseOtlpExporter();` },
    { name: "Rust", note: "With opentelemetry-otlp; the variables name the address.", text: `// ${env.split("\n").join("\n// ")}\nlet exporter = opentelemetry_otlp::SpanExporter::builder().with_http().build()?;\nlet provider = opentelemetry_sdk::trace::SdkTracerProvider::builder()\n    .with_batch_exporter(exporter)\n    .build();\nopentelemetry::global::set_tracer_provider(provider.clone());` },
    { name: "Collector", note: "Beside what it does already.", text: `exporters:\n  otlphttp/spoor:\n    endpoint: ${http}${yamlHeaders("    ")}\nservice:\n  pipelines:\n    traces:\n      receivers: [otlp]\n      exporters: [otlphttp/spoor]\n    logs:\n      receivers: [otlp]\n      exporters: [otlphttp/spoor]` },
    { name: "Fluent Bit", note: "Logs from files, as OTLP.", text: `pipeline:\n  inputs:\n    - name: tail\n      path: /var/log/my-service/*.log\n  outputs:\n    - name: opentelemetry\n      match: "*"\n      host: ${host}\n      port: ${port}\n      logs_uri: /v1/logs\n      tls: ${status.tls ? "on" : "off"}${fluentHeaders}` },
    { name: "Vector", note: "Logs from files, as JSON lines.", text: `sources:\n  files:\n    type: file\n    include: [/var/log/my-service/*.log]\nsinks:\n  spoor:\n    type: http\n    inputs: [files]\n    uri: ${http}/v1/logs/json\n    framing:\n      method: newline_delimited\n    encoding:\n      codec: json${secret ? `\n    auth:\n      strategy: bearer\n      token: ${TOKEN}` : ""}${tenant === null ? "" : `\n    request:\n      headers:\n        ${TENANT_HEADER}: "${tenant}"`}` },
    { name: "curl", note: "One line, to see whether it arrives.", text: `curl ${http}/v1/logs/json${headers.map(([name, value]) => ` \\\n  -H '${name}: ${value}'`).join("")} \\\n  -d '{"level":"info","service":"my-service","message":"hello from curl"}'` },
    { name: "Demo", note: "A shop's traces and logs, to look around.", text: `spoor demo --endpoint ${http}${secret ? ` --token ${TOKEN}` : ""}${tenant === null ? "" : ` --tenant ${tenant}`}` },
  ];
}

function splitPort(address: string): [string, string] {
  const at = address.lastIndexOf(":");
  return [address.slice(0, at), address.slice(at + 1)];
}
