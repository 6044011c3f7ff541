import type { JSX } from "preact";
import { count } from "../lib/format";
import { Icon } from "../ui/icons";
import { QUERY_INPUT_ID } from "../ui/querybar";
import { EmptyState } from "../ui/states";

interface Props {
  text: string;
  /** How many were found; null while that is not known. */
  found: number | null;
  /** The place of the chosen span among them, or -1. */
  at: number;
  /** Why nothing can be found. */
  problem?: string | null;
  onText: (text: string) => void;
  onGo: (by: 1 | -1) => void;
}

/** The search within a trace: how many there are and at which one is. */
export function FindBox({ text, found, at, problem = null, onText, onGo }: Props): JSX.Element {
  const counted = found === null ? "…" : found === 0 ? "none" : `${at === -1 ? "–" : count(at + 1)}/${count(found)}`;
  return (
    <span class="find">
      <Icon name="search" size={12} />
      <input
        id={QUERY_INPUT_ID}
        placeholder="Find: text, duration>10ms, status:error"
        aria-label="Find in this trace"
        value={text}
        onInput={(event) => onText(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Escape") {
            event.preventDefault();
            onText("");
            event.currentTarget.blur();
          }
          if (event.key === "Enter") onGo(event.shiftKey ? -1 : 1);
        }}
      />
      {text.trim() !== "" && (
        <span class={problem ? "find-count error-text" : "find-count number"} role="status" title={problem ?? undefined}>
          {problem ? "not found" : counted}
        </span>
      )}
    </span>
  );
}

/** Hides what was not found. */
export function OnlyFound({ on, onToggle }: { on: boolean; onToggle: () => void }): JSX.Element {
  return (
    <button type="button" class="text-button" aria-pressed={on} title="Hide the spans that were not found, except those above one (h)" onClick={onToggle}>
      Only found
    </button>
  );
}

/** Said where nothing is left. */
export function NoneFound({ onAll }: { onAll: () => void }): JSX.Element {
  return (
    <EmptyState title="No span of this trace matches">
      <div class="state-actions">
        <button type="button" class="button" onClick={onAll}>
          Show all spans
        </button>
      </div>
    </EmptyState>
  );
}

/** The next of `length` places, round and round; from none, the first or the last. */
export function turned(at: number, by: 1 | -1, length: number): number {
  if (at === -1) return by > 0 ? 0 : length - 1;
  return (at + by + length) % length;
}
