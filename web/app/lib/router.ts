import { createStore, useStore } from "./store";

/** Where we are. `action` tells a click from the browser's back button: only the latter restores scroll and rows. */
export interface Place {
  path: string;
  params: URLSearchParams;
  action: "push" | "replace" | "pop";
}

const readPlace = (action: Place["action"]): Place => ({
  path: decodeURI(window.location.pathname),
  params: new URLSearchParams(window.location.search),
  action,
});

const place = createStore<Place>(
  typeof window === "undefined" ? { path: "/", params: new URLSearchParams(), action: "pop" } : readPlace("pop"),
);

export function usePlace(): Place {
  return useStore(place);
}

export function currentPlace(): Place {
  return place.get();
}

export function navigate(to: string, how: "push" | "replace" = "push"): void {
  if (how === "push") window.history.pushState(null, "", to);
  else window.history.replaceState(null, "", to);
  place.set(readPlace(how));
}

/** Changes some query parameters of the current page; `null` removes one. */
export function setParams(patch: Record<string, string | null>, how: "push" | "replace" = "push"): void {
  const { path, params } = place.get();
  navigate(hrefWith(path, params, patch), how);
}

export function hrefWith(path: string, params: URLSearchParams, patch: Record<string, string | null>): string {
  const next = new URLSearchParams(params);
  for (const [key, value] of Object.entries(patch)) {
    if (value === null || value === "") next.delete(key);
    else next.set(key, value);
  }
  const search = next.toString();
  return search ? `${path}?${search}` : path;
}

export function href(path: string, params: Record<string, string | null | undefined> = {}): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(params)) if (value) search.set(key, value);
  const text = search.toString();
  return text ? `${path}?${text}` : path;
}

/** Plain `<a href>` everywhere: this turns clicks on our own links into navigation without a reload. */
export function interceptLinks(): void {
  window.addEventListener("popstate", () => place.set(readPlace("pop")));
  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (!link || link.target || link.origin !== window.location.origin || link.hasAttribute("download")) return;
    if (link.pathname.startsWith("/api/")) return;
    event.preventDefault();
    navigate(link.pathname + link.search);
  });
}
