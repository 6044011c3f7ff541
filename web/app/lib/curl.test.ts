import { expect, test } from "vitest";
import { cliOf, curlOf, sqlCurlOf } from "./curl";

test("a request can be pasted into a shell, whatever stands in the query", () => {
  expect(curlOf("http://h/api/v1/logs", { query: `it's "x" $HOME`, start: null, end: "", limit: 5 }, false)).toBe(
    `curl -sG 'http://h/api/v1/logs' \\\n  --data-urlencode 'query=it'\\''s "x" $HOME' \\\n  --data-urlencode 'limit=5'`,
  );
  expect(curlOf("http://h/a", {}, true)).toBe(`curl -sG 'http://h/a' \\\n  -H "authorization: Bearer $SPOOR_READ_TOKEN"`);
});

test("a statement goes through the shell unchanged", () => {
  expect(sqlCurlOf("http://h/api/v1/sql", "SELECT 'a'", true)).toBe("curl -s 'http://h/api/v1/sql' \\\n  -H \"authorization: Bearer $SPOOR_READ_TOKEN\" \\\n  -H 'content-type: application/json' \\\n  --data '{\"query\":\"SELECT '\\''a'\\''\"}'");
  expect(cliOf("http://h", "SELECT 'a'")).toBe("spoor sql --url 'http://h' \\\n  'SELECT '\\''a'\\'''");
});
