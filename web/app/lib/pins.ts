import { keepChoice, keptChoice } from "./prefs";
import { createStore, useStore } from "./store";

/** Fields that somebody put at the top of the facets, by table; kept in this browser. */
type Pins = Record<string, string[]>;

const KEY = "spoor.pins";
const MOST = 20;

export function readPins(text: string | null): Pins {
  try {
    const kept: unknown = JSON.parse(text ?? "{}");
    if (typeof kept !== "object" || kept === null) return {};
    return Object.fromEntries(Object.entries(kept).filter((entry): entry is [string, string[]] => Array.isArray(entry[1]) && entry[1].every((name) => typeof name === "string")));
  } catch {
    return {};
  }
}

const store = createStore<Pins>(readPins(keptChoice(KEY)));

export const usePins = (table: string): string[] => useStore(store)[table] ?? [];

/** Puts a field to the others, or takes it away; of more than twenty the oldest goes. */
export function togglePin(table: string, field: string): void {
  const pins = store.get();
  const now = pins[table] ?? [];
  const next = { ...pins, [table]: now.includes(field) ? now.filter((name) => name !== field) : [...now, field].slice(-MOST) };
  store.set(next);
  keepChoice(KEY, JSON.stringify(next));
}
