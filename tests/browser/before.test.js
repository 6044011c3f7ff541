// The period before, under the histogram of logs and in the operations of a service.

import assert from "node:assert/strict";
import { test } from "node:test";

import { assertAccessible, assertFits, emptyServer, open, server, setUp, SIZES } from "./browser.js";

const HOUR = 3_600_000;
const START = Date.parse("2026-01-20T10:00:00Z");
const RANGE = "start=2026-01-20T10:00:00Z&end=2026-01-20T11:00:00Z";

setUp(emptyServer, async () => {
  const logs = [...every(60, START - HOUR), ...every(90, START)].map((ms) => ({ timeUnixNano: `${ms}000000`, severityNumber: 9, body: { stringValue: "paid" } }));
  await server.post("/v1/logs", JSON.stringify({ resourceLogs: [{ resource: shop(), scopeLogs: [{ logRecords: logs }] }] }));
  const spans = [
    ...every(40, START - HOUR).map((ms, at) => span("POST /pay", ms, 100, at < 4)),
    ...every(20, START).map((ms, at) => span("POST /pay", ms, 200, at < 2)),
    ...every(5, START).map((ms) => span("GET /receipt", ms, 10, false)),
  ];
  await server.post("/v1/traces", JSON.stringify({ resourceSpans: [{ resource: shop(), scopeSpans: [{ spans }] }] }));
});

const shop = () => ({ attributes: [{ key: "service.name", value: { stringValue: "shop" } }] });
const every = (count, from) => Array.from({ length: count }, (_, at) => from + Math.floor(((at + 0.5) * HOUR) / count));

let number = 0;
function span(name, ms, length, failed) {
  number += 1;
  const id = number.toString(16);
  return { traceId: id.padStart(32, "0"), spanId: id.padStart(16, "0"), name, kind: 2, startTimeUnixNano: `${ms}000000`, endTimeUnixNano: `${ms + length}000000`, status: failed ? { code: 2 } : {} };
}

test("is a line over the logs and a figure beside their number", async () => {
  const { page, problems, close } = await open();
  await page.goto(`${server.http}/logs?${RANGE}`);
  await page.getByText(/^90 records/).waitFor();
  assert.equal(await page.locator(".timechart-ghost").count(), 0);
  await page.getByRole("button", { name: "Period before" }).click();
  await page.waitForURL("**before=1**");
  await page.getByTitle("In the period before: 60").filter({ hasText: "+50 %" }).waitFor();
  await page.locator(".histogram .timechart-ghost").waitFor({ state: "attached" });
  await page.locator(".histogram-plot").hover();
  await page.locator(".tip").getByText("before").waitFor();
  await assertAccessible(page, "logs beside those before");
  await page.getByRole("button", { name: "Period before" }).click();
  await page.locator(".timechart-ghost").waitFor({ state: "detached" });
  // All time has none before it.
  await page.goto(`${server.http}/logs?before=1`);
  await page.getByText(/^150 records/).waitFor();
  assert.equal(await page.getByRole("button", { name: "Period before" }).count(), 0);
  assert.deepEqual(problems, []);
  await close();
});

test("stands below the figures of each operation", async () => {
  for (const size of Object.keys(SIZES)) {
    const { page, problems, close } = await open({ viewport: SIZES[size] });
    await page.goto(`${server.http}/services/shop?${RANGE}&before=1`);
    const pay = page.locator("a.operation").filter({ hasText: "POST /pay" });
    await pay.getByTitle("In the period before: 40").filter({ hasText: "−50 %" }).waitFor();
    await pay.getByTitle("In the period before: 10 %").filter({ hasText: "same" }).waitFor();
    await pay.getByTitle("In the period before: 100 ms").filter({ hasText: "+100 %" }).first().waitFor();
    await page.locator("a.operation").filter({ hasText: "GET /receipt" }).getByTitle("Not in the period before").waitFor();
    await page.locator(".histogram .timechart-ghost").waitFor({ state: "attached" });
    await assertFits(page);
    await assertAccessible(page, `a service beside itself before, ${size}`);
    assert.deepEqual(problems, []);
    await close();
  }
});
