import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { setZone, useZone, type Zone } from "../lib/format";
import { setTheme, useTheme, type Theme } from "../lib/prefs";
import { href, usePlace } from "../lib/router";
import { startOf, useStarts } from "../lib/saved";
import { Icon, Mark } from "./icons";
import { Popover } from "./popover";
import { TenantMenu, type Tenants, TenantSwitcher, useTenants } from "./tenant";

/** The views, in the order of the bar; on narrow screens it is scrolled. */
export const VIEWS = [
  { path: "/logs", label: "Logs", key: "l" },
  { path: "/traces", label: "Traces", key: "t" },
  { path: "/services", label: "Services", key: "s" },
  { path: "/errors", label: "Errors", key: "e" },
  { path: "/map", label: "Map", key: "m" },
  { path: "/sql", label: "SQL", key: "q" },
  { path: "/ingest", label: "Ingest", key: "i" },
  { path: "/status", label: "Status", key: "h" },
];

const IS_MAC = typeof navigator !== "undefined" && /Mac|iPhone|iPad/.test(navigator.userAgent);

/** The views keep the time range: whoever looks at an hour of logs wants the traces of that hour. */
interface Props {
  onShortcuts: () => void;
  onPalette: () => void;
}

export function TopBar({ onShortcuts, onPalette }: Props): JSX.Element {
  const { path, params } = usePlace();
  const range = { start: params.get("start"), end: params.get("end") };
  useStarts();
  const tenants = useTenants();
  const isHere = (view: string): boolean => path === view || path.startsWith(`${view}/`) || (view === "/logs" && path.startsWith("/log/")) || (view === "/traces" && (path.startsWith("/trace/") || path === "/compare" || path === "/open"));
  const nav = useRef<HTMLElement>(null);
  useEffect(() => nav.current?.querySelector("[aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" }), [path]);
  return (
    <header class="topbar">
      <a class="wordmark" href={href("/logs")} aria-label="Spoor, home">
        <Mark />
        <span>spoor</span>
      </a>
      <nav class="nav" aria-label="Views" ref={nav}>
        {VIEWS.map((view) => (
          <a key={view.path} href={isHere(view.path) ? href(view.path, range) : startOf(view.path, range)} aria-current={isHere(view.path) ? "page" : undefined}>
            {view.label}
          </a>
        ))}
      </nav>
      <div class="topbar-end">
        {tenants && <TenantSwitcher tenants={tenants} />}
        <button type="button" class="palette-button" title="Command palette (Ctrl K)" onClick={onPalette}>
          <Icon name="command" />
          <span class="palette-label">Go to…</span>
          <kbd class="hide-phone" aria-hidden="true">
            {IS_MAC ? "⌘" : "Ctrl"} K
          </kbd>
        </button>
        <button type="button" class="icon-button hide-phone" title="Keyboard shortcuts (?)" aria-label="Keyboard shortcuts" onClick={onShortcuts}>
          <Icon name="keyboard" size={16} />
        </button>
        <Popover button={<Icon name="sliders" size={16} />} title="Appearance, and the API" label="Appearance" buttonClass="icon-button">
          {() => <Appearance tenants={tenants} />}
        </Popover>
      </div>
    </header>
  );
}

function Appearance({ tenants }: { tenants: Tenants | null }): JSX.Element {
  const theme = useTheme();
  const zone = useZone();
  return (
    <div class="appearance">
      {tenants && (
        <div class="phone-only">
          <TenantMenu tenants={tenants} />
        </div>
      )}
      <Choice<Theme> label="Theme" value={theme} options={[["system", "System"], ["light", "Light"], ["dark", "Dark"]]} onChange={setTheme} />
      <Choice<Zone> label="Times in" value={zone} options={[["local", "Local"], ["utc", "UTC"]]} onChange={setZone} />
      <a class="appearance-link" href={href("/docs/api")}>
        API: every request, to try
      </a>
    </div>
  );
}

interface ChoiceProps<T extends string> {
  label: string;
  value: T;
  options: [T, string][];
  onChange: (value: T) => void;
}

export function Choice<T extends string>({ label, value, options, onChange }: ChoiceProps<T>): JSX.Element {
  return (
    <div class="choice">
      <span class="choice-label">{label}</span>
      <div class="segmented" role="group" aria-label={label}>
        {options.map(([option, text]) => (
          <button key={option} type="button" aria-pressed={option === value} onClick={() => onChange(option)}>
            {text}
          </button>
        ))}
      </div>
    </div>
  );
}
