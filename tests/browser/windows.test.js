// A trace that is too large to be in the page at once: windows of it from the real server, found in, gone to and
// linked to; and a million spans made here, of which the page holds a bounded part.

import assert from "node:assert/strict";
import { test } from "node:test";

import { assertAccessible, assertFits, emptyServer, open, server, setUp, SIZES } from "./browser.js";

const US = 1_000n;
const START = 1_769_000_000_000_000_000n;
const LARGE = "1a46e".padStart(32, "0");
const SKEWED = "5e3d".padStart(32, "0");
const CALLS = 10_100;
const BATCHES = 35;
const ITEMS = 100;
const QUERIES = 5;
/** A root, its batches, their items, their queries: more than are loaded at once. */
const SPANS = 1 + BATCHES * (1 + ITEMS * (1 + QUERIES));
const FAILED = { batch: 30, item: 77, query: 3 };
const PAGE_NODES = 1500;
const PIECE = 5000;

setUp(emptyServer, async () => {
  const spans = importJob();
  assert.equal(spans.length, SPANS);
  for (let at = 0; at < spans.length; at += PIECE) await server.post("/v1/traces", JSON.stringify(request(spans.slice(at, at + PIECE))));
  const calls = skewedCalls();
  for (let at = 0; at < calls.length; at += PIECE) await server.post("/v1/traces", JSON.stringify(request(calls.slice(at, at + PIECE), SKEWED)));
  await server.post("/v1/logs", JSON.stringify(jobLogs()));
});

/** Of the import: some of the root, many below the first batch, one of the second, one of no span. */
const LOGS_BELOW = 700;

function jobLogs() {
  const record = (span, from, text) => ({ timeUnixNano: String(START + BigInt(from) * US), severityNumber: 9, body: { stringValue: text }, traceId: LARGE, ...(span ? { spanId: idOf(span) } : {}), attributes: [{ key: "till", value: { stringValue: `till-${span}` } }] });
  const below = Array.from({ length: LOGS_BELOW }, (_, at) => record(3 + (at % ITEMS) * (1 + QUERIES), 10 + at, `item ${at} is stored`));
  const second = 2 + 1 + ITEMS * (1 + QUERIES);
  const logRecords = [record(1, 1, `the import begins ${"and reads ".repeat(60)}`), ...below, record(2, 5_000, "the first batch is done"), record(second, 15_000, "the second batch is done"), record(0, 20_000, "of no span")];
  return { resourceLogs: [{ resource: { attributes: [{ key: "service.name", value: { stringValue: "importer" } }] }, scopeLogs: [{ logRecords }] }] };
}

const idOf = (number) => number.toString(16).padStart(16, "0");

/** Depth first; the time is in microseconds. */
function importJob() {
  const spans = [];
  const add = (parent, service, name, from, length, failed = false) => {
    spans.push({ parent, service, name, from, length, failed, number: spans.length + 1 });
    return spans.length;
  };
  const root = add(0, "importer", "import", 0, BATCHES * 10_000);
  for (let batch = 0; batch < BATCHES; batch += 1) {
    const at = batch * 10_000;
    const parent = add(root, "importer", "batch", at, 9_900);
    for (let item = 0; item < ITEMS; item += 1) {
      const failed = batch === FAILED.batch && item === FAILED.item;
      const put = add(parent, "catalogue", "PUT /items", at + item * 99, 90, failed);
      for (let query = 0; query < QUERIES; query += 1) add(put, "db", query % 2 ? "SELECT item" : "UPDATE item", at + item * 99 + query * 15, 12, failed && query === FAILED.query);
    }
  }
  return spans;
}

