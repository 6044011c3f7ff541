import type { Params } from "../api/client";

const quoted = (text: string): string => `'${text.replace(/'/g, "'\\''")}'`;

/** A GET of the API as one asks it in a shell, every parameter on a line. `token`: whether the server wants one, from `$SPOOR_READ_TOKEN`. */
export function curlOf(url: string, params: Params, token: boolean): string {
  const given = Object.entries(params).filter(([, value]) => value !== null && value !== undefined && value !== "");
  return [`curl -sG ${quoted(url)}`, ...(token ? ['-H "authorization: Bearer $SPOOR_READ_TOKEN"'] : []), ...given.map(([key, value]) => `--data-urlencode ${quoted(`${key}=${value}`)}`)].join(" \\\n  ");
}
