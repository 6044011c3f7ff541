import type { Params } from "../api/client";
import { currentTenant } from "./router";

const quoted = (text: string): string => `'${text.replace(/'/g, "'\\''")}'`;
const TOKEN = '-H "authorization: Bearer $SPOOR_READ_TOKEN"';

/** The headers that say who asks, and about whom. */
function headers(token: boolean): string[] {
  const tenant = currentTenant();
  return [...(token ? [TOKEN] : []), ...(tenant === null ? [] : [`-H ${quoted(`X-Scope-OrgID: ${tenant}`)}`])];
}

/** A GET of the API as one asks it in a shell, every parameter on a line. `token`: whether the server wants one, from `$SPOOR_READ_TOKEN`. */
export function curlOf(url: string, params: Params, token: boolean): string {
  const given = Object.entries(params).filter(([, value]) => value !== null && value !== undefined && value !== "");
  return [`curl -sG ${quoted(url)}`, ...headers(token), ...given.map(([key, value]) => `--data-urlencode ${quoted(`${key}=${value}`)}`)].join(" \\\n  ");
}

/** A statement, asked of the API from a shell. */
export function sqlCurlOf(url: string, statement: string, token: boolean): string {
  return [`curl -s ${quoted(url)}`, ...headers(token), "-H 'content-type: application/json'", `--data ${quoted(JSON.stringify({ query: statement }))}`].join(" \\\n  ");
}

/** Whose data our own command is to ask for. */
function tenantFlag(): string {
  const tenant = currentTenant();
  return tenant === null ? "" : ` --tenant ${quoted(tenant)}`;
}

/** Which records `spoor logs` is to write. */
export interface LogsCommand {
  query: string;
  start?: string | null;
  end?: string | null;
  limit?: number;
  /** Those that are still to come, after the newest. */
  follow?: boolean;
}

/** Records, with our own command, the oldest of the newest first; it takes the token from `$SPOOR_READ_TOKEN` by itself. */
export function logsCliOf(origin: string, { query, start, end, limit, follow }: LogsCommand): string {
  const flags = [start && `--since ${quoted(start)}`, end && `--until ${quoted(end)}`, limit && `--limit ${limit}`].filter(Boolean);
  // What begins as an option does is none after `--`.
  const words = query === "" ? [] : [query.startsWith("-") ? `-- ${quoted(query)}` : quoted(query)];
  return [`spoor logs${follow ? " --follow" : ""} --url ${quoted(origin)}${tenantFlag()}`, ...flags, ...words].join(" \\\n  ");
}

/** A statement, with our own command. */
export const cliOf = (origin: string, statement: string): string => `spoor sql --url ${quoted(origin)}${tenantFlag()} \\\n  ${quoted(statement)}`;
