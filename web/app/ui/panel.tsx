import type { ComponentChildren, JSX } from "preact";
import { useRef } from "preact/hooks";
import { keepChoice, keptChoice, usePhone } from "../lib/prefs";
import { useSize } from "../lib/size";
import { createStore, useStore } from "../lib/store";
import { Grip } from "./grip";
import { Icon, type IconName } from "./icons";

const WIDTH_KEY = "spoor.panel";
const MIN_WIDTH = 300;
/** What the list beside it keeps. */
const MIN_BESIDE = 420;
const kept = Number(keptChoice(WIDTH_KEY));
/** The width that was chosen in this browser; null is that of the style sheet. */
const width = createStore<number | null>(kept >= MIN_WIDTH ? kept : null);

function setWidth(wanted: number): void {
  const next = Math.round(Math.max(MIN_WIDTH, Math.min(window.innerWidth - MIN_BESIDE, wanted)));
  width.set(next);
  keepChoice(WIDTH_KEY, String(next));
}

interface PanelProps {
  label: string;
  /** What stands at its top, such as the service. */
  head: ComponentChildren;
  tools?: ComponentChildren;
  title?: ComponentChildren;
  onClose: () => void;
  children: ComponentChildren;
}

/** What there is to say of one thing, beside the list or picture it was chosen from. */
export function Panel({ label, head, tools, title, onClose, children }: PanelProps): JSX.Element {
  const chosen = useStore(width);
  const own = useRef<HTMLElement>(null);
  const phone = usePhone();
  const { width: shown } = useSize(own);
  return (
    <aside class="panel" ref={own} aria-label={label} style={chosen !== null && !phone ? { width: `min(${chosen}px, calc(100vw - ${MIN_BESIDE}px))` } : undefined}>
      {!phone && <Grip class="panel-grip" label="Width of the panel" size={shown} reversed onSize={setWidth} />}
      <header class="panel-head">
        {head}
        <span class="panel-tools">
          {tools}
          <PanelTool icon="close" label="Close" keys="Esc" onClick={onClose} />
        </span>
      </header>
      <div class="panel-scroll">
        {title === undefined ? <h2 class="sr-only">{label}</h2> : <h2 class="panel-title">{title}</h2>}
        {children}
      </div>
    </aside>
  );
}

interface ToolProps {
  icon: IconName;
  label: string;
  keys: string;
  onClick: () => void;
}

export function PanelTool({ icon, label, keys, onClick }: ToolProps): JSX.Element {
  return (
    <button type="button" class="icon-button" title={`${label} (${keys})`} aria-label={label} onClick={onClick}>
      <Icon name={icon} />
    </button>
  );
}

export interface Figure {
  label: string;
  value: ComponentChildren;
  title?: string | undefined;
  class?: string;
}

/** Figures two by two. */
export function Figures({ figures }: { figures: readonly (Figure | null | false)[] }): JSX.Element {
  return (
    <dl class="timing">
      {figures.map(
        (figure) =>
          figure && (
            <div key={figure.label} title={figure.title}>
              <dt>{figure.label}</dt>
              <dd class={figure.class}>{figure.value}</dd>
            </div>
          ),
      )}
    </dl>
  );
}

/** Narrows the tables of attributes below it down. */
export function FindAttribute({ value, onInput }: { value: string; onInput: (text: string) => void }): JSX.Element {
  return <input class="field field-small" placeholder="Find a field" aria-label="Find a field" value={value} onInput={(event) => onInput(event.currentTarget.value)} />;
}
