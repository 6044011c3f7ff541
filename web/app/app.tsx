import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { LogsView } from "./logs/view";
import { useKeys } from "./lib/keys";
import { navigate, usePlace } from "./lib/router";
import { ServicesView } from "./services/view";
import { TraceView } from "./trace/view";
import { TracesView } from "./traces/view";
import { Boundary } from "./ui/boundary";
import { QUERY_INPUT_ID } from "./ui/querybar";
import { Shortcuts } from "./ui/shortcuts";
import { EmptyState } from "./ui/states";
import { TokenDialog } from "./ui/token";
import { TopBar } from "./ui/topbar";

const CHORD_MS = 900;

export function App(): JSX.Element {
  const { path } = usePlace();
  const [help, setHelp] = useState(false);
  useGlobalKeys(() => setHelp(true));
  return (
    <div class="app">
      <TopBar onShortcuts={() => setHelp(true)} />
      <Boundary key={path}>
        <CurrentView />
      </Boundary>
      {help && <Shortcuts onClose={() => setHelp(false)} />}
      <TokenDialog />
    </div>
  );
}

function CurrentView(): JSX.Element {
  const { path } = usePlace();
  const trace = /^\/trace\/([^/]+)\/?$/.exec(path)?.[1];
  const title = trace ? `Trace ${trace.slice(0, 8)}` : path === "/services" ? "Services" : path === "/traces" ? "Traces" : "Logs";
  useEffect(() => {
    document.title = `${title} · Spoor`;
    if (path === "/") navigate("/logs", "replace");
  }, [path]);
  if (trace) return <TraceView key={trace} id={trace.toLowerCase()} />;
  if (path === "/" || path === "/logs") return <LogsView />;
  if (path === "/traces") return <TracesView />;
  if (path === "/services") return <ServicesView />;
  return (
    <main class="view">
      <EmptyState title="There is no such page">
        <div class="state-actions">
          <a class="button" href="/logs">
            Go to logs
          </a>
        </div>
      </EmptyState>
    </main>
  );
}

function useGlobalKeys(onHelp: () => void): void {
  const chord = useRef(0);
  const go = (path: string): void => {
    if (performance.now() - chord.current < CHORD_MS) navigate(path);
    chord.current = 0;
  };
  useKeys({
    "/": () => {
      const input = document.getElementById(QUERY_INPUT_ID);
      if (input instanceof HTMLInputElement) {
        input.focus();
        input.select();
      }
    },
    "?": onHelp,
    g: () => {
      chord.current = performance.now();
    },
    l: () => go("/logs"),
    t: () => go("/traces"),
    s: () => go("/services"),
  });
}
