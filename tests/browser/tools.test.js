// Small tools that make the difference when it is late: what a browser remembers, what is counted under a query, what
// goes on by itself, what can be taken elsewhere.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { assertAccessible, assertFits, boxOf, open, server, setUp, SIZES, startServer } from "./browser.js";

const TRACE = "fe6bf62f357743299319d640878ea4f0";
const MS = 1_000_000n;

setUp(startServer);

const rowsOf = (page) => page.getByRole("listbox", { name: "Log records" }).getByRole("option");
const facets = (page) => page.getByRole("complementary", { name: "Facets" });

describe("facets", () => {
  test("of spans count what the query finds", async () => {
    const { page, problems, close } = await open();
    const query = "service:ts-order-service";
    const { series } = await server.get("/api/v1/spans/histogram", { query, by: "kind", buckets: 1 });
    const most = series.sort((a, b) => b.span_count[0] - a.span_count[0])[0];
    await page.goto(`${server.http}/traces?q=${query}`);
    const value = facets(page).getByTitle(new RegExp(`^${most.name}: `));
    await value.waitFor();
    assert.match((await value.getAttribute("title")).replace(/\D/g, ""), new RegExp(`^${most.span_count[0]}`));
    await value.click();
    await page.waitForFunction((kind) => new URL(location.href).searchParams.get("q").includes(`kind:${kind}`), most.name);
    assert.deepEqual(problems, []);
    await close();
  });

  test("stay at the top when they are pinned", async () => {
    const { page, problems, close } = await open();
    await page.goto(`${server.http}/logs`);
    const pin = facets(page).getByRole("button", { name: /^Keep .* at the top$/ }).first();
    await pin.waitFor();
    const name = /^Keep (.*) at the top$/.exec(await pin.getAttribute("aria-label"))[1];
    await pin.focus();
    await page.keyboard.press("Enter");
    await page.reload();
    const kept = facets(page).locator(`.facet:has(button[aria-label="Keep ${name} at the top"][aria-pressed="true"])`);
    await kept.locator(".facet-values, .numeric").waitFor();
    assert.equal(await facets(page).locator(".facet").nth(2).textContent(), await kept.textContent());
    assert.deepEqual(problems, []);
    await close();
  });
});

test("a facet finds what lacks its field", async () => {
  const { page, problems, close } = await open();
  const { fields } = await server.get("/api/v1/fields", { table: "spans" });
  const { total } = await server.get("/api/v1/spans/histogram", { buckets: 1 });
  const field = fields.find((each) => each.count > 0 && each.count < total && each.types.includes("string")).query_name;
  await page.goto(`${server.http}/traces?q=${encodeURIComponent("duration>=0ns")}`);
  await facets(page).getByLabel("Find a field to break down").fill(field);
  await facets(page).locator(".facet-name").first().click();
  await facets(page).getByRole("button", { name: /^without it/ }).click();
  await page.waitForFunction((name) => new URL(location.href).searchParams.get("q") === `duration>=0ns -has:${name}`, field);
  await page.locator('a[href^="/trace/"]').first().waitFor();
  assert.deepEqual(problems, []);
  await close();
});

describe("a browser", () => {
  test("begins with the columns that were chosen last, and a copied link has them", async () => {
    const { page, context, problems, close } = await open();
    await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: server.http });
    await page.goto(`${server.http}/logs`);
    await rowsOf(page).first().waitFor();
    await page.getByRole("button", { name: "Columns" }).or(page.getByTitle("Choose columns")).first().click();
    await page.getByRole("button", { name: "trace_id" }).last().click();
    await page.waitForFunction(() => new URL(location.href).searchParams.get("cols") === "level,service,trace_id");
    await page.goto(`${server.http}/logs`);
    await page.locator(".log-head").getByText("trace_id").waitFor();
    await page.keyboard.press("y");
    await page.getByText("Link copied").waitFor();
    assert.equal(new URL(await page.evaluate(() => navigator.clipboard.readText())).searchParams.get("cols"), "level,service,trace_id");
    assert.deepEqual(problems, []);
    await close();
  });

  test("keeps the width of the panel, which the keyboard can change too", async () => {
    const { page, problems, close } = await open();
    await page.goto(`${server.http}/logs`);
    await rowsOf(page).nth(2).click();
    const panel = page.getByRole("complementary", { name: "Log record" });
    const before = await boxOf(panel);
    const grip = panel.getByRole("separator", { name: "Width of the panel" });
    const { x, y } = await boxOf(grip);
    await page.mouse.move(x + 4, y + 300);
    await page.mouse.down();
    await page.mouse.move(x - 96, y + 300);
    await page.mouse.up();
    const dragged = await boxOf(panel);
    assert.ok(Math.abs(dragged.width - before.width - 100) <= 1, `${before.width} px, then ${dragged.width} px`);
    await grip.focus();
    await page.keyboard.press("ArrowRight");
    const narrower = await boxOf(panel);
    assert.ok(Math.abs(dragged.width - narrower.width - 24) <= 1, `${dragged.width} px, then ${narrower.width} px`);
    await page.goto(`${server.http}/trace/${TRACE}`);
    await page.getByRole("treegrid").getByRole("row").nth(2).click();
    assert.equal((await boxOf(page.getByRole("complementary", { name: "Span" }))).width, narrower.width);
    await assertAccessible(page, "a panel that was made wider");
    assert.deepEqual(problems, []);
    await close();
  });
});

