import type { JSX } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { getJson } from "../api/client";
import { useSearches } from "../api/searches";
import type { ValuePage } from "../api/types";
import { useApi } from "../api/use";
import { setZone } from "../lib/format";
import { fuzzySort } from "../lib/fuzzy";
import { setTheme } from "../lib/prefs";
import { asTraceId } from "../lib/query";
import { currentPlace, href, navigate } from "../lib/router";
import { addressOf, useKept, usePast } from "../lib/saved";
import { absoluteLink, hrefInRange } from "../lib/search";
import { copyAndSay } from "./copy";
import { VIEWS } from "./topbar";

interface Command {
  kind: string;
  text: string;
  run: () => void;
}

const SHOWN = 12;
const SERVICES = 1000;

/** Anything by its name: a view, a service, a trace id, a saved or recent search, a switch. */
export function Palette({ onClose, onShortcuts }: { onClose: () => void; onShortcuts: () => void }): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const [text, setText] = useState("");
  const [active, setActive] = useState(0);
  const commands = useCommands(onShortcuts);
  const found = useMemo(() => {
    const traceId = asTraceId(text);
    if (traceId) return [{ kind: "Trace", text: traceId, run: () => navigate(`/trace/${traceId}`) }];
    const two = text.trim().split(/[\s,]+/).map(asTraceId);
    if (two.length === 2 && two[0] && two[1]) return [{ kind: "Compare", text: `${two[0].slice(0, 8)} with ${two[1].slice(0, 8)}`, run: () => navigate(href("/compare", { left: two[0], right: two[1] })) }];
    const named = fuzzySort(text, commands, (command) => `${command.text} ${command.kind}`).slice(0, SHOWN);
    const words = text.trim();
    return words === "" ? named : [...named, search("logs", words), search("traces", words)];
  }, [text, commands]);
  useEffect(() => dialog.current?.showModal(), []);
  useEffect(() => setActive(0), [text]);
  const run = (command: Command | undefined): void => {
    if (!command) return;
    onClose();
    command.run();
  };
  return (
    <dialog
      ref={dialog}
      class="dialog palette"
      aria-label="Command palette"
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => event.target === dialog.current && onClose()}
    >
      <input
        class="palette-input"
        role="combobox"
        aria-expanded="true"
        aria-controls="palette-list"
        aria-activedescendant={found.length > 0 ? `palette-${active}` : undefined}
        aria-label="Go to a view, service, trace id or search"
        placeholder="Go to a view, service, trace id or search"
        autofocus
        autocomplete="off"
        spellcheck={false}
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => {
          const by = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
          if (by !== 0) setActive((active + by + found.length) % Math.max(1, found.length));
          else if (event.key === "Enter") run(found[active]);
          else return;
          event.preventDefault();
        }}
      />
      <ul id="palette-list" class="palette-list" role="listbox" aria-label="Commands">
        {found.map((command, index) => (
          <li key={`${command.kind} ${command.text}`} id={`palette-${index}`} role="option" aria-selected={index === active} onPointerMove={() => setActive(index)} onClick={() => run(command)}>
            <span class="palette-text">{command.text}</span>
            <span class="muted">{command.kind}</span>
          </li>
        ))}
      </ul>
    </dialog>
  );
}

const search = (what: "logs" | "traces", words: string): Command => ({
  kind: `Search ${what}`,
  text: words,
  run: () => navigate(hrefInRange(`/${what}`, { q: words })),
});

function compareCommands(): Command[] {
  const trace = /^\/trace\/([0-9a-f]{32})/i.exec(currentPlace().path)?.[1];
  const median = { kind: "Trace", text: "Compare this trace with the median of its operation", run: () => navigate(href("/compare", { left: "median", right: trace })) };
  return [...(trace ? [median] : []), { kind: "Traces", text: trace ? "Compare this trace with another" : "Compare two traces", run: () => navigate(href("/compare", { right: trace })) }];
}

function useCommands(onShortcuts: () => void): Command[] {
  const saved = useSearches().data;
  const past = usePast();
  const kept = useKept();
  const services = useApi<string[]>("palette services", async (signal) => {
    const pages = await Promise.all(["spans", "logs"].map((table) => getJson<ValuePage>("/api/v1/fields/service_name/values", { table, limit: SERVICES }, signal)));
    return [...new Set(pages.flatMap((page) => page.values.map((entry) => String(entry.value))))];
  });
  return useMemo(
    () => [
      ...VIEWS.map((view) => ({ kind: `View · g ${view.key}`, text: view.label, run: () => navigate(hrefInRange(view.path)) })),
      ...(saved ?? []).map((search) => ({ kind: `Saved in ${search.view}`, text: search.name, run: () => navigate(addressOf(search)) })),
      ...kept.map((entry) => ({ kind: "Saved in this browser", text: entry.name, run: () => navigate(entry.href) })),
      ...(services.data ?? []).map((name) => ({ kind: "Service", text: name, run: () => navigate(hrefInRange(`/services/${encodeURIComponent(name)}`)) })),
      ...past.map((entry) => ({ kind: `Recent in ${entry.page.slice(1)}`, text: entry.query, run: () => navigate(href(entry.page, { q: entry.query })) })),
      { kind: "Traces", text: "Open a trace file: OTLP JSON, without the server", run: () => navigate("/open") },
      { kind: "Logs · l", text: "Live logs: follow what comes in", run: () => navigate(href("/logs", { q: currentPlace().path === "/logs" ? currentPlace().params.get("q") : null, live: "1" })) },
      ...compareCommands(),
      { kind: "Page · y", text: "Copy a link with absolute times", run: () => copyAndSay(absoluteLink(), "Link copied, with absolute times") },
      { kind: "Theme", text: "Light theme", run: () => setTheme("light") },
      { kind: "Theme", text: "Dark theme", run: () => setTheme("dark") },
      { kind: "Theme", text: "Theme of the system", run: () => setTheme("system") },
      { kind: "Times", text: "Times in UTC", run: () => setZone("utc") },
      { kind: "Times", text: "Local times", run: () => setZone("local") },
      { kind: "Help", text: "API: every request, to look at and to try", run: () => navigate("/docs/api") },
      { kind: "Help · ?", text: "Keyboard shortcuts", run: onShortcuts },
    ],
    [saved, kept, past, services.data],
  );
}