/** Calls of a service whose clock is a second ahead: more than are loaded at once. */
function skewedCalls() {
  const root = { parent: 0, service: "shop", name: "checkout", from: 0, length: 3_000_000, kind: 2, number: 1 };
  const calls = Array.from({ length: CALLS }, (_, at) => [
    { parent: 1, service: "shop", name: "call", from: at * 200, length: 100, kind: 3, number: 2 + at * 2 },
    { parent: 2 + at * 2, service: "far", name: "serve", from: at * 200 + 1_000_010, length: 80, kind: 2, number: 3 + at * 2 },
  ]);
  // One more has the id of the first call.
  return [root, ...calls.flat(), { parent: 1, service: "shop", name: "again", from: 2_900_000, length: 100, kind: 1, number: 2 }];
}

function request(spans, traceId = LARGE) {
  const services = [...new Set(spans.map((span) => span.service))];
  return {
    resourceSpans: services.map((service) => ({
      resource: { attributes: [{ key: "service.name", value: { stringValue: service } }] },
      scopeSpans: [
        {
          scope: { name: "test" },
          spans: spans
            .filter((span) => span.service === service)
            .map((span) => ({
              traceId,
              spanId: idOf(span.number),
              parentSpanId: span.parent ? idOf(span.parent) : "",
              name: span.name,
              kind: span.kind ?? 1,
              startTimeUnixNano: String(START + BigInt(span.from) * US),
              endTimeUnixNano: String(START + BigInt(span.from + span.length) * US),
              attributes: [{ key: "piece", value: { stringValue: `n${span.number}` } }, { key: "digest", value: { bytesValue: "AAH/" } }],
              events: [{ name: "stored", timeUnixNano: String(START + BigInt(span.from) * US), attributes: [{ key: "blob", value: { bytesValue: Buffer.alloc(400, 7).toString("base64") } }] }],
              status: span.failed ? { code: 2, message: `100% of it's gone` } : {},
            })),
        },
      ],
    })),
  };
}

const tree = (page) => page.getByRole("treegrid", { name: /^Spans of the trace/ });
const chosen = (page) => tree(page).locator('[role="row"][aria-selected="true"]');
const nodes = (page) => page.evaluate(() => document.querySelectorAll("*").length);

const rowCount = (page, rows) => page.waitForFunction((all) => document.querySelector('[role="treegrid"]')?.ariaRowCount === String(all), rows);

test(`a trace of ${SPANS} spans comes level by level, as it is opened and scrolled`, async () => {
  const { page, problems, close } = await open();
  const asked = [];
  page.on("request", (each) => each.url().includes("/api/v1/traces/") && asked.push(new URL(each.url())));
  await page.goto(`${server.http}/trace/${LARGE}?similar=0`);
  await tree(page).getByRole("row").first().waitFor();
  assert.equal(await tree(page).getAttribute("aria-rowcount"), String(1 + BATCHES));
  await page.getByText("need all of them at once").waitFor();
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  await chosen(page).filter({ hasText: "batch" }).waitFor();
  const panel = page.getByRole("complementary", { name: "Span" });
  await panel.getByText("n2", { exact: true }).waitFor();
  await panel.getByText("00 01 ff").getByText("3 bytes").waitFor();
  await panel.locator(".event").getByText("400 bytes").waitFor();
  await panel.getByText(/100.×.*PUT \/items/).waitFor();
  assert.equal(await chosen(page).getAttribute("aria-expanded"), "false");
  await page.keyboard.press("ArrowRight");
  await tree(page).locator('[aria-level="4"]').first().waitFor();
  assert.equal(await chosen(page).getAttribute("aria-expanded"), "true");
  assert.equal(await tree(page).getAttribute("aria-rowcount"), String(1 + BATCHES + ITEMS * (1 + QUERIES)));
  await page.keyboard.press("ArrowLeft");
  await rowCount(page, 1 + BATCHES);
  await assertAccessible(page, "a large trace");
  assert.ok((await nodes(page)) < PAGE_NODES, `${await nodes(page)} elements`);
  assert.ok(asked.every((url) => /\/timeline(\/find)?$/.test(url.pathname)), "never the whole trace");
  assert.equal(asked.filter((url) => !url.searchParams.has("include")).length, 2);
  assert.deepEqual(problems, []);
  await close();
});