describe("a search", () => {
  test("is made again by itself, but not while somebody reads", async () => {
    const { page, problems, close } = await open();
    await page.clock.install();
    let asked = 0;
    page.on("request", (request) => (asked += Number(request.url().includes("/api/v1/logs?"))));
    await page.goto(`${server.http}/logs?start=now-400w`);
    await rowsOf(page).first().waitFor();
    await page.keyboard.press("t");
    await page.getByRole("group", { name: "Search again" }).getByRole("button", { name: "10 s" }).click();
    await page.waitForFunction(() => new URL(location.href).searchParams.get("every") === "10s");
    await page.keyboard.press("Escape");
    const before = asked;
    await page.clock.runFor(10_000);
    while (asked === before) await page.waitForTimeout(20);
    await rowsOf(page).nth(1).click();
    await page.getByRole("complementary", { name: "Log record" }).waitFor();
    const reading = asked;
    await page.clock.runFor(60_000);
    assert.equal(asked, reading);
    assert.deepEqual(problems, []);
    await close();
  });

  test("for the id of a span opens it in its trace, whatever time is looked at", async () => {
    const { page, problems, close } = await open();
    const { spans } = await server.get(`/api/v1/traces/${TRACE}`, { view: "timeline" });
    const id = spans.map((span) => span.span_id).find((each) => /[a-f]/.test(each));
    await page.goto(`${server.http}/traces?start=now-15m`);
    await page.locator(".editor-host:not([hidden])").waitFor();
    await page.getByRole("textbox", { name: "Query" }).fill(id.toUpperCase());
    await page.keyboard.press("Enter");
    await page.waitForURL(`**/trace/${TRACE}?span=${id}`);
    await page.getByRole("complementary", { name: "Span" }).getByText(id).waitFor();
    assert.deepEqual(problems, []);
    await close();
  });

  test("can be taken to a shell, and what it finds to a Parquet file", async () => {
    const { page, context, problems, close } = await open();
    await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: server.http });
    await page.goto(`${server.http}/traces?q=${encodeURIComponent('service:"ts-order-service"')}`);
    await page.getByTitle("The same as curl, command line or SQL").click();
    await page.getByRole("button", { name: "Copy the command" }).click();
    await page.getByText("Copied").waitFor();
    await page.keyboard.press("Escape");
    await page.getByTitle("Export", { exact: true }).click();
    const line = await page.evaluate(() => navigator.clipboard.readText());
    assert.match(line, /^curl -sG 'http:[^']*\/api\/v1\/traces'/);
    assert.match(line, /--data-urlencode 'query=service:"ts-order-service"'/);
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Parquet" }).click()]);
    const chunks = [];
    for await (const chunk of await download.createReadStream()) chunks.push(chunk);
    const file = Buffer.concat(chunks);
    assert.equal(download.suggestedFilename(), "spans.parquet");
    assert.equal(file.subarray(0, 4).toString(), "PAR1");
    assert.equal(file.subarray(-4).toString(), "PAR1");
    assert.deepEqual(problems, []);
    await close();
  });
});

