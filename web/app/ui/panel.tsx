import type { ComponentChildren, JSX } from "preact";
import { Icon, type IconName } from "./icons";

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
  return (
    <aside class="panel" aria-label={label}>
      <header class="panel-head">
        {head}
        <span class="panel-tools">
          {tools}
          <PanelTool icon="close" label="Close" keys="Esc" onClick={onClose} />
        </span>
      </header>
      <div class="panel-scroll">
        {title !== undefined && <h2 class="panel-title">{title}</h2>}
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