test("similar spans are one row, which says what they come to and opens; the critical path and clocks are of the whole trace", async () => {
  const { page, problems, close } = await open();
  await page.goto(`${server.http}/trace/${LARGE}`);
  await rowCount(page, 2);
  await page.getByRole("list", { name: "Own time by service" }).getByText("db").waitFor();
  const batches = tree(page).getByRole("row").filter({ hasText: `${BATCHES}\u2009×` });
  await batches.click();
  const panel = page.getByRole("complementary", { name: "Similar spans" });
  await panel.getByText(`${BATCHES} × batch`).waitFor();
  await panel.getByText("Median").waitFor();
  await assertAccessible(page, "similar spans of a large trace");
  await page.keyboard.press("p");
  assert.equal(await page.getByRole("button", { name: "Critical path" }).getAttribute("aria-pressed"), "true");
  assert.ok(page.url().includes("critical=1"));
  await panel.getByRole("button", { name: "Show each" }).click();
  // Each batch has its items as one row.
  await rowCount(page, 1 + 2 * BATCHES);
  await tree(page).getByRole("row").filter({ hasText: `${ITEMS}\u2009×` }).first().waitFor();
  // Where the error began is deep below groups that are laid together.
  await page.keyboard.press("x");
  await chosen(page).filter({ hasText: "SELECT item" }).waitFor();
  await page.getByRole("complementary", { name: "Span" }).getByText("100% of it's gone").waitFor();
  await page.keyboard.press("o");
  await rowCount(page, 1 + BATCHES);
  assert.deepEqual(problems, []);
  await close();
});

test("clocks that disagree are adjusted, and times shown as they were sent when wanted", async () => {
  const { page, problems, close } = await open();
  await page.goto(`${server.http}/trace/${SKEWED}?similar=0`);
  const clock = page.getByRole("group", { name: "Clock" });
  await clock.getByRole("button", { name: "Adjusted" }).waitFor();
  assert.equal(await clock.getByRole("button", { name: "Adjusted" }).getAttribute("aria-pressed"), "true");
  await tree(page).getByRole("row").filter({ hasText: "call" }).first().click();
  await page.keyboard.press("ArrowRight");
  await tree(page).getByRole("row").filter({ hasText: "serve" }).first().click();
  const panel = page.getByRole("complementary", { name: "Span" });
  await panel.getByText("Clock moved by").waitFor();
  await clock.getByRole("button", { name: "Raw" }).click();
  await panel.getByText("Clock moved by").waitFor({ state: "detached" });
  assert.ok(page.url().includes("clock=raw"));
  assert.deepEqual(problems, []);
  await close();
});

test("a span that shares its id says so and leads to the other, however far that is", async () => {
  const { page, problems, close } = await open();
  await page.goto(`${server.http}/trace/${SKEWED}?similar=0&clock=raw&find=name:again`);
  await page.getByRole("status").filter({ hasText: "–/1" }).waitFor();
  await tree(page).focus();
  await page.keyboard.press("n");
  await chosen(page).filter({ hasText: "again" }).getByText("same id × 2").waitFor();
  const shared = page.getByRole("region", { name: "Spans with the same id" });
  await shared.getByText("Shares its id with 1 other span").waitFor();
  await assertAccessible(page, "a shared id in a large trace");
  await shared.getByRole("button", { name: /call/ }).click();
  await chosen(page).filter({ hasText: "call" }).waitFor();
  await shared.getByRole("button", { name: /again/ }).click();
  await chosen(page).filter({ hasText: "again" }).waitFor();
  assert.deepEqual(problems, []);
  await close();
});

