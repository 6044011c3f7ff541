// What somebody who was woken does, from the first sign to the cause: a failure to its logs, a slow request to the
// service that made it slow. Fourteen requests of a shop that are alike, one that fails, one that is slow.

import assert from "node:assert/strict";
import { test } from "node:test";

import { emptyServer, open, server, setUp } from "./browser.js";

const MS = 1_000_000n;
const START = 1_675_000_000_000n;
const USUAL = 14;
const FAILED = 20;
const SLOW = 21;
const RANGE = "start=2023-01-29T13:00:00Z&end=2023-01-29T14:30:00Z";

setUp(emptyServer, async () => {
  for (const number of [...Array(USUAL).keys(), FAILED, SLOW]) await server.post("/v1/traces", JSON.stringify(request(number)));
  await server.post("/v1/logs", JSON.stringify(logs()));
});

const traceOf = (number) => `50b${number.toString(16)}`.padStart(32, "0");
const spanOf = (number, at) => `${number.toString(16).padStart(4, "0")}${String(at).padStart(12, "0")}`;
const at = (number, ms) => String((START + BigInt(number * 1000 + ms)) * MS);
const named = (name) => ({ attributes: [{ key: "service.name", value: { stringValue: name } }] });

/** shop → checkout → stock; the stock takes 40 ms, or 2 seconds, or fails. */
function request(number) {
  const wait = number === SLOW ? 2000 : 40 + number;
  const failed = number === FAILED;
  const rows = [
    [1, 0, "shop", "POST /orders", 0, wait + 60],
    [2, 1, "checkout", "PlaceOrder", 10, wait + 50],
    [3, 2, "stock", "UPDATE stock", 20, wait + 20],
  ];
  return {
    resourceSpans: rows.map(([id, parent, service, name, from, to]) => ({
      resource: named(service),
      scopeSpans: [{
        spans: [{
          traceId: traceOf(number), spanId: spanOf(number, id), parentSpanId: parent === 0 ? "" : spanOf(number, parent), name, kind: 2,
          startTimeUnixNano: at(number, from), endTimeUnixNano: at(number, to), status: failed ? { code: 2, message: id === 3 ? "deadlock detected" : "order failed" } : {},
          events: failed && id === 3 ? [{ timeUnixNano: at(number, to), name: "exception", attributes: [{ key: "exception.type", value: { stringValue: "Deadlock" } }, { key: "exception.message", value: { stringValue: "deadlock detected" } }] }] : [],
        }],
      }],
    })),
  };
}

const logs = () => ({
  resourceLogs: [{
    resource: named("stock"),
    scopeLogs: [{
      logRecords: ["waits for a lock on row 17", "deadlock detected, giving up"].map((text, line) => ({
        timeUnixNano: at(FAILED, 30 + line), severityNumber: line === 0 ? 13 : 17, severityText: line === 0 ? "WARN" : "ERROR", body: { stringValue: text }, traceId: traceOf(FAILED), spanId: spanOf(FAILED, 3),
      })),
    }],
  }],
});

const chosen = (page) => page.getByRole("treegrid").locator('[role="row"][aria-selected="true"]');

test("an error leads to its trace, to its cause, to what was logged there, and to what the service did around it", async () => {
  const { page, problems, close } = await open();
  await page.goto(`${server.http}/errors?${RANGE}`);
  await page.getByRole("link").filter({ hasText: "UPDATE stock" }).first().click();
  await page.waitForURL(`**/trace/${traceOf(FAILED)}**`);
  await page.getByRole("button", { name: /^began in stock/ }).click();
  await chosen(page).filter({ hasText: "UPDATE stock" }).waitFor();
  const panel = page.getByRole("complementary", { name: "Span" });
  await panel.getByText("deadlock detected", { exact: true }).first().waitFor();
  await panel.getByText("deadlock detected, giving up").waitFor();
  await panel.getByRole("link", { name: "Show in the Logs tab" }).click();
  const lines = page.getByRole("listbox", { name: "Log records of this trace" }).getByRole("option");
  await lines.nth(1).waitFor();
  assert.deepEqual(await lines.locator(".log-body").allTextContents(), ["waits for a lock on row 17", "deadlock detected, giving up"]);
  assert.deepEqual(await lines.locator("time").allTextContents(), ["+30.0 ms", "+31.0 ms"]);
  // They are shown as those of a search: with columns, and in whole lines.
  await page.keyboard.press("w");
  await page.waitForFunction(() => new URL(location.href).searchParams.get("wrap") === "1");
  await page.getByTitle("Choose columns").click();
  await page.getByLabel("Find a field for a column").fill("severity_text");
  await page.getByRole("button", { name: /^severity_text/ }).click();
  await page.keyboard.press("Escape");
  await lines.first().locator(".log-cell").getByText("WARN", { exact: true }).waitFor();
  await lines.first().click();
  await page.getByRole("complementary", { name: "Log record" }).getByText("waits for a lock on row 17").waitFor();
  await page.keyboard.press("j");
  await page.getByRole("complementary", { name: "Log record" }).getByText("deadlock detected, giving up").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("tab", { name: /^Timeline/ }).click();
  await panel.getByTitle("The page of stock").click();
  await page.waitForURL("**/services/stock?**");
  await page.getByRole("heading", { name: "Recent traces with errors" }).waitFor();
  await page.locator(".error-traces a").first().waitFor();
  assert.equal(await page.locator(".error-traces a").count(), 1);
  assert.deepEqual(problems, []);
  await close();
});

test("a slow request leads along its critical path to the service, and beside the median", async () => {
  const { page, problems, close } = await open();
  await page.goto(`${server.http}/traces?q=${encodeURIComponent("service:shop duration>1s")}&${RANGE}`);
  await page.locator(`a[href="/trace/${traceOf(SLOW)}"]`).click();
  await page.waitForURL(`**/trace/${traceOf(SLOW)}`);
  await page.getByRole("treegrid").focus();
  await page.keyboard.press("p");
  await page.waitForFunction(() => new URL(location.href).searchParams.get("critical") === "1");
  await page.getByRole("tab", { name: "Statistics" }).click();
  await page.getByRole("button", { name: "Critical", exact: true }).click();
  const [first] = await page.locator(".stats tbody tr").allTextContents();
  assert.match(first, /stock · UPDATE stock.*2\.00 s/s);
  await page.locator(".stats tbody tr button").first().click();
  await page.getByRole("treegrid").waitFor();
  await page.keyboard.press("n");
  await chosen(page).filter({ hasText: "UPDATE stock" }).waitFor();
  await page.getByRole("complementary", { name: "Span" }).getByTitle("The page of stock").click();
  await page.waitForURL("**/services/stock?**");
  // Around the trace the service was slow once: its slowest request is this one, and what it does is one operation.
  await page.getByRole("heading", { level: 1, name: "stock" }).waitFor();
  await page.getByText("UPDATE stock").first().waitFor();
  await page.goBack();
  await chosen(page).filter({ hasText: "UPDATE stock" }).waitFor();
  await page.keyboard.press("m");
  await page.waitForURL(`**/compare?left=median&right=${traceOf(SLOW)}`);
  await page.getByText(/as long as the median/).waitFor();
  await page.getByRole("row").filter({ hasText: "UPDATE stock" }).getByText(/^\+1\.9\d s$/).first().waitFor();
  // Who gets the link sees the same.
  const other = await open();
  await other.page.goto(page.url());
  await other.page.getByRole("row").filter({ hasText: "UPDATE stock" }).getByText(/^\+1\.9\d s$/).first().waitFor();
  assert.deepEqual([...problems, ...other.problems], []);
  await other.close();
  await close();
});
