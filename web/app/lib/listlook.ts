import { keepChoice, keptChoice } from "./prefs";
import { createStore, useStore, type Store } from "./store";

/** Each list has a look of its own. */
export type ListName = "logs" | "traces" | "sql";

/** How this browser shows a list: what does not belong to a search. */
export interface ListLook {
  /** Chosen widths of columns, in characters. */
  widths: Record<string, number>;
  /** Columns that stay when there is no room for all. */
  pinned: string[];
  density: "compact" | "comfortable";
}

const KEYS: Record<ListName, string> = { logs: "spoor.list", traces: "spoor.list.traces", sql: "spoor.list.sql" };
export const MIN_CHARACTERS = 5;
export const MAX_CHARACTERS = 90;

export function readLook(text: string | null): ListLook {
  const plain: ListLook = { widths: {}, pinned: [], density: "compact" };
  try {
    const kept = JSON.parse(text ?? "{}") as Partial<ListLook> | null;
    const widths = Object.entries(kept?.widths ?? {}).filter(([, width]) => typeof width === "number" && width >= MIN_CHARACTERS && width <= MAX_CHARACTERS);
    const pinned = Array.isArray(kept?.pinned) ? kept.pinned.filter((name) => typeof name === "string") : [];
    return { widths: Object.fromEntries(widths), pinned, density: kept?.density === "comfortable" ? "comfortable" : "compact" };
  } catch {
    return plain;
  }
}

const storeOf = (list: ListName): Store<ListLook> => createStore<ListLook>(readLook(keptChoice(KEYS[list])));
const stores: Record<ListName, Store<ListLook>> = { logs: storeOf("logs"), traces: storeOf("traces"), sql: storeOf("sql") };

export const useListLook = (list: ListName): ListLook => useStore(stores[list]);

export function changeLook(list: ListName, patch: Partial<ListLook>): void {
  const next = { ...stores[list].get(), ...patch };
  stores[list].set(next);
  keepChoice(KEYS[list], JSON.stringify(next));
}

/** Columns whose width was chosen, at most: statements may name any number of them. */
const MOST_WIDTHS = 200;

export function setWidth(list: ListName, name: string, characters: number): void {
  const others = Object.entries(stores[list].get().widths).filter(([other]) => other !== name);
  const width = Math.round(Math.max(MIN_CHARACTERS, Math.min(MAX_CHARACTERS, characters)));
  changeLook(list, { widths: Object.fromEntries([...others.slice(1 - MOST_WIDTHS), [name, width]]) });
}

export function toggleColumnPin(list: ListName, name: string): void {
  const { pinned } = stores[list].get();
  changeLook(list, { pinned: pinned.includes(name) ? pinned.filter((other) => other !== name) : [...pinned.slice(1 - MOST_WIDTHS), name] });
}

/** The columns with one put before another; at the end without one. */
export function movedColumn(columns: readonly string[], name: string, before: string | null): string[] {
  if (name === before || !columns.includes(name)) return [...columns];
  const rest = columns.filter((other) => other !== name);
  const at = before === null ? rest.length : rest.indexOf(before);
  return [...rest.slice(0, at), name, ...rest.slice(at)];
}
