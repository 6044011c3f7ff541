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
  await server.post("/v1/traces", JSON.stringify(ofTeams()));
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

// A day later: services of two teams, which call each other in a circle, and one that nobody has.
const TEAMS = "start=2023-01-30T13:00:00Z&end=2023-01-30T15:00:00Z";

/** web (front) → cart (goods) → price (goods) → web; cart → mail, which says no namespace. */
function ofTeams() {
  const rows = [
    [1, 0, "web", "front"],
    [2, 1, "cart", "goods"],
    [3, 2, "price", "goods"],
    [4, 3, "web", "front"],
    [5, 2, "mail", null],
  ];
  const at = (ms) => String(START + BigInt(24 * 3600 * 1000 + ms) * MS);
  const text = (key, value) => (value === null ? [] : [{ key, value: { stringValue: value } }]);
  return {
    resourceSpans: rows.map(([span, parent, service, namespace]) => ({
      resource: { attributes: [...text("service.name", service), ...text("service.namespace", namespace)] },
      scopeSpans: [{ spans: [{ traceId: traceOf(99), spanId: String(span).padStart(16, "7"), parentSpanId: parent ? String(parent).padStart(16, "7") : "", name: "work", kind: 2, startTimeUnixNano: at(span), endTimeUnixNano: at(20 - span) }] }],
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

test("namespaces are one node each; opened in place by a click or in the list, and the address says so", async () => {
  const { page, problems, close } = await open();
  await page.goto(`${server.http}/map?inferred=0&${TEAMS}`);
  await page.getByRole("img", { name: /^Map of 4 services and 4 call paths/ }).waitFor();
  await page.getByRole("button", { name: "by namespace 3" }).click();
  await page.waitForURL("**group=namespace**");
  // goods → front closes the circle; price's call of web and web's of cart are one line each.
  const map = page.getByRole("img", { name: /^Map of 3 namespaces, 0 services and 3 call paths/ });
  await map.waitFor();
  const list = page.getByRole("complementary", { name: "Namespaces" });
  const goods = list.getByRole("button", { name: /^goods/ });
  assert.equal(await goods.getAttribute("aria-expanded"), "false");
  await assertAccessible(page, "namespaces");
  await goods.focus();
  await page.keyboard.press("Enter");
  await page.waitForURL("**open=goods**");
  await page.getByRole("img", { name: /^Map of 2 namespaces, 2 services and 4 call paths/ }).waitFor();
  assert.equal(await goods.getAttribute("aria-expanded"), "true");
  // The head of the frame closes it again: it is found where its title says.
  const box = await boxOf(page.locator(".map"));
  let closed = false;
  for (let y = 20; y < box.height && !closed; y += 8) {
    for (let x = 20; x < box.width && !closed; x += 24) {
      await page.mouse.move(box.x + x, box.y + y);
      if (/^goods: 2 services\nClick to close it$/.test((await page.locator(".map").getAttribute("title")) ?? "")) {
        await page.mouse.click(box.x + x, box.y + y);
        closed = true;
      }
    }
  }
  assert.ok(closed, "no head of a frame is found");
  await map.waitFor();
  // A link shows a colleague the same; a service that is looked at is seen whatever is closed.
  await page.goto(`${server.http}/map?inferred=0&group=namespace&node=price&${TEAMS}`);
  await page.getByRole("img", { name: /^Map of 2 namespaces, 2 services/ }).waitFor();
  await page.getByRole("complementary", { name: "Service price" }).waitFor();
  assert.deepEqual(problems, []);
  await close();
});

for (const [size, colorScheme] of [["laptop", "dark"], ["phone", "light"]]) {
  test(`calls between namespaces are added up in the table, and lead to those between services: ${size}`, async () => {
    const { page, problems, close } = await open({ viewport: SIZES[size], colorScheme, isMobile: size === "phone", hasTouch: size === "phone" });
    await page.goto(`${server.http}/map?inferred=0&view=table&group=namespace&${TEAMS}`);
    const row = page.locator(".edge-row:not(.edge-head)").filter({ has: page.getByRole("button", { name: /^front/ }).first() });
    await row.nth(1).waitFor();
    await page.getByRole("button", { name: "calls", exact: true }).first().click();
    await panelOf(page).waitFor();
    await panelOf(page).getByRole("heading", { name: "Between services" }).waitFor();
    await assertFits(page);
    await assertAccessible(page, `calls between namespaces, ${size}`);
    await panelOf(page).getByRole("button", { name: / → / }).first().click();
    // That one path, with its median.
    await panelOf(page).locator("dt").filter({ hasText: "p50" }).waitFor();
    assert.deepEqual(problems, []);
    await close();
  });
}

test("where no two namespaces are told apart none can be grouped", async () => {
  const { page, problems, close } = await open();
  await page.goto(`${server.http}/map?inferred=0&group=namespace&${RANGE}`);
  await page.getByRole("img", { name: /^Map of 3 services/ }).waitFor();
  assert.equal(await page.getByRole("button", { name: /^by namespace/ }).count(), 0);
  assert.deepEqual(problems, []);
  await close();
});
