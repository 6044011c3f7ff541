import type { Params } from "../api/client";

const quoted = (text: string): string => `'${text.replace(/'/g, "'\\''")}'`;
const TOKEN = '-H "authorization: Bearer $SPOOR_READ_TOKEN"';

/** A GET of the API as one asks it in a shell, every parameter on a line. `token`: whether the server wants one, from `$SPOOR_READ_TOKEN`. */
export function curlOf(url: string, params: Params, token: boolean): string {
  const given = Object.entries(params).filter(([, value]) => value !== null && value !== undefined && value !== "");
  return [`curl -sG ${quoted(url)}`, ...(token ? [TOKEN] : []), ...given.map(([key, value]) => `--data-urlencode ${quoted(`${key}=${value}`)}`)].join(" \\\n  ");
}

/** A statement, asked of the API from a shell. */
export function sqlCurlOf(url: string, statement: string, token: boolean): string {
  return [`curl -s ${quoted(url)}`, ...(token ? [TOKEN] : []), "-H 'content-type: application/json'", `--data ${quoted(JSON.stringify({ query: statement }))}`].join(" \\\n  ");
}

/** The same with our own command, which takes the token from `$SPOOR_READ_TOKEN` by itself. */
export const cliOf = (origin: string, statement: string): string => `spoor sql --url ${quoted(origin)} \\\n  ${quoted(statement)}`;
