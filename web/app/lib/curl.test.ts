import { expect, test } from "vitest";
import { cliOf, curlOf, logsCliOf, sqlCurlOf } from "./curl";

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

test("records are asked for as spoor logs takes them", () => {
  expect(logsCliOf("http://h", { query: "it's", start: "2023-01-29T08:00:00Z", end: null, limit: 100 })).toBe("spoor logs --url 'http://h' \\\n  --since '2023-01-29T08:00:00Z' \\\n  --limit 100 \\\n  'it'\\''s'");
  expect(logsCliOf("http://h", { query: "", follow: true })).toBe("spoor logs --follow --url 'http://h'");
  expect(logsCliOf("http://h", { query: "-service:cart", follow: true })).toBe("spoor logs --follow --url 'http://h' \\\n  -- '-service:cart'");
});
