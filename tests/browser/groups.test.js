// What lies together: patterns of logs, exceptions by type and stack, where requests break, services that call each
// other in a circle. The earlier half of the data is the period before the later one.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { assertAccessible, assertFits, emptyServer, open, server, setUp, SIZES } from "./browser.js";

const START = Date.parse("2026-03-01T10:00:00Z");
const MINUTE = 60_000;
const LATE = START + 10 * MINUTE;
const RANGE = "start=2026-03-01T10:10:00Z&end=2026-03-01T10:20:00Z";

setUp(emptyServer, async () => {
  await server.post("/v1/logs", JSON.stringify({ resourceLogs: [logs("cart", [...paid(START, 20), ...paid(LATE, 30)]), logs("bank", refused(LATE, 5))] }));
  const traces = [...Array.from({ length: 4 }, (_, at) => failing(at, START + at * MINUTE, "lock", "x.Lock")), ...Array.from({ length: 3 }, (_, at) => failing(50 + at, LATE + at * MINUTE, "refuse", "x.Refused"))];
  await server.post("/v1/traces", JSON.stringify({ resourceSpans: traces.flat() }));
});

const named = (name) => ({ attributes: [{ key: "service.name", value: { stringValue: name } }] });
const logs = (service, records) => ({ resource: named(service), scopeLogs: [{ logRecords: records }] });
const record = (ms, severityNumber, text) => ({ timeUnixNano: `${ms}000000`, severityNumber, body: { stringValue: text } });
const paid = (from, count) => Array.from({ length: count }, (_, at) => record(from + at * 1000, 9, `order ${1000 + at} was paid in ${at + 3} ms`));
const refused = (from, count) => Array.from({ length: count }, (_, at) => record(from + at * 2000, 17, `bank refused card ${4000 + at}`));

/** A shop calls its bank, which calls the shop; the bank's own span throws and all fail. */
function failing(number, ms, name, type) {
  const traceId = String(number).padStart(32, "b");
  const span = (id, parent, called, kind, events = []) => ({
    traceId,
    spanId: `${String(number).padStart(8, "b")}${String(id).padStart(8, "0")}`,
    parentSpanId: parent ? `${String(number).padStart(8, "b")}${String(parent).padStart(8, "0")}` : "",
    name: called,
    kind,
    startTimeUnixNano: `${ms + id}000000`,
    endTimeUnixNano: `${ms + 100 - id}000000`,
    status: { code: 2 },
    events,
  });
  const thrown = [{ timeUnixNano: `${ms + 50}000000`, name: "exception", attributes: [{ key: "exception.type", value: { stringValue: type } }, { key: "exception.message", value: { stringValue: `row ${number} is taken` } }] }];
  return [
    { resource: named("shop"), scopeSpans: [{ spans: [span(1, null, "POST /pay", 2), span(3, 2, "GET /price", 2)] }] },
    { resource: named("bank"), scopeSpans: [{ spans: [span(2, 1, "POST /charge", 2), span(4, 3, name, 2, thrown)] }] },
  ];
}

describe("patterns of logs", () => {
  test("lay lines together, mark what is new, and lead to the lines and away from them", async () => {
    const { page, problems, close } = await open();
    await page.goto(`${server.http}/logs?${RANGE}`);
    await page.getByRole("listbox", { name: "Log records" }).waitFor();
    await page.keyboard.press("v");
    await page.waitForURL("**view=patterns**");
    await page.getByText("2 patterns in 35 records").waitFor();
    const list = page.getByRole("group", { name: "Patterns" });
    const rows = list.locator(".pattern-row:not(.pattern-head)");
    assert.equal(await rows.count(), 2);
    assert.match(await rows.nth(0).textContent(), /^30.*86 %.*cart.*order.*num.*was paid in.*num/s);
    assert.match(await rows.nth(0).locator(".pattern-first").textContent(), /^\d.* ago$/);
    assert.equal(await rows.nth(0).locator(".new-badge").count(), 0);
    assert.equal(await rows.nth(1).locator(".new-badge").count(), 1);
    await assertAccessible(page, "patterns");
    await page.getByRole("button", { name: "new 1" }).click();
    await page.waitForFunction(() => document.querySelectorAll(".pattern-row:not(.pattern-head)").length === 1);
    await page.getByRole("button", { name: "new 1" }).click();
    await rows.nth(1).hover();
    await list.getByRole("button", { name: /^Without the pattern bank refused/ }).click();
    await page.getByText("1 pattern in 30 records").waitFor();
    await page.goBack();
    await page.getByText("2 patterns in 35 records").waitFor();
    await rows.nth(1).locator(".pattern-template").click();
    await page.getByText("5 records").waitFor();
    await page.getByRole("listbox", { name: "Log records" }).getByRole("option").filter({ hasText: "bank refused card 4004" }).waitFor();
    assert.deepEqual(problems, []);
    await close();
  });

  test("are few elements however many there are, and one request", async () => {
    const { page, problems, close } = await open();
    let requests = 0;
    const patterns = Array.from({ length: 500 }, (_, at) => ({
      template: `pattern ${at} of <num>`, query: '"pattern"', count: 500 - at, share: 0.001, new: null, baseline_count: null, first_seen: "2026-03-01T10:00:00Z", last_seen: "2026-03-01T10:00:00Z",
      levels: { info: 500 - at }, services: [{ service_name: "s", count: 1 }], service_count: 1, counts: [1, 2, 3], sample_id: "1", sample_time_unix_nano: "1",
    }));
    await page.route("**/api/v1/logs/patterns?**", (route) => {
      requests += 1;
      return route.fulfill({ contentType: "application/json", body: JSON.stringify({ patterns, pattern_count: 900, new_count: null, other_count: 0, total: 200_000, baseline_start_unix_nano: null, baseline_data_start_unix_nano: null, since_unix_nano: null, complete: false, incomplete_reasons: ["made coarser"] }) });
    });
    await page.goto(`${server.http}/logs?view=patterns`);
    await page.getByText("the 500 most frequent").waitFor();
    await page.getByText("made coarser").waitFor();
    assert.ok((await page.evaluate(() => document.querySelectorAll("*").length)) < 1500);
    await page.getByRole("group", { name: "Patterns" }).evaluate((list) => (list.scrollTop = list.scrollHeight));
    await page.getByText("pattern 499 of").waitFor();
    assert.equal(requests, 1);
    assert.deepEqual(problems, []);
    await close();
  });
});

