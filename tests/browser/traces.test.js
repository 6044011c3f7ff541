// The list of traces: spans that match under their trace, any order, groups above it that filter, and reasons when
// nothing is found; the trace as a graph and by service, and pinned.

import assert from "node:assert/strict";
import { test } from "node:test";

import { assertAccessible, assertFits, emptyServer, open, server, setUp, SIZES } from "./browser.js";

const MS = 1_000_000n;
const NOW = BigInt(Date.now()) * MS;
const TRACES = 6;

setUp(emptyServer, async () => {
  for (let number = 1; number <= TRACES; number += 1) await server.post("/v1/traces", JSON.stringify(visit(number)));
});

const traceOf = (number) => `7ace${number}`.padStart(32, "0");
const text = (key, stringValue) => ({ key, value: { stringValue } });

/** A visit of the shop: the higher its number the older and longer it is, with as many calls of the cart, the last of which fails in odd ones. */
function visit(number) {
  const start = NOW - BigInt(number) * 60_000n * MS;
  const id = (span) => `${number}`.padStart(8, "0") + `${span}`.padStart(8, "0");
  const span = (own, parent, name, kind, from, ms, more = {}) => ({ traceId: traceOf(number), spanId: id(own), parentSpanId: parent ? id(parent) : "", name, kind, startTimeUnixNano: String(start + BigInt(from) * MS), endTimeUnixNano: String(start + BigInt(from + ms) * MS), ...more });
  const calls = Array.from({ length: number * 3 }, (_, at) => span(10 + at, 1, "GET /cart", 2, at * 5, 4, at === number * 3 - 1 && number % 2 ? { status: { code: 2, message: "gone" } } : {}));
  const query = span(90, 10, "SELECT carts", 3, 1, 2, { attributes: [text("db.system.name", "mysql"), text("db.namespace", "carts")] });
  const of = (service, spans) => ({ resource: { attributes: [text("service.name", service)] }, scopeSpans: [{ scope: { name: "test" }, spans }] });
  return { resourceSpans: [of("shop", [span(1, 0, number % 2 ? "GET /" : "POST /pay", 2, 0, 100 * number)]), of("cart", [...calls, query])] };
}

const lines = (page) => page.locator(".trace-row:not(.trace-match)");
const matches = (page) => page.locator(".trace-match");

test("spans that match are shown under their trace, by mouse and by keyboard, each with the way to it", async () => {
  const { page, problems, close } = await open();
  await page.goto(`${server.http}/traces?q=${encodeURIComponent("service:cart name:\"GET /cart\"")}`);
  await lines(page).nth(TRACES - 1).waitFor();
  await page.getByRole("button", { name: "Spans of trace 00000000 that match" }).nth(4).click();
  await matches(page).nth(9).waitFor();
  // Fifteen match, ten are shown, and all of them can be found in the trace.
  assert.equal(await matches(page).count(), 10);
  await page.getByText("more spans match: find all 15 in the trace").waitFor();
  await assertAccessible(page, "spans under their trace");
  await page.getByRole("button", { name: "Spans of trace 00000000 that match" }).nth(4).click();
  await matches(page).first().waitFor({ state: "detached" });
  await page.keyboard.press("j");
  await page.keyboard.press("ArrowRight");
  await matches(page).nth(2).waitFor();
  assert.equal(await matches(page).count(), 3);
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  assert.equal(await page.locator(".trace-match.selected").count(), 1);
  await page.keyboard.press("ArrowLeft");
  await matches(page).first().waitFor({ state: "detached" });
  await page.keyboard.press("ArrowRight");
  await matches(page).nth(2).click();
  const panel = page.getByRole("complementary", { name: "Span" });
  await panel.getByRole("heading", { name: "GET /cart" }).waitFor();
  assert.match(page.url(), /span=0000000100000012/);
  assert.deepEqual(problems, []);
  await close();
});

test("without a query, or on a phone, there is nothing in the way", async () => {
  const { page, problems, close } = await open({ viewport: SIZES.phone, hasTouch: true, isMobile: true, colorScheme: "dark" });
  await page.goto(`${server.http}/traces`);
  await lines(page).first().waitFor();
  assert.equal(await page.locator(".trace-twist").count(), 0);
  await page.goto(`${server.http}/traces?q=service:cart`);
  await page.locator(".trace-twist").first().click();
  await matches(page).first().waitFor();
  await assertFits(page);
  await assertAccessible(page, "spans under their trace on a phone");
  assert.deepEqual(problems, []);
  await close();
});

test("each column orders the list, and a second click turns it round", async () => {
  const { page, problems, close } = await open();
  await page.goto(`${server.http}/traces`);
  await lines(page).nth(TRACES - 1).waitFor();
  const order = async () => (await lines(page).evaluateAll((rows) => rows.map((row) => row.id.at(-1)))).join("");
  const head = (name) => page.getByRole("group", { name: "Order by" }).getByRole("button", { name, exact: true });
  assert.equal(await order(), "123456");
  await head("Duration").click();
  assert.equal(await order(), "654321");
  await head("Duration").click();
  assert.equal(await order(), "123456");
  assert.match(page.url(), /sort=duration-up/);
  await head("Root operation").click();
  assert.equal(await order(), "135246");
  await head("Errors").click();
  assert.equal(await order(), "135246");
  await head("Spans").click();
  assert.equal(await order(), "654321");
  assert.equal(await page.getByLabel("Order", { exact: true }).inputValue(), "spans");
  await page.reload();
  await lines(page).nth(TRACES - 1).waitFor();
  assert.equal(await order(), "654321");
  assert.deepEqual(problems, []);
  await close();
});

