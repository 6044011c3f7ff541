import { createStore, useStore } from "./store";

/** A search that was given a name, as the address of its page. Relative ranges stay relative. */
export interface Saved {
  name: string;
  href: string;
}

/** A query that was run, newest first. `page` is the path it was run on. */
export interface Past {
  page: string;
  query: string;
}

const SAVED_KEY = "spoor.saved";
const PAST_KEY = "spoor.history";
const MAX_PAST = 60;
const MAX_SAVED = 200;

function read<T>(key: string, isOne: (value: unknown) => value is T): T[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(key) ?? "[]");
    return Array.isArray(kept) ? kept.filter(isOne) : [];
  } catch {
    return [];
  }
}

function write(key: string, value: unknown): void {
  try {
    localStorage.setItem(key, JSON.stringify(value));
  } catch {
    // They then last as long as the page.
  }
}

const hasText = (value: unknown, ...keys: string[]): boolean =>
  typeof value === "object" && value !== null && keys.every((key) => typeof (value as Record<string, unknown>)[key] === "string");
const isSaved = (value: unknown): value is Saved => hasText(value, "name", "href") && (value as Saved).href.startsWith("/");
const isPast = (value: unknown): value is Past => hasText(value, "page", "query");

const savedStore = createStore<Saved[]>(read(SAVED_KEY, isSaved));
const pastStore = createStore<Past[]>(read(PAST_KEY, isPast));

export const useSaved = (): Saved[] => useStore(savedStore);
export const usePast = (): Past[] => useStore(pastStore);

/** Keeps a search under a name; the same name is replaced. */
export function saveSearch(name: string, href: string): void {
  const next = [{ name, href }, ...savedStore.get().filter((entry) => entry.name !== name)].slice(0, MAX_SAVED);
  savedStore.set(next);
  write(SAVED_KEY, next);
}

export function forgetSearch(name: string): void {
  const next = savedStore.get().filter((entry) => entry.name !== name);
  savedStore.set(next);
  write(SAVED_KEY, next);
}

export function rememberQuery(page: string, query: string): void {
  const text = query.trim();
  if (text === "") return;
  const next = [{ page, query: text }, ...pastStore.get().filter((entry) => entry.page !== page || entry.query !== text)].slice(0, MAX_PAST);
  pastStore.set(next);
  write(PAST_KEY, next);
}

export function forgetPast(): void {
  pastStore.set([]);
  write(PAST_KEY, []);
}