test("errors and words are found by the server, gone to where they are, and linked to", async () => {
  const { page, problems, close } = await open();
  await page.goto(`${server.http}/trace/${LARGE}`);
  await page.getByRole("button", { name: /2.errors/ }).click();
  await chosen(page).filter({ hasText: "PUT /items" }).waitFor();
  await page.getByRole("status").filter({ hasText: "1/2" }).waitFor();
  await page.keyboard.press("e");
  await chosen(page).filter({ hasText: "SELECT item" }).waitFor();
  await page.getByRole("complementary", { name: "Span" }).getByText("100% of it's gone").waitFor();
  assert.equal(await chosen(page).getAttribute("aria-level"), "4");
  // A colleague who opens the link sees the same span.
  const second = await open();
  await second.page.goto(page.url());
  await chosen(second.page).filter({ hasText: "SELECT item" }).waitFor();
  await second.page.getByRole("button", { name: /^began in db/ }).waitFor();
  assert.deepEqual(second.problems, []);
  await second.close();
  const find = page.getByLabel("Find in this trace");
  await find.fill("100% it's");
  await page.getByRole("status").filter({ hasText: "–/2" }).waitFor();
  await find.fill("piece:n4711 -service:importer");
  await page.getByRole("status").filter({ hasText: "–/1" }).waitFor();
  await find.fill("service:db duration>1s");
  await page.getByRole("status").filter({ hasText: "none" }).waitFor();
  // All of many, and from the last back to the first and round again.
  await find.fill("selec");
  await page.getByRole("status").filter({ hasText: /\/7.000$/ }).waitFor();
  await page.keyboard.press("Escape");
  await page.goto(`${server.http}/trace/${LARGE}?find=selec`);
  await page.getByRole("status").filter({ hasText: /–\/7.000$/ }).waitFor();
  const asked = [];
  page.on("request", (each) => asked.push(new URL(each.url())));
  await tree(page).focus();
  await page.keyboard.press("N");
  await page.getByRole("status").filter({ hasText: /^7.000\/7.000$/ }).waitFor();
  await page.keyboard.press("N");
  await page.getByRole("status").filter({ hasText: /^6.999\/7.000$/ }).waitFor();
  await page.keyboard.press("n");
  await page.getByRole("status").filter({ hasText: /^7.000\/7.000$/ }).waitFor();
  await page.keyboard.press("n");
  await page.getByRole("status").filter({ hasText: /^1\/7.000$/ }).waitFor();
  assert.ok(asked.filter(({ pathname }) => pathname.endsWith("/timeline/find")).length >= 4, "the server says which comes next");
  await find.fill("self>1ms");
  await page.getByRole("status").filter({ hasText: "not found" }).waitFor();
  assert.deepEqual(problems, []);
  await close();
});

test("what was opened and closed by hand stands in the address: whoever gets the link sees the same rows", async () => {
  const { page, problems, close } = await open();
  const elsewhere = async (rows) => {
    const other = await open();
    await other.page.goto(page.url());
    await rowCount(other.page, rows);
    assert.deepEqual(other.problems, []);
    await other.close();
  };
  await page.goto(`${server.http}/trace/${LARGE}?similar=0`);
  await rowCount(page, 1 + BATCHES);
  await tree(page).getByRole("row").nth(1).click();
  await page.keyboard.press("ArrowRight");
  const opened = 1 + BATCHES + ITEMS * (1 + QUERIES);
  await rowCount(page, opened);
  await page.waitForFunction(() => new URL(location.href).searchParams.get("opened") === "0000000000000002.1");
  // One of what came with it is closed, and so it is elsewhere.
  await tree(page).getByRole("row").nth(2).click();
  await page.keyboard.press("ArrowLeft");
  await rowCount(page, opened - QUERIES);
  await page.waitForFunction(() => new URL(location.href).searchParams.get("toggled") === "0000000000000003.2");
  await elsewhere(opened - QUERIES);
  await page.keyboard.press("[");
  await rowCount(page, 1 + BATCHES);
  await elsewhere(1 + BATCHES);
  await page.keyboard.press("]");
  await rowCount(page, opened);
  // A part of the time and back: it is open still.
  await page.getByRole("row").filter({ hasText: "batch" }).first().click();
  await page.keyboard.press("z");
  await page.getByRole("button", { name: "Reset zoom" }).click();
  await rowCount(page, opened);
  await page.keyboard.press("ArrowLeft");
  await rowCount(page, 1 + BATCHES);
  await page.waitForFunction(() => !new URL(location.href).searchParams.has("opened"));
  // Groups of similar spans are named too.
  await page.goto(`${server.http}/trace/${LARGE}`);
  await rowCount(page, 2);
  await tree(page).getByRole("row").nth(1).click();
  await page.getByRole("button", { name: "Show each" }).click();
  await rowCount(page, 1 + 2 * BATCHES);
  await page.waitForFunction(() => new URL(location.href).searchParams.get("toggled") === "similar:0000000000000002.1");
  await elsewhere(1 + 2 * BATCHES);
  // Late spans move the places of all; the ids stay what they were.
  await page.goto(`${server.http}/trace/${LARGE}?toggled=similar:0000000000000002.7`);
  await rowCount(page, 1 + 2 * BATCHES);
  assert.deepEqual(problems, []);
  await close();
});

