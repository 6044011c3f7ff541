import { createStore, useStore } from "./store";

/** Where we are. `action` tells a click from the browser's back button: only the latter restores scroll and rows. */
export interface Place {
  path: string;
  params: URLSearchParams;
  action: "push" | "replace" | "pop";
}

/** As people read it; an address that is not well-formed stays as it is, and is no page. */
function decoded(path: string): string {
  try {
    return decodeURI(path);
  } catch {
    return path;
  }
}

const readPlace = (action: Place["action"]): Place => ({
  path: decoded(window.location.pathname),
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

/** The tenant that a page's address names; null is `default`, which is never named. */
export const tenantIn = (params: URLSearchParams): string | null => {
  const name = params.get("tenant")?.trim() ?? "";
  return name === "" || name === DEFAULT_TENANT ? null : name;
};

export const DEFAULT_TENANT = "default";

/** Whose data the page shows, for requests and links; null is `default`. */
export const currentTenant = (): string | null => tenantIn(place.get().params);

/** An address with the tenant of the page, unless it names one. */
export function ofTenant(address: string): string {
  const tenant = currentTenant();
  if (tenant === null || paramsOf(address).has("tenant")) return address;
  const joint = address.includes("?") ? (address.endsWith("?") ? "" : "&") : "?";
  return `${address}${joint}tenant=${encodeURIComponent(tenant)}`;
}

const paramsOf = (address: string): URLSearchParams => new URLSearchParams(address.includes("?") ? address.slice(address.indexOf("?") + 1) : "");

export function navigate(address: string, how: "push" | "replace" = "push"): void {
  const to = ofTenant(address);
  if (tenantIn(paramsOf(to)) !== currentTenant()) {
    // Nothing that was loaded of one tenant is shown as another's.
    if (how === "push") window.location.assign(to);
    else window.location.replace(to);
    return;
  }
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
  return ofTenant(text ? `${path}?${text}` : path);
}

/** The page as another tenant's: without the row that was chosen, which that one does not have. */
export function hrefOfTenant(name: string): string {
  const { path, params } = place.get();
  const tenant = name === DEFAULT_TENANT ? null : name;
  const view = ["/trace/", "/compare"].some((page) => path.startsWith(page)) ? "/traces" : path.startsWith("/log/") ? "/logs" : path.startsWith("/services/") ? "/services" : path;
  const kept = view === path ? params : new URLSearchParams([...params].filter(([key]) => key === "start" || key === "end"));
  return hrefWith(view, kept, { tenant, sel: null, span: null, cursor: null });
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
