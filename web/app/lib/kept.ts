const KEPT_RESULTS = 4;

export interface Kept<T> {
  get: (key: string) => T | null;
  /** Its place in the list stays. */
  keep: (key: string, held: T) => void;
  scroll: (key: string) => number;
  keepScroll: (key: string, scrollTop: number) => void;
}

/** Results of late, so that the back button shows the same rows at the same place. */
export function createKept<T>(): Kept<T> {
  const kept = new Map<string, { held: T; scrollTop: number }>();
  const scroll = (key: string): number => kept.get(key)?.scrollTop ?? 0;
  return {
    get: (key) => kept.get(key)?.held ?? null,
    scroll,
    keep: (key, held) => {
      const scrollTop = scroll(key);
      kept.delete(key);
      kept.set(key, { held, scrollTop });
      const oldest = kept.keys().next().value;
      if (kept.size > KEPT_RESULTS && oldest !== undefined) kept.delete(oldest);
    },
    keepScroll: (key, scrollTop) => {
      const entry = kept.get(key);
      if (entry) entry.scrollTop = scrollTop;
    },
  };
}
