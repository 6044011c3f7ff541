// What narrows a trace's page down: the handles of the minimap, only what was found, the critical path only, and a
// part of the flame graph; each in the address, so that a link shows the same.

import assert from "node:assert/strict";
import { test } from "node:test";

import { assertAccessible, assertFits, boxOf, emptyServer, open, server, setUp, SIZES } from "./browser.js";

const MS = 1_000_000n;
const START = 1_675_000_000_000_000_000n;
const TRACE = "71e".padStart(32, "0");
const LENGTH_MS = 1000;

setUp(emptyServer, async () => {
  await server.post("/v1/traces", JSON.stringify(trace()));
});

/** Id, parent, service, name, start, length. The search is waited for, what is logged beside it is not. */
const ROWS = [
  [1, 0, "web", "GET /search", 0, LENGTH_MS],
  [2, 1, "web", "render", 950, 50],
  [3, 1, "search", "query", 10, 900],
  [4, 3, "index", "read", 20, 850],
  [5, 1, "audit", "write", 15, 100],
  [6, 5, "audit", "flush", 20, 50],
];

const idOf = (number) => number.toString(16).padStart(16, "0");

function trace() {
  return {
    resourceSpans: [...new Set(ROWS.map((row) => row[2]))].map((name) => ({
      resource: { attributes: [{ key: "service.name", value: { stringValue: name } }] },
      scopeSpans: [{
        scope: { name: "test" },
        spans: ROWS.filter((row) => row[2] === name).map(([id, parent, , span, from, ms]) => ({
          traceId: TRACE, spanId: idOf(id), parentSpanId: parent ? idOf(parent) : "", name: span, kind: 1,
          startTimeUnixNano: String(START + BigInt(from) * MS), endTimeUnixNano: String(START + BigInt(from + ms) * MS),
        })),
      }],
    })),
  };
}

const rows = (page) => page.getByRole("treegrid").getByRole("row");
const names = (page) => rows(page).locator(".span-name").allTextContents();
const param = (page, name) => new URL(page.url()).searchParams.get(name);
const untilParam = (page, name, wanted) => page.waitForFunction(([key, value]) => new URL(location.href).searchParams.get(key) === value, [name, wanted]);

test("the part that is shown has ends to be dragged and a grip that moves it; anywhere else a drag chooses anew, a click shows all", async () => {
  const { page, problems, close } = await open();
  await page.goto(`${server.http}/trace/${TRACE}`);
  await rows(page).first().waitFor();
  const box = await boxOf(page.locator(".minimap"));
  const xOf = (ms) => box.x + 1 + (ms / LENGTH_MS) * (box.width - 2);
  const zoom = () => (param(page, "zoom") ?? "").split("-").map((ns) => Number(ns) / 1e6);
  const isAbout = ([from, to]) => {
    const [haveFrom, haveTo] = zoom();
    assert.ok(Math.abs(haveFrom - from) < 4 && Math.abs(haveTo - to) < 4, `${haveFrom} to ${haveTo} ms, not ${from} to ${to}`);
  };
  const drag = async (from, to, y) => {
    const before = param(page, "zoom");
    await page.mouse.move(xOf(from), box.y + y);
    await page.mouse.down();
    await page.mouse.move(xOf((from + to) / 2), box.y + y);
    await page.mouse.move(xOf(to), box.y + y);
    await page.mouse.up();
    await page.waitForFunction((last) => new URL(location.href).searchParams.get("zoom") !== last, before);
  };
  await drag(200, 600, 30);
  isAbout([200, 600]);
  await drag(600, 700, 22);
  isAbout([200, 700]);
  await drag(200, 100, 22);
  isAbout([100, 700]);
  await drag(400, 600, 3);
  isAbout([300, 900]);
  // Not beyond the end.
  await drag(600, 990, 3);
  isAbout([400, 1000]);
  // An end that passes the other changes places with it.
  await drag(400, 1000, 22).catch(() => {});
  await drag(500, 800, 32);
  isAbout([500, 800]);
  await page.mouse.click(xOf(650), box.y + 32);
  await untilParam(page, "zoom", null);
  assert.equal(await page.locator(".minimap-end").count(), 0);
  assert.deepEqual(problems, []);
  await close();
});

test("what was not found is hidden with a key, and comes back when it is asked for", async () => {
  const { page, problems, close } = await open();
  await page.goto(`${server.http}/trace/${TRACE}`);
  await rows(page).nth(5).waitFor();
  await page.keyboard.press("h");
  assert.equal(param(page, "only"), null, "nothing is looked for");
  await page.getByLabel("Find in this trace").fill("service:audit");
  await page.getByRole("status").filter({ hasText: "/2" }).waitFor();
  assert.equal((await names(page)).length, ROWS.length);
  await page.getByRole("treegrid").focus();
  await page.keyboard.press("h");
  await untilParam(page, "only", "1");
  await page.waitForFunction(() => document.querySelectorAll('[role="treegrid"] [role="row"]').length === 3);
  assert.deepEqual(await names(page), ["GET /search", "write", "flush"]);
  await assertAccessible(page, "only what was found");
  // A link shows a colleague the same.
  await page.reload();
  await rows(page).nth(2).waitFor();
  assert.deepEqual(await names(page), ["GET /search", "write", "flush"]);
  await page.getByLabel("Find in this trace").fill("service:nobody");
  await page.getByRole("heading", { name: "No span of this trace matches" }).waitFor();
  await page.getByRole("button", { name: "Show all spans" }).click();
  await rows(page).nth(5).waitFor();
  assert.deepEqual(problems, []);
  await close();
});

