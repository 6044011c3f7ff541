import { useEffect } from "preact/hooks";
import { contentOf, forgetKept, type Kept, type SavedSearch, type SearchContent } from "../lib/saved";
import { createStore, useStore } from "../lib/store";
import { ApiError, getJson, postJson, putJson, remove } from "./client";
import { useApi, type Loaded } from "./use";

const PATH = "/api/v1/searches";
const one = (id: string): string => `${PATH}/${encodeURIComponent(id)}`;

/** Counts the changes made here, so that every list of searches on the page asks again. */
const changes = createStore(0);
/** The last list, so that a menu that opens has it at once. */
const latest = createStore<SavedSearch[]>([]);

/** The searches that the server keeps, by name. */
export function useSearches(): Loaded<SavedSearch[]> {
  const version = useStore(changes);
  const found = useApi<SavedSearch[]>(`searches ${version}`, async (signal) => (await getJson<{ searches: SavedSearch[] }>(PATH, {}, signal)).searches);
  const { data } = found;
  useEffect(() => {
    if (data) latest.set(data);
  }, [data]);
  return { ...found, data: data ?? latest.get() };
}

async function changed<T>(act: Promise<T>): Promise<T> {
  try {
    return await act;
  } finally {
    changes.set(changes.get() + 1);
  }
}

/** Rejects with `ApiError`: 409 when the view has a search of this name. */
export const saveSearch = (content: SearchContent): Promise<SavedSearch> => changed(postJson<SavedSearch>(PATH, content));
export const replaceSearch = (id: string, content: SearchContent): Promise<SavedSearch> => changed(putJson<SavedSearch>(one(id), content));

export const forgetSearch = (id: string): Promise<void> =>
  changed(
    remove(one(id)).catch((cause: unknown) => {
      // Somebody else was quicker.
      if (!(cause instanceof ApiError && cause.status === 404)) throw cause;
    }),
  );

/** Moves searches of this browser to the server, and says what did not go. Those whose name is taken get a number. */
export async function moveKept(kept: readonly Kept[], taken: readonly SavedSearch[]): Promise<string[]> {
  const failed: string[] = [];
  const names = new Set(taken.map((search) => `${search.view} ${search.name}`));
  for (const entry of kept) {
    const content = contentOf(entry.name.slice(0, 190), entry.href);
    if (!content) {
      failed.push(`${entry.name}: the server keeps no searches of that page`);
      continue;
    }
    const { view, name } = content;
    for (let number = 2; names.has(`${view} ${content.name}`); number += 1) content.name = `${name} (${number})`;
    try {
      await saveSearch(content);
      names.add(`${view} ${content.name}`);
      forgetKept([entry.name]);
    } catch (cause) {
      failed.push(`${entry.name}: ${cause instanceof Error ? cause.message : String(cause)}`);
      // What one is refused for, such as a token, the others would be too.
      if (cause instanceof ApiError && [0, 401, 403, 503].includes(cause.status)) break;
    }
  }
  return failed;
}
