import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { createStore, useStore } from "../lib/store";

const SHOWN_MS = 2200;
const message = createStore<{ text: string } | null>(null);

/** One short sentence at the foot of the page, about something that leaves no other trace there. */
export function say(text: string): void {
  message.set({ text });
}

export function Toast(): JSX.Element {
  const shown = useStore(message);
  useEffect(() => {
    if (!shown) return;
    const timer = setTimeout(() => message.set(null), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [shown]);
  return (
    <div class="toast-place" role="status">
      {shown && <span class="toast">{shown.text}</span>}
    </div>
  );
}