describe("errors", () => {
  test("are told by where requests break and by exception, what is new first seen; a keyboard reaches the trace", async () => {
    const { page, problems, close } = await open();
    await page.goto(`${server.http}/logs`);
    await page.keyboard.press("g");
    await page.keyboard.press("e");
    await page.waitForURL("**/errors");
    await page.getByRole("tab", { name: "Where requests break 2" }).waitFor();
    await page.goto(`${server.http}/errors?${RANGE}`);
    const breaks = page.getByRole("group", { name: "Where requests break" });
    const row = breaks.getByRole("link");
    // Whether there was anything before is asked by itself.
    await row.locator(".new-badge").waitFor();
    assert.equal(await row.count(), 1);
    assert.match(await row.first().textContent(), /^3new.*bank.*refuse.*x\.Refused.*row <num> is taken.*shop → bank.*POST \/pay.*all requests failed/s);
    await assertAccessible(page, "where requests break");
    await page.getByRole("tab", { name: "Exceptions 1" }).click();
    const thrown = page.getByRole("group", { name: "Exceptions" }).getByRole("link");
    await thrown.locator(".new-badge").waitFor();
    assert.match(await thrown.first().textContent(), /^3new.*x\.Refused.*row <num> is taken/s);
    await assertAccessible(page, "exceptions");
    await thrown.first().focus();
    await page.keyboard.press("Enter");
    await page.waitForURL("**/trace/**");
    await page.getByRole("complementary", { name: "Span" }).getByText("x.Refused").first().waitFor();
    await page.goto(`${server.http}/services/bank?${RANGE}`);
    await page.getByRole("link", { name: /x\.Refused/ }).waitFor();
    await page.goto(`${server.http}/errors?q=service:nobody`);
    await page.getByText("Nothing failed here").waitFor();
    assert.deepEqual(problems, []);
    await close();
  });

  test("are never new without a time before, and are all shown then; nothing new is said so", async () => {
    const { page, problems, close } = await open();
    for (const [tab, label] of [["", "Where requests break"], ["&tab=exceptions", "Exceptions"]]) {
      await page.goto(`${server.http}/errors?new=1${tab}`);
      const rows = page.getByRole("group", { name: label }).getByRole("link");
      await rows.nth(1).waitFor();
      assert.equal(await rows.count(), 2);
      assert.equal(await page.locator(".new-badge").count(), 0);
      assert.equal(await page.getByRole("button", { name: /^new/ }).count(), 0);
      await page.getByText("What is new shows in a range that has data before it").waitFor();
    }
    // Before the first data there is nothing to be new against.
    await page.goto(`${server.http}/errors?start=2026-03-01T10:00:00Z&end=2026-03-01T10:10:00Z`);
    await page.getByRole("group", { name: "Where requests break" }).getByRole("link").first().waitFor();
    await page.getByText("What is new shows in a range that has data before it").waitFor();
    await page.waitForLoadState("networkidle");
    assert.equal(await page.locator(".new-badge").count(), 0);
    await page.goto(`${server.http}/errors?new=1&start=2026-03-01T10:02:00Z&end=2026-03-01T10:04:00Z`);
    await page.getByText("Nothing new here").waitFor();
    await page.getByRole("button", { name: "Show all" }).click();
    await page.getByRole("group", { name: "Where requests break" }).getByRole("link").first().waitFor();
    assert.deepEqual(problems, []);
    await close();
  });

  test("fit on a phone", async () => {
    const { page, problems, close } = await open({ viewport: SIZES.phone, isMobile: true, hasTouch: true, colorScheme: "dark" });
    for (const path of [`/errors?${RANGE}`, `/errors?tab=exceptions&${RANGE}`, `/logs?view=patterns&${RANGE}`]) {
      await page.goto(server.http + path, { waitUntil: "networkidle" });
      await page.locator(".new-badge").first().waitFor();
      await assertFits(page);
      await assertAccessible(page, path);
    }
    assert.deepEqual(problems, []);
    await close();
  });
});

describe("cycles", () => {
  test("have names on the map, and say whether a request goes round", async () => {
    const { page, problems, close } = await open();
    await page.goto(`${server.http}/map`);
    await page.getByRole("button", { name: "cycles 1" }).click();
    const panel = page.getByRole("complementary", { name: "Cycles" });
    await panel.getByText("bank → shop → bank").waitFor();
    await panel.getByText("closed 14 times within one request").waitFor();
    await assertAccessible(page, "cycles");
    await panel.getByRole("link", { name: "example" }).click();
    await page.waitForURL("**/trace/**");
    assert.deepEqual(problems, []);
    await close();
  });
});
