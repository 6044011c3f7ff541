import { createStore, useStore } from "./store";

export type Theme = "system" | "light" | "dark";

const THEME_KEY = "spoor.theme";

function readTheme(): Theme {
  try {
    const kept = localStorage.getItem(THEME_KEY);
    return kept === "light" || kept === "dark" ? kept : "system";
  } catch {
    return "system";
  }
}

export const themeStore = createStore<Theme>(readTheme());
export const useTheme = (): Theme => useStore(themeStore);

export function setTheme(theme: Theme): void {
  if (theme === "system") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = theme;
  try {
    if (theme === "system") localStorage.removeItem(THEME_KEY);
    else localStorage.setItem(THEME_KEY, theme);
  } catch {
    // The choice then lasts as long as the page.
  }
  themeStore.set(theme);
}

/** Whether the page is shown dark right now; canvases must be drawn again when it changes. */
const darkQuery = typeof window === "undefined" ? null : window.matchMedia("(prefers-color-scheme: dark)");
const systemDark = createStore(darkQuery?.matches ?? false);
darkQuery?.addEventListener("change", (event) => systemDark.set(event.matches));

export function useDark(): boolean {
  const theme = useTheme();
  const dark = useStore(systemDark);
  return theme === "system" ? dark : theme === "dark";
}

const phoneQuery = typeof window === "undefined" ? null : window.matchMedia("(max-width: 720px)");
const phone = createStore(phoneQuery?.matches ?? false);
phoneQuery?.addEventListener("change", (event) => phone.set(event.matches));

/** Narrow enough for one column: rows have two lines, panels cover the page. The same width as in the style sheets. */
export const usePhone = (): boolean => useStore(phone);

/** A small choice of this browser, such as a side bar that is closed. */
export function keptChoice(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

export function keepChoice(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // The choice then lasts as long as the page.
  }
}
