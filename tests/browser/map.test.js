// Ways between services on the map: chosen on the line, in the table by keyboard, or by a link; each leads to traces
// that went it.

import assert from "node:assert/strict";
import { test } from "node:test";

import { assertAccessible, assertFits, boxOf, emptyServer, open, server, setUp, SIZES } from "./browser.js";

const MS = 1_000_000n;
const START = 1_675_000_000_000_000_000n;
const RANGE = "start=2023-01-29T13:00:00Z&end=2023-01-29T15:00:00Z";
const TRACES = 4;

setUp(emptyServer, async () => {
  for (let number = 1; number <= TRACES; number += 1) await server.post("/v1/traces", JSON.stringify(visit(number)));
});

const traceOf = (number) => `4a9${number}`.padStart(32, "0");

/** shop → pay, which fails every second time, and shop → stock, which asks a database. */
function visit(number) {
  const rows = [
    [1, 0, "shop", "POST /orders", 2, 0, 100, false],
    [2, 1, "pay", "charge", 2, 10, 20, number % 2 === 0],
    [3, 1, "stock", "reserve", 2, 40, 30, false],
    [4, 3, "stock", "SELECT", 3, 45, 20, false],
  ];
  const id = (of) => `${number.toString(16).padStart(4, "0")}${String(of).padStart(12, "0")}`;
  const at = (ms) => String(START + BigInt(number * 1000 + ms) * MS);
  return {
    resourceSpans: rows.map(([span, parent, service, name, kind, from, ms, failed]) => ({
      resource: { attributes: [{ key: "service.name", value: { stringValue: service } }] },
      scopeSpans: [{ spans: [{ traceId: traceOf(number), spanId: id(span), parentSpanId: parent ? id(parent) : "", name, kind, attributes: kind === 3 ? [{ key: "db.system.name", value: { stringValue: "postgresql" } }] : [], startTimeUnixNano: at(from), endTimeUnixNano: at(from + ms), status: failed ? { code: 2 } : {} }] }],
    })),
  };
}

const panelOf = (page) => page.getByRole("complementary", { name: "Call path" });
const figure = (page, label) => panelOf(page).locator("dl.timing div").filter({ hasText: label }).locator("dd").textContent();

test("a line of the map leads to its figures and to traces", async () => {
  const { page, problems, close } = await open();
  await page.goto(`${server.http}/map?inferred=0&${RANGE}`);
  const map = page.getByRole("img", { name: "Map of 3 services and 2 call paths; the table shows the same" });
  const box = await boxOf(map);
  // From left to right the middle is between the two columns; somewhere on it lies a line.
  let found = null;
  for (let y = 10; y < box.height && found === null; y += 4) {
    await page.mouse.move(box.x + box.width / 2, box.y + y);
    if (await page.locator(".map.map-near").count()) found = y;
  }
  assert.notEqual(found, null, "no line is found in the middle");
  assert.match(await page.locator(".map").getAttribute("title"), /^shop → (pay|stock)\n4 calls, .* failed, p95 /);
  await page.mouse.click(box.x + box.width / 2, box.y + found);
  await panelOf(page).waitFor();
  assert.equal(await figure(page, "Calls"), String(TRACES));
  const to = new URL(page.url()).searchParams.get("to");
  await panelOf(page).getByRole("link", { name: /shop POST \/orders/ }).first().click();
  await page.waitForURL("**/trace/*");
  await page.goBack();
  // The way back shows the same call path.
  await panelOf(page).getByTitle("Called and its calls").filter({ hasText: to }).waitFor();
  await page.keyboard.press("Escape");
  await panelOf(page).waitFor({ state: "detached" });
  assert.deepEqual(problems, []);
  await close();
});

for (const [size, colorScheme] of [["laptop", "light"], ["phone", "dark"]]) {
  test(`calls that fail are told apart, and a keyboard reaches their traces in the table: ${size}`, async () => {
    const { page, problems, close } = await open({ viewport: SIZES[size], colorScheme, isMobile: size === "phone", hasTouch: size === "phone" });
    await page.goto(`${server.http}/map?inferred=0&view=table&${RANGE}`);
    await page.locator(".edge-row:not(.edge-head)").nth(1).waitFor();
    await page.getByRole("button", { name: /^failing/ }).click();
    await page.waitForURL("**failing=1**");
    const row = page.locator(".edge-row:not(.edge-head)");
    await page.waitForFunction(() => document.querySelectorAll(".edge-row:not(.edge-head)").length === 1);
    await row.getByRole("button", { name: "calls" }).focus();
    await page.keyboard.press("Enter");
    await panelOf(page).waitFor();
    assert.match(await figure(page, "Failed"), /^2 · 50 %$/);
    await panelOf(page).getByRole("link", { name: /shop POST/ }).first().waitFor();
    await assertFits(page);
    await assertAccessible(page, `call path, ${size}`);
    await panelOf(page).getByRole("link", { name: "All traces with both" }).click();
    await page.waitForURL("**/traces?**");
    await page.locator(".trace-row").nth(TRACES - 1).waitFor();
    assert.equal(await page.locator(".trace-row").count(), TRACES);
    assert.deepEqual(problems, []);
    await close();
  });
}

test("a service's page says who calls it and what it calls, a database too, and leads to those calls on the map", async () => {
  const { page, problems, close } = await open();
  await page.goto(`${server.http}/services/stock?${RANGE}`);
  const lists = page.locator(".page-links");
  await lists.getByRole("link", { name: "shop" }).waitFor();
  const database = lists.getByRole("listitem").filter({ hasText: "postgresql (database)" });
  assert.match(await database.textContent(), /20\.0 ms4$/);
  await database.getByRole("link").click();
  await page.waitForURL("**/map?**");
  await panelOf(page).getByText("postgresql (database)").waitFor();
  assert.equal(await figure(page, "Calls"), String(TRACES));
  assert.deepEqual(problems, []);
  await close();
});

test("a map of which nothing is left says so, and leads back to all of it", async () => {
  const { page, problems, close } = await open();
  await page.goto(`${server.http}/map?view=map&node=nobody&hops=2&${RANGE}`);
  await page.getByRole("heading", { name: "No such service calls or is called" }).waitFor();
  await assertAccessible(page, "nothing of the map");
  await page.getByRole("button", { name: "Show the whole map" }).click();
  await page.getByRole("img", { name: /^Map of [3-9] services/ }).waitFor();
  assert.deepEqual(problems, []);
  await close();
});