test("rate, errors and duration by service and operation stand above the list, and a click filters", async () => {
  const { page, problems, close } = await open();
  await page.goto(`${server.http}/traces?q=kind:server`);
  await page.getByRole("button", { name: "By service" }).click();
  const groups = page.getByRole("region", { name: /^Rate, errors and duration by/ });
  // 3 + 6 + … + 18 calls of the cart, three of which failed.
  const cart = groups.getByRole("row").filter({ hasText: "cart" });
  await cart.getByText("63", { exact: true }).waitFor();
  await cart.getByText("4.8 %").waitFor();
  await groups.getByRole("row").filter({ hasText: "shop" }).getByText("6", { exact: true }).waitFor();
  await assertAccessible(page, "groups above the list");
  await page.getByRole("button", { name: "By operation" }).click();
  await groups.getByRole("button", { name: "POST /pay" }).click();
  await page.waitForURL(/name%3A%22POST/);
  await page.waitForFunction(() => document.querySelectorAll(".trace-row").length === 3);
  assert.equal(await groups.getByRole("button", { name: "POST /pay" }).getAttribute("aria-pressed"), "true");
  await groups.getByRole("button", { name: "POST /pay" }).click();
  await page.waitForFunction(() => document.querySelectorAll(".trace-row").length === 6);
  assert.deepEqual(problems, []);
  await close();
});

test("an empty list says why, and what would find something", async () => {
  const { page, problems, close } = await open();
  await page.goto(`${server.http}/traces?q=service:carts&start=now-1h`);
  await page.getByText("No service is called").waitFor();
  await page.getByRole("button", { name: "cart", exact: true }).click();
  await lines(page).nth(TRACES - 1).waitFor();
  await page.goto(`${server.http}/traces?start=now-1h&q=${encodeURIComponent('service:cart name:"POST /pay"')}`);
  await page.getByText(/There are 75 spans in this time range, and none has all of these terms/).waitFor();
  await page.getByRole("button", { name: /^Without name:"POST \/pay" ?: 69$/ }).waitFor();
  await assertAccessible(page, "nothing found, and why");
  await page.getByRole("button", { name: /^Without service:cart ?: 3$/ }).click();
  await lines(page).nth(2).waitFor();
  // Before all there is, and beside it.
  await page.goto(`${server.http}/traces?start=2020-01-01T00:00:00Z&end=2020-01-02T00:00:00Z`);
  await page.getByText(/What is stored begins about/).waitFor();
  await page.goto(`${server.http}/traces?q=service:cart&start=${new Date(Date.now() + 3_600_000).toISOString()}`);
  await page.getByText(/69.spans at other times/).waitFor();
  await page.getByRole("button", { name: "Go to the last of them" }).click();
  await lines(page).first().waitFor();
  assert.deepEqual(problems, []);
  await close();
});

test("a trace is a graph of its services too, whose calls lead to the longest, and a tree by service", async () => {
  const { page, problems, close } = await open();
  await page.goto(`${server.http}/trace/${traceOf(5)}?tab=graph`);
  await page.getByRole("img", { name: "Map of 3 services and 2 call paths" }).waitFor();
  const calls = page.getByRole("region", { name: "Calls between services" });
  const cart = calls.getByRole("row").filter({ hasText: "shop→cart" });
  await cart.getByText("15", { exact: true }).waitFor();
  await cart.getByText("6.7 %").waitFor();
  await calls.getByRole("row").filter({ hasText: "cart→carts (database)" }).getByText("2.00 ms").first().waitFor();
  await assertAccessible(page, "a trace as a graph");
  await cart.getByRole("button").click();
  await page.getByRole("complementary", { name: "Span" }).getByRole("heading", { name: "GET /cart" }).waitFor();
  await page.goto(`${server.http}/trace/${traceOf(5)}?tab=calls&tree=service`);
  const tree = page.getByRole("treegrid", { name: "Calls of this trace" });
  await tree.getByRole("row").filter({ hasText: "cart" }).getByText(/^15/).waitFor();
  assert.equal(await tree.getByRole("row").count(), 2);
  await page.getByRole("button", { name: "Operations" }).click();
  await tree.getByRole("row").nth(2).waitFor();
  assert.deepEqual(problems, []);
  await close();
});

test("a trace is pinned with a word why, and unpinned", async () => {
  const { page, problems, close } = await open();
  await page.goto(`${server.http}/trace/${traceOf(2)}`);
  await page.getByRole("button", { name: "Pin", exact: true }).click();
  await page.getByLabel("Why").fill("incident 7");
  await assertAccessible(page, "pinning");
  await page.getByRole("button", { name: "Pin this trace" }).click();
  await page.getByRole("button", { name: "Pinned" }).waitFor();
  const { pins } = await server.get("/api/v1/pins");
  assert.deepEqual(pins.map(({ trace_id, note }) => [trace_id, note]), [[traceOf(2), "incident 7"]]);
  await page.reload();
  await page.getByRole("button", { name: "Pinned" }).click();
  await page.getByText("incident 7").waitFor();
  await page.getByRole("button", { name: "Unpin" }).click();
  await page.getByRole("button", { name: "Pin", exact: true }).waitFor();
  assert.deepEqual((await server.get("/api/v1/pins")).pins, []);
  assert.deepEqual(problems, []);
  await close();
});
