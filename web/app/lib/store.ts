import { useLayoutEffect, useRef, useState } from "preact/hooks";

export interface Store<T> {
  get: () => T;
  set: (value: T) => void;
  subscribe: (listener: () => void) => () => void;
}

/** A value outside of the component tree that components can watch. */
export function createStore<T>(initial: T): Store<T> {
  let value = initial;
  const listeners = new Set<() => void>();
  return {
    get: () => value,
    set: (next) => {
      if (Object.is(next, value)) return;
      value = next;
      for (const listener of [...listeners]) listener();
    },
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** The value now, and again whenever it changes. */
export function useStore<T>(store: Store<T>): T {
  const [, render] = useState(0);
  const value = store.get();
  const seen = useRef(value);
  seen.current = value;
  // At once and not a frame later: a key pressed in between may have changed it already.
  useLayoutEffect(() => {
    const changed = (): void => render((n) => n + 1);
    if (!Object.is(store.get(), seen.current)) changed();
    return store.subscribe(changed);
  }, [store]);
  return value;
}