test("what was not found is hidden, also of what is not in the page", async () => {
  const { page, problems, close } = await open();
  await page.goto(`${server.http}/trace/${LARGE}?find=status:error`);
  await page.getByRole("status").filter({ hasText: "–/2" }).waitFor();
  await page.getByRole("button", { name: "Only found" }).click();
  // Nothing is left but the way to it, group or not: a root, its batch, the call that failed and why.
  await rowCount(page, 4);
  assert.deepEqual(await tree(page).locator('[role="row"] .span-name').allTextContents(), ["import", "batch", "PUT /items", "SELECT item"]);
  assert.deepEqual(await tree(page).getByRole("row").evaluateAll((rows) => rows.map((row) => row.classList.contains("span-dim"))), [true, true, false, false]);
  await assertAccessible(page, "only what was found of a large trace");
  const other = await open();
  await other.page.goto(page.url());
  await rowCount(other.page, 4);
  // A span that is hidden is asked for: then nothing is.
  await other.page.goto(`${page.url()}&span=0000000000000002.1`);
  await chosen(other.page).filter({ hasText: "batch" }).waitFor();
  assert.equal(new URL(other.page.url()).searchParams.get("only"), null);
  assert.deepEqual(other.problems, []);
  await other.close();
  // All queries of a kind are a row each below their call, laid together where all of a group lead to one.
  await page.getByLabel("Find in this trace").fill("name:batch");
  await rowCount(page, 2);
  await tree(page).getByRole("row").filter({ hasText: `${BATCHES}\u2009×` }).waitFor();
  await page.getByLabel("Find in this trace").fill("service:nobody");
  await page.getByText("No span of this trace matches").waitFor();
  await page.getByRole("button", { name: "Show all spans" }).click();
  await rowCount(page, 2);
  assert.deepEqual(problems, []);
  await close();
});

