// What changed: services ranked against the time before, with what speaks for it.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { assertAccessible, assertFits, emptyServer, open, server, setUp, SIZES } from "./browser.js";

const START = Date.parse("2026-03-01T10:00:00Z");
const LATE = START + 600_000;
const RANGE = "start=2026-03-01T10:10:00Z&end=2026-03-01T10:20:00Z";

setUp(emptyServer, async () => {
  const traces = [...Array.from({ length: 12 }, (_, at) => request(at, START + at * 1000, 5)), ...Array.from({ length: 12 }, (_, at) => request(20 + at, LATE + at * 1000, 80))];
  await server.post("/v1/traces", JSON.stringify({ resourceSpans: traces.flat() }));
  const logs = Array.from({ length: 9 }, (_, at) => ({ timeUnixNano: `${LATE + at * 1000}000000`, severityNumber: 17, body: { stringValue: `row ${at} is locked` } }));
  await server.post("/v1/logs", JSON.stringify({ resourceLogs: [{ resource: named("stock"), scopeLogs: [{ logRecords: logs }] }] }));
});

const named = (name) => ({ attributes: [{ key: "service.name", value: { stringValue: name } }] });

/** A shop asks its stock, which needs so many milliseconds. */
function request(number, ms, stock) {
  const traceId = String(number).padStart(32, "b");
  const id = (at) => `${String(number).padStart(8, "b")}${String(at).padStart(8, "0")}`;
  const span = (at, parent, name, from, to) => ({ traceId, spanId: id(at), parentSpanId: parent ? id(parent) : "", name, kind: 2, startTimeUnixNano: `${ms + from}000000`, endTimeUnixNano: `${ms + to}00${String(number).padStart(4, "0")}` });
  return [
    { resource: named("shop"), scopeSpans: [{ spans: [span(1, null, "POST /pay", 0, stock + 20)] }] },
    { resource: named("stock"), scopeSpans: [{ spans: [span(2, 1, "reserve", 10, stock + 10)] }] },
  ];
}

describe("what changed", () => {
  for (const [size, viewport] of Object.entries(SIZES)) {
    test(`names the slow service and not the one that waits for it, ${size}`, async () => {
      const { page, problems, close } = await open({ viewport });
      await page.goto(`${server.http}/services?${RANGE}&tab=changes`);
      await page.locator(".change").first().waitFor();
      assert.deepEqual(await page.locator(".change-name").allTextContents(), ["stock"]);
      const evidence = await page.locator(".change-evidence a").allTextContents();
      assert.equal(evidence.length, 2, evidence.join(" | "));
      assert.ok(evidence.some((text) => /slower.*reserve.*80\.?\d* ms.*was 5\.?\d* ms/.test(text)), evidence.join(" | "));
      assert.ok(evidence.some((text) => /row <num> is locked.*9 records/.test(text)), evidence.join(" | "));
      await assertFits(page);
      await assertAccessible(page, `what changed, ${size}`);
      assert.deepEqual(problems, []);
      await close();
    });
  }

  test("leads to the trace and to the log records", async () => {
    const { page, problems, close } = await open();
    await page.goto(`${server.http}/services?${RANGE}`);
    await page.getByRole("tab", { name: "What changed" }).click();
    await page.locator(".change-evidence a", { hasText: "row <num> is locked" }).click();
    await page.waitForURL(/\/logs\?/);
    await page.locator(".log-row", { hasText: "row 8 is locked" }).first().waitFor();
    await page.goBack();
    await page.locator(".change-evidence a", { hasText: "reserve" }).click();
    await page.waitForURL(/\/trace\/b+3[01]\?span=/);
    assert.deepEqual(problems, []);
    await close();
  });

  test("says that there is nothing to compare with", async () => {
    const { page, problems, close } = await open();
    await page.goto(`${server.http}/services?${RANGE}&tab=changes&against=day`);
    await page.getByText("The time it is compared with has no traces").waitFor();
    await page.getByRole("button", { name: "time before" }).click();
    await page.locator(".change-name", { hasText: "stock" }).waitFor();
    await page.goto(`${server.http}/services?tab=changes`);
    await page.getByText("Since when?").waitFor();
    assert.deepEqual(problems, []);
    await close();
  });
});
