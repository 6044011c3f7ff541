import { ofTenant } from "../lib/router";
import { createStore } from "../lib/store";

/** An answer that is not 2xx, in the words of the API. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly hint: string | null,
    /** Offset in characters into the query, when the query is at fault. */
    readonly position: number | null,
    readonly requestId: string | null,
  ) {
    super(message);
  }
}

const TOKEN_KEY = "spoor.token";

/** Whether the API has asked for a token; `rejected` when the one we sent was not taken. */
export const authStore = createStore<{ asked: boolean; rejected: boolean; generation: number }>({
  asked: false,
  rejected: false,
  generation: 0,
});

function readToken(): string | null {
  try {
    return sessionStorage.getItem(TOKEN_KEY);
  } catch {
    return null;
  }
}

/** Keeps the token until the tab is closed, and lets every view ask again. */
export function setToken(token: string): void {
  sessionStorage.setItem(TOKEN_KEY, token);
  const { generation } = authStore.get();
  authStore.set({ asked: false, rejected: false, generation: generation + 1 });
}

export type Params = Record<string, string | number | null | undefined>;

function withParams(path: string, params: Params): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(params)) {
    if (value !== null && value !== undefined && value !== "") search.set(key, String(value));
  }
  const text = search.toString();
  return text ? `${path}?${text}` : path;
}

interface Asked {
  accept: string;
  /** GET without it, or POST with a body. */
  method?: "PUT" | "DELETE";
  /** Sent as JSON. */
  body?: unknown;
  signal?: AbortSignal | undefined;
}

/** One request with the read token and the page's tenant. Rejects with `ApiError`, or with the browser's `AbortError` when `signal` fires. */
async function ask(path: string, { accept, method, body, signal }: Asked): Promise<Response> {
  const headers: Record<string, string> = { accept };
  const token = readToken();
  if (token) headers["authorization"] = `Bearer ${token}`;
  if (body !== undefined) headers["content-type"] = "application/json";
  let response: Response;
  try {
    response = await fetch(ofTenant(path), { method: method ?? (body === undefined ? "GET" : "POST"), headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }), ...(signal ? { signal } : {}) });
  } catch (cause) {
    if (signal?.aborted) throw cause;
    throw new ApiError(0, "unreachable", "the server does not answer", "Is spoor still running? Retry when it is.", null, null);
  }
  if (response.ok) return response;
  if (response.status === 401) {
    authStore.set({ ...authStore.get(), asked: true, rejected: token !== null });
  }
  throw await toError(response);
}

/** One GET as it is, whatever the status; for whoever looks at requests themselves. */
export async function getRaw(path: string, signal: AbortSignal): Promise<Response> {
  const token = readToken();
  return fetch(ofTenant(path), { headers: token ? { authorization: `Bearer ${token}` } : {}, signal });
}

/** GETs JSON. */
export async function getJson<T>(path: string, params: Params, signal?: AbortSignal): Promise<T> {
  return (await (await ask(withParams(path, params), { accept: "application/json", signal })).json()) as T;
}

export async function postJson<T>(path: string, body: unknown, signal?: AbortSignal): Promise<T> {
  return (await (await ask(path, { accept: "application/json", body, signal })).json()) as T;
}

export async function putJson<T>(path: string, body: unknown): Promise<T> {
  return (await (await ask(path, { accept: "application/json", method: "PUT", body })).json()) as T;
}

export async function remove(path: string): Promise<void> {
  await ask(path, { accept: "application/json", method: "DELETE" });
}

/** An answer to be saved as a file, and whether the server left something out of it. */
export async function postFile(path: string, body: unknown, accept: string, signal?: AbortSignal): Promise<{ blob: Blob; complete: boolean }> {
  const response = await ask(path, { accept, body, signal });
  return { blob: await response.blob(), complete: response.headers.get("spoor-complete") !== "false" };
}

/** A file that is whole once it is here; `complete` is false when the server left something out of it. */
export async function getFile(path: string, params: Params, signal: AbortSignal): Promise<{ blob: Blob; complete: boolean }> {
  const response = await ask(withParams(path, params), { accept: "*/*", signal });
  return { blob: await response.blob(), complete: response.headers.get("spoor-complete") !== "false" };
}

/** Whether this tab asks with a token. */
export const hasToken = (): boolean => readToken() !== null;

/** An answer that goes on for as long as both sides want. */
export async function openStream(path: string, params: Params, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
  const response = await ask(withParams(path, params), { accept: "text/event-stream", signal });
  return response.body ?? new ReadableStream();
}

export async function getText(path: string, signal?: AbortSignal): Promise<string> {
  return (await ask(path, { accept: "text/plain", signal })).text();
}

interface ErrorBody {
  error?: { code?: string; message?: string; hint?: string | null; position?: number | null; request_id?: string };
}

async function toError(response: Response): Promise<ApiError> {
  const body = (await response.json().catch(() => ({}))) as ErrorBody;
  const error = body.error ?? {};
  return new ApiError(
    response.status,
    error.code ?? `http_${response.status}`,
    error.message ?? `the server answered ${response.status}`,
    error.hint ?? null,
    error.position ?? null,
    error.request_id ?? response.headers.get("x-request-id"),
  );
}
