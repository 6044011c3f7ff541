import { useLayoutEffect, useRef } from "preact/hooks";

// Listeners are there as soon as what they belong to is on the page: an ordinary effect runs a frame
// later, and a key pressed in between would be lost.

export type KeyMap = Record<string, (event: KeyboardEvent) => void>;

/** The editors live in shadow roots: outside of them an event seems to come from the root's host. */
function isTyping(event: Event): boolean {
  const target = event.composedPath()[0] ?? event.target;
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

/** Keys of the whole page. They rest while a dialog is open, and while somebody types, except Escape. */
export function useKeys(map: KeyMap): void {
  const latest = useRef(map);
  latest.current = map;
  useLayoutEffect(() => {
    const listen = (event: KeyboardEvent): void => {
      if (event.defaultPrevented || event.metaKey || event.ctrlKey || event.altKey) return;
      if (document.querySelector("dialog[open]") || (event.key !== "Escape" && isTyping(event))) return;
      // Enter and Space on a button or link belong to it.
      if ((event.key === "Enter" || event.key === " ") && event.target instanceof Element && event.target.closest("button, a, summary")) return;
      const handler = latest.current[event.key];
      if (!handler) return;
      event.preventDefault();
      handler(event);
    };
    window.addEventListener("keydown", listen);
    return () => window.removeEventListener("keydown", listen);
  }, []);
}

/** Ctrl or ⌘ with a key, also while somebody types. */
export function useChord(key: string, handler: () => void): void {
  const latest = useRef(handler);
  latest.current = handler;
  useLayoutEffect(() => {
    const listen = (event: KeyboardEvent): void => {
      if (!(event.metaKey || event.ctrlKey) || event.altKey || event.shiftKey || event.key.toLowerCase() !== key) return;
      event.preventDefault();
      latest.current();
    };
    window.addEventListener("keydown", listen, true);
    return () => window.removeEventListener("keydown", listen, true);
  }, [key]);
}