describe("a trace", () => {
  test("is a tree of calls, each path once, that leads back to its spans; also on a phone", async () => {
    const { spans } = await server.get(`/api/v1/traces/${TRACE}`, { view: "timeline" });
    for (const size of ["laptop", "phone"]) {
      const { page, problems, close } = await open({ viewport: SIZES[size] });
      await page.goto(`${server.http}/trace/${TRACE}?tab=calls`);
      const calls = page.getByRole("treegrid", { name: "Calls of this trace" });
      await calls.getByRole("row").first().waitFor();
      const all = Number(await calls.getAttribute("aria-rowcount"));
      assert.ok(all > 1 && all <= spans.length, `${all} rows of ${spans.length} spans`);
      await assertFits(page);
      await assertAccessible(page, `call tree, ${size}`);
      await calls.getByRole("button", { name: "Collapse" }).first().click();
      await page.waitForFunction((rows) => Number(document.querySelector('[role="treegrid"]').ariaRowCount) < rows, all);
      await calls.locator(".span-label").first().click();
      await page.getByRole("complementary", { name: "Span" }).getByRole("heading", { name: spans[0].name }).waitFor();
      assert.deepEqual(problems, []);
      await close();
    }
  });

  test("says when more of it has come, and shows that", async () => {
    const { page, problems, close } = await open();
    const traceId = "1a7e".padStart(32, "0");
    const start = BigInt(Date.now() - 5_000) * MS;
    const send = (number, name) =>
      server.post("/v1/traces", JSON.stringify({
        resourceSpans: [{
          resource: { attributes: [{ key: "service.name", value: { stringValue: "late" } }] },
          scopeSpans: [{ spans: [{ traceId, spanId: String(number).padStart(16, "0"), parentSpanId: number === 1 ? "" : "1".padStart(16, "0"), name, kind: 2, startTimeUnixNano: String(start), endTimeUnixNano: String(start + 50n * MS) }] }],
        }],
      }));
    await send(1, "first");
    await page.clock.install();
    await page.goto(`${server.http}/trace/${traceId}`);
    await page.getByRole("treegrid").getByRole("row").filter({ hasText: "first" }).waitFor();
    await send(2, "second");
    await page.clock.runFor(11_000);
    await page.getByRole("status").filter({ hasText: /1.more span has come/ }).getByRole("button", { name: "Load them" }).click();
    await page.getByRole("treegrid").getByRole("row").filter({ hasText: "second" }).waitFor();
    assert.deepEqual(problems, []);
    await close();
  });

  test("leads from a span without logs to what its service logged then", async () => {
    const { page, problems, close } = await open();
    const { spans } = await server.get(`/api/v1/traces/${TRACE}`, { view: "timeline" });
    const span = spans.find((each) => each.log_count === 0 && each.service_name.startsWith("ts-"));
    await page.goto(`${server.http}/trace/${TRACE}?span=${span.span_id}`);
    const around = page.getByRole("region", { name: "Around it" });
    await around.getByRole("button", { name: "Service" }).click();
    await around.getByRole("link", { name: "Open in Logs" }).click();
    await page.waitForURL("**/logs?**");
    const { searchParams } = new URL(page.url());
    assert.match(searchParams.get("q"), new RegExp(`service:${span.service_name}`));
    assert.ok(Date.parse(searchParams.get("start")) < Date.parse(searchParams.get("end")));
    assert.deepEqual(problems, []);
    await close();
  });
});

test("the status page lists what the server is asked at the moment, and how long what is kept", async () => {
  const { page, problems, close } = await open();
  const query = { id: "7", kind: "/api/v1/sql", query: "SELECT count(*) FROM spans", client: "10.0.0.7", elapsed_ms: 1200, state: "running", rows_read: 1000, bytes_read: 70000, max_memory_bytes: 5000, deadline: null };
  await page.route("**/api/v1/queries", (route) => route.fulfill({ json: { queries: [query], running: 1, waiting: 0, tails: 2, max_concurrent: 8 } }));
  let stopped = null;
  await page.route("**/api/v1/queries/*", (route) => {
    stopped = `${route.request().method()} ${new URL(route.request().url()).pathname}`;
    return route.fulfill({ json: {} });
  });
  await page.goto(`${server.http}/status`);
  const row = page.getByRole("row").filter({ hasText: "SELECT count(*) FROM spans" });
  await row.getByText("1.20 s").waitFor();
  await page.getByText("1 of 8, 2 live tails").waitFor();
  await page.getByRole("heading", { name: "Retention" }).waitFor();
  await page.getByText("Without a rule all is kept").waitFor();
  await assertAccessible(page, "status");
  await row.getByRole("button", { name: "Stop" }).click();
  await page.getByText("Stopped").waitFor();
  assert.equal(stopped, "DELETE /api/v1/queries/7");
  assert.deepEqual(problems, []);
  await close();
});