test("the logs of a large trace are those of all of it, of a span with all below it, or of that alone", async () => {
  const { page, problems, close } = await open();
  await page.goto(`${server.http}/trace/${LARGE}?similar=0`);
  await page.getByRole("tab", { name: `Logs ${LOGS_BELOW + 4}` }).click();
  const list = page.getByRole("listbox", { name: "Log records of this trace" });
  const lines = list.getByRole("option");
  await lines.first().filter({ hasText: "the import begins" }).waitFor();
  assert.equal(await lines.first().locator("time").textContent(), "+1.00 µs");
  // The rest comes as it is scrolled to.
  await list.evaluate((element) => (element.scrollTop = element.scrollHeight));
  await page.getByText("item 499 is stored").waitFor();
  await list.evaluate((element) => (element.scrollTop = element.scrollHeight));
  await lines.filter({ hasText: "of no span" }).waitFor();
  await page.getByText("End of the logs").waitFor();
  await page.getByRole("tab", { name: /^Timeline/ }).click();
  await tree(page).getByRole("row").nth(1).click();
  await page.getByRole("complementary", { name: "Span" }).getByRole("link", { name: "Its logs" }).click();
  await page.getByText("the first batch is done").waitFor();
  assert.equal(await lines.count(), 1);
  await page.getByRole("button", { name: "Subtree" }).click();
  await page.getByText("item 0 is stored").waitFor();
  assert.equal(await page.getByText("the import begins").count(), 0);
  await list.evaluate((element) => (element.scrollTop = element.scrollHeight));
  await page.getByText(new RegExp(`^${LOGS_BELOW + 1} records`)).waitFor();
  assert.equal(await page.getByText("the second batch is done").count(), 0);
  await assertAccessible(page, "logs of a large trace");
  // Who gets the link sees the same, and can have columns and whole lines.
  const other = await open({ colorScheme: "dark" });
  await other.page.goto(page.url());
  await other.page.getByText("item 0 is stored").waitFor();
  await other.page.getByRole("button", { name: "Trace", exact: true }).click();
  const first = other.page.getByRole("listbox", { name: "Log records of this trace" }).getByRole("option").first();
  await first.filter({ hasText: "the import begins" }).waitFor();
  const before = (await first.boundingBox()).height;
  await other.page.keyboard.press("w");
  await other.page.waitForFunction(() => new URL(location.href).searchParams.get("wrap") === "1");
  assert.ok((await first.boundingBox()).height > 2 * before, "the line is broken");
  await other.page.getByTitle("Choose columns").click();
  await other.page.getByLabel("Find a field for a column").fill("till");
  await other.page.getByRole("button", { name: /^till/ }).click();
  await other.page.keyboard.press("Escape");
  await first.getByText("till-1", { exact: true }).waitFor();
  assert.ok(new URL(other.page.url()).searchParams.get("cols").includes("till"));
  assert.deepEqual([...problems, ...other.problems], []);
  await other.close();
  await close();
});

test("a zoom asks for what runs then, deeper; statistics count all spans; all can be had at once", async () => {
  const { page, problems, close } = await open({ viewport: SIZES.phone, hasTouch: true });
  await page.goto(`${server.http}/trace/${LARGE}?similar=0&zoom=300000000-300200000`);
  await tree(page).locator('[aria-level="4"]').first().waitFor();
  const rows = Number(await tree(page).getAttribute("aria-rowcount"));
  assert.ok(rows > 3 && rows < 60, `${rows} rows`);
  await assertFits(page);
  await page.getByRole("button", { name: "Reset zoom" }).click();
  await rowCount(page, 1 + BATCHES);
  await page.getByRole("tab", { name: "Statistics" }).click();
  await page.getByRole("row").filter({ hasText: "PUT /items" }).getByText(/3.500/).waitFor();
  await assertAccessible(page, "statistics of a large trace");
  await page.getByRole("button", { name: "Service", exact: true }).click();
  await page.getByRole("row").filter({ hasText: "db" }).getByText(/17.500/).waitFor();
  await page.getByRole("button", { name: /^Load all/ }).click();
  await page.getByRole("tab", { name: "Flame graph" }).waitFor();
  assert.deepEqual(problems, []);
  await close();
});

const MILLION = 1_000_000;
const CHILDREN = MILLION - 1;

/** A window of a million children of one span, made when it is asked for. */
function madeWindow(url) {
  const asked = new URL(url).searchParams;
  const limit = Number(asked.get("limit"));
  const after = Number(asked.get("after") ?? -1);
  const common = { service_name: "worker", kind: "INTERNAL", same_id_count: 0, self_time_ns: 1, critical_time_ns: 0, critical_parts: [], similar: null, error: false, error_below: false, missing_parent: false };
  const row = (index) =>
    index === 0
      ? { ...common, span_index: 0, span_id: idOf(1), parent_index: null, depth: 0, name: "job", start_offset_ns: 0, adjusted_start_offset_ns: 0, duration_ns: 1e9, child_count: CHILDREN, descendant_count: CHILDREN }
      : { ...common, span_index: index, span_id: idOf(index + 1), parent_index: 0, depth: 1, name: `task ${index}`, start_offset_ns: index * 1000, adjusted_start_offset_ns: index * 1000, duration_ns: 900, child_count: 0, descendant_count: 0 };
  const rows = Array.from({ length: Math.min(limit, MILLION - after - 1) }, (_, at) => row(after + 1 + at));
  const last = rows.at(-1).span_index;
  return {
    trace_id: "e".repeat(32), start_time_unix_nano: String(START), duration_ns: 1e9, span_count: MILLION, error_count: 0, depth: 2, window: { span_count: MILLION, error_count: 0, depth: 2 },
    next_after: last < MILLION - 1 ? last : null, rows, complete: true,
    services: [], service_count: 0, warnings: [], clock_skew: [], adjusted: { start_offset_ns: 0, duration_ns: 1e9 }, error_origin: null,
  };
}

