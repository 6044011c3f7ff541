import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { LogsView } from "./logs/view";
import { useChord, useKeys } from "./lib/keys";
import { href, navigate, usePlace } from "./lib/router";
import { absoluteLink, hrefInRange } from "./lib/search";
import { ServicesView } from "./services/view";
import { TraceView } from "./trace/view";
import { TracesView } from "./traces/view";
import { Boundary } from "./ui/boundary";
import { Palette } from "./ui/palette";
import { lazyView } from "./ui/lazy";
import { focusQuery } from "./ui/querybar";
import { Shortcuts } from "./ui/shortcuts";
import { EmptyState } from "./ui/states";
import { TokenDialog } from "./ui/token";
import { Toast } from "./ui/toast";
import { TopBar, VIEWS } from "./ui/topbar";
import { copyAndSay } from "./ui/copy";

// Who comes for logs and traces does not wait for the code of these.
const LogPageView = lazyView(async () => (await import("./logs/page")).LogPageView);
const SpanPageView = lazyView(async () => (await import("./trace/span-page")).SpanPageView);
const CompareView = lazyView(async () => (await import("./compare/view")).CompareView);
const ServiceView = lazyView(async () => (await import("./services/page")).ServiceView);
const ErrorsView = lazyView(async () => (await import("./errors/view")).ErrorsView);
const FileView = lazyView(async () => (await import("./trace/file")).FileView);
const MapView = lazyView(async () => (await import("./map/view")).MapView);
const SqlView = lazyView(async () => (await import("./sql/view")).SqlView);
const IngestView = lazyView(async () => (await import("./ingest/view")).IngestView);
const ApiView = lazyView(async () => (await import("./docs/view")).ApiView);
const StatusView = lazyView(async () => (await import("./status/view")).StatusView);

const CHORD_MS = 900;
/** Of pages that the bar does not name. */
const TITLES: Record<string, string> = { "/compare": "Compare", "/open": "Trace from a file", "/docs/api": "API" };

/** As it stands in the address: names of services may have a slash in them, written as `%2F`. */
const rawPath = (): string => window.location.pathname;

export function App(): JSX.Element {
  const { path } = usePlace();
  const [help, setHelp] = useState(false);
  const [palette, setPalette] = useState(false);
  useGlobalKeys(() => setHelp(true));
  useChord("k", () => setPalette((open) => !open));
  return (
    <div class="app">
      <TopBar onShortcuts={() => setHelp(true)} onPalette={() => setPalette(true)} />
      <Boundary key={path}>
        <CurrentView />
      </Boundary>
      {help && <Shortcuts onClose={() => setHelp(false)} />}
      {palette && <Palette onClose={() => setPalette(false)} onShortcuts={() => setHelp(true)} />}
      <Toast />
      <TokenDialog />
    </div>
  );
}

function CurrentView(): JSX.Element {
  const { path } = usePlace();
  const trace = /^\/trace\/([^/]+)\/?$/.exec(path)?.[1];
  const [, spanTrace, span] = /^\/trace\/([^/]+)\/span\/([^/]+)\/?$/.exec(path) ?? [];
  const title = span ? `Span ${span.slice(0, 8)}` : path.startsWith("/log/") ? "Log record" : trace ? `Trace ${trace.slice(0, 8)}` : (TITLES[path] ?? VIEWS.find((view) => path.startsWith(view.path))?.label ?? "Logs");
  useEffect(() => {
    document.title = `${title} · Spoor`;
    if (path === "/") navigate("/logs", "replace");
  }, [path]);
  if (trace) return <TraceView key={trace} id={trace.toLowerCase()} />;
  if (spanTrace && span) return <SpanPageView key={path} traceId={spanTrace.toLowerCase()} span={span.toLowerCase()} />;
  const record = /^\/log\/(\d+)\/?$/.exec(path)?.[1];
  if (record) return <LogPageView key={record} id={record} />;
  if (path === "/" || path === "/logs") return <LogsView />;
  if (path === "/traces") return <TracesView />;
  if (path === "/services") return <ServicesView />;
  const service = /^\/services\/(.+)$/.exec(rawPath())?.[1];
  if (service) return <ServiceView name={decodeURIComponent(service)} />;
  if (path === "/errors") return <ErrorsView />;
  if (path === "/open") return <FileView />;
  if (path === "/compare") return <CompareView />;
  if (path === "/map") return <MapView />;
  if (path === "/sql") return <SqlView />;
  if (path === "/ingest") return <IngestView />;
  if (path === "/docs/api") return <ApiView />;
  if (path === "/status") return <StatusView />;
  return (
    <main class="view">
      <EmptyState title="There is no such page">
        <div class="state-actions">
          <a class="button" href={href("/logs")}>
            Go to logs
          </a>
        </div>
      </EmptyState>
    </main>
  );
}

/** `g` and a letter go to a view: the letter is taken from the page's own keys for a moment. */
function useGlobalKeys(onHelp: () => void): void {
  // When `g` was pressed; the clock begins with the page, so "not yet" is not 0.
  const chord = useRef(-Infinity);
  useLayoutEffect(() => {
    const second = (event: KeyboardEvent): void => {
      if (performance.now() - chord.current > CHORD_MS) return;
      chord.current = -Infinity;
      const view = VIEWS.find((each) => each.key === event.key);
      if (!view) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      navigate(hrefInRange(view.path));
    };
    window.addEventListener("keydown", second, true);
    return () => window.removeEventListener("keydown", second, true);
  }, []);
  useKeys({
    "/": focusQuery,
    "?": onHelp,
    g: () => {
      chord.current = performance.now();
    },
    y: () => copyAndSay(absoluteLink(), "Link copied, with absolute times"),
  });
}