test("the critical path alone can be looked at", async () => {
  const { page, problems, close } = await open();
  await page.goto(`${server.http}/trace/${TRACE}`);
  await rows(page).nth(5).waitFor();
  await page.getByLabel("Spans that are open").selectOption({ label: "Critical path only" });
  await page.waitForFunction(() => document.querySelectorAll('[role="treegrid"] [role="row"]').length === 4);
  assert.deepEqual((await names(page)).sort(), ["GET /search", "query", "read", "render"]);
  assert.equal(param(page, "critical"), "1");
  // A span that is not on it is asked for by a link within the page.
  await page.getByLabel("Find in this trace").fill("flush");
  await page.keyboard.press("Enter");
  await page.getByRole("treegrid").locator('[role="row"][aria-selected="true"]').filter({ hasText: "flush" }).waitFor();
  assert.equal(param(page, "fold"), null);
  assert.deepEqual(problems, []);
  await close();
});

for (const size of ["laptop", "phone"]) {
  test(`the flame graph is by operation or by service, and a part of it is in the address: ${size}`, async () => {
    const { page, problems, close } = await open({ viewport: SIZES[size], isMobile: size === "phone", hasTouch: size === "phone" });
    await page.goto(`${server.http}/trace/${TRACE}?tab=flame&tree=service`);
    const graph = page.getByRole("img", { name: /^Flame graph/ });
    const { x, y } = await boxOf(graph);
    // All, then the web, then what it called, the longest to the left: search, then the index.
    await page.mouse.click(x + 20, y + 3 * 20 + 10);
    await untilParam(page, "part", idOf(4));
    await page.locator(".flame-head").getByText("index", { exact: true }).waitFor();
    await page.locator(".flame-head").getByText(/in 1 call$/).waitFor();
    await assertFits(page);
    await assertAccessible(page, `flame graph, ${size}`);
    await page.reload();
    await page.locator(".flame-head").getByText("index", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Operations" }).click();
    await untilParam(page, "part", null);
    await page.mouse.click(x + 20, y + 3 * 20 + 10);
    await page.locator(".flame-head").getByText("read", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Show in the timeline" }).click();
    await page.getByRole("treegrid").locator('[role="row"][aria-selected="true"]').filter({ hasText: "read" }).waitFor();
    assert.deepEqual(problems, []);
    await close();
  });
}

test("what is closed by hand stays closed for who gets the link, and a link to a span opens what it is in", async () => {
  const { page, problems, close } = await open();
  await page.goto(`${server.http}/trace/${TRACE}`);
  await rows(page).nth(5).waitFor();
  await page.getByRole("row", { name: /search query/ }).getByRole("button", { name: "Collapse" }).click();
  await page.waitForFunction(() => document.querySelectorAll('[role="treegrid"] [role="row"]').length === 5);
  assert.equal(param(page, "toggled"), idOf(3));
  const link = page.url();
  await page.reload();
  await rows(page).nth(4).waitFor();
  assert.ok(!(await names(page)).includes("read"));
  // Chosen from elsewhere, it is brought into sight.
  await page.goto(`${link}&span=${idOf(4)}`);
  await page.getByRole("treegrid").locator('[role="row"][aria-selected="true"]').filter({ hasText: "read" }).waitFor();
  assert.equal(param(page, "toggled"), null);
  await page.goto(`${server.http}/trace/${TRACE}?fold=critical&span=${idOf(6)}`);
  await page.getByRole("treegrid").locator('[role="row"][aria-selected="true"]').filter({ hasText: "flush" }).waitFor();
  assert.equal((await names(page)).length, ROWS.length);
  assert.deepEqual(problems, []);
  await close();
});

test("beside a bar the pointer is told how long, and when: by the clock, from now, in the trace", async () => {
  const { page, close } = await open();
  await page.goto(`${server.http}/trace/${TRACE}`);
  const title = await rows(page).filter({ hasText: "render" }).locator(".span-cell").getAttribute("title");
  assert.match(title, /^50\.0 ms, own time 50\.0 ms\n2023-01-29 13:46:40\.950000000.*\n[\d.]+ y ago\n\+950 ms in the trace$/);
  await close();
});

test("a service in the legend is looked for with a click, and no more with another", async () => {
  const { page, problems, close } = await open();
  await page.goto(`${server.http}/trace/${TRACE}?tab=stats`);
  const legend = page.getByRole("list", { name: "Own time by service" });
  await legend.getByRole("button", { name: /^audit/ }).click();
  await page.getByRole("status").filter({ hasText: "/2" }).waitFor();
  assert.equal(param(page, "find"), "service:audit");
  await legend.getByRole("button", { name: /^audit/, pressed: true }).click();
  await untilParam(page, "find", null);
  assert.deepEqual(problems, []);
  await close();
});