test("a million spans are scrolled through with a bounded page", async (context) => {
  const { page, problems, close } = await open();
  let pages = 0;
  await page.route("**/api/v1/traces/*/timeline**", (route) => {
    if (!route.request().url().includes("include=")) pages += 1;
    return route.fulfill({ contentType: "application/json", body: JSON.stringify(madeWindow(route.request().url())) });
  });
  await page.goto(`${server.http}/trace/${"e".repeat(32)}`);
  await tree(page).getByRole("row").first().waitFor();
  const seen = new Set();
  for (let turn = 0; turn < 30; turn += 1) {
    const before = pages;
    await tree(page).evaluate((element) => (element.scrollTop = element.scrollHeight));
    while (pages === before) await page.waitForTimeout(5);
    await page.waitForFunction(() => document.querySelector(".progress-on") === null);
    const last = await tree(page).getByTitle(/^worker  task/).last().getAttribute("title");
    assert.ok(!seen.has(last), `${last} comes twice`);
    seen.add(last);
    assert.ok(Number(await tree(page).getAttribute("aria-rowcount")) <= 20_010);
  }
  assert.ok((await nodes(page)) < PAGE_NODES, `${await nodes(page)} elements`);
  context.diagnostic(`${pages} pages, ${await tree(page).getAttribute("aria-rowcount")} rows held`);
  // What was put away above can be had again.
  await page.keyboard.press("Home");
  await tree(page).evaluate((element) => (element.scrollTop = 0));
  await tree(page).getByRole("button", { name: /^Load .* more spans/ }).click();
  await tree(page).getByTitle("worker  task 1", { exact: true }).waitFor();
  assert.deepEqual(problems, []);
  await close();
});

test("a span of a large trace has a page of its own, for which only the rows down to it are asked", async () => {
  const { page, problems, close } = await open();
  const asked = [];
  page.on("request", (request) => request.url().includes("/api/v1/traces/") && asked.push(new URL(request.url())));
  await page.goto(`${server.http}/trace/${LARGE}/span/${idOf(4)}`);
  await page.getByRole("heading", { name: "UPDATE item" }).waitFor();
  await page.getByRole("group", { name: "The span" }).getByText("n4", { exact: true }).waitFor();
  assert.deepEqual(await page.locator(".kin-text").allTextContents(), ["import importer", "batch importer", "PUT /items catalogue", "UPDATE item db"]);
  assert.deepEqual(asked.map((url) => [url.pathname.replace(/^.*\/timeline/, ""), url.searchParams.get("limit")]), [["", "1"], ["/find", "1"]]);
  await assertAccessible(page, "a span of a large trace");
  await page.getByRole("link", { name: /^PUT \/items/ }).click();
  await page.getByRole("heading", { name: "PUT /items" }).waitFor();
  await page.getByRole("group", { name: "The span" }).getByText("Children").waitFor();
  await page.getByRole("link", { name: "In its trace" }).click();
  await chosen(page).waitFor();
  await page.getByRole("complementary", { name: "Span" }).getByRole("link", { name: "Open the span on its own page" }).click();
  await page.getByRole("heading", { name: "PUT /items" }).waitFor();
  assert.deepEqual(problems, []);
  await close();
});
