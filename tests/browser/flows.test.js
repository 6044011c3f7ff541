// What people do beyond the first minute: completion, filters, links that others open, the trace's tabs by
// keyboard alone, SQL, the other pages; and that nothing of it shuts anybody out (axe).

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { assertAccessible, assertFits, boxOf, open, server, setUp, SIZES, startServer } from "./browser.js";

/** A trace whose error began two services down, made here: the data has none with more than one error. */
const FAILED_TRACE = "5b8aa5a2d2c872e8321cf37308d69df2";
const DAY = "start=2023-01-29T08:40:00.000Z&end=2023-01-29T15:45:00.000Z";

let failed;

setUp(startServer, async () => {
  await server.post("/v1/traces", JSON.stringify(failedTrace()));
  failed = FAILED_TRACE;
});

/** web → checkout → inventory, where it fails; before that a call that works. */
function failedTrace() {
  const start = 1675000000000000000n;
  const span = (id, parent, service, name, from, to, error) => ({
    service,
    traceId: FAILED_TRACE,
    spanId: `000000000000000${id}`,
    parentSpanId: parent === null ? "" : `000000000000000${parent}`,
    name,
    kind: 2,
    startTimeUnixNano: String(start + BigInt(from) * 1000000n),
    endTimeUnixNano: String(start + BigInt(to) * 1000000n),
    attributes: [{ key: "shop.step", value: { stringValue: name } }],
    status: error ? { code: 2, message: error } : {},
    events: error === "deadlock" ? [{ timeUnixNano: String(start + BigInt(to) * 1000000n), name: "exception", attributes: [{ key: "exception.type", value: { stringValue: "Deadlock" } }] }] : [],
  });
  const spans = [
    span(1, null, "shop-web", "POST /orders", 0, 100, "order failed"),
    span(2, 1, "shop-web", "render", 2, 5),
    span(3, 1, "shop-checkout", "PlaceOrder", 10, 95, "order failed"),
    span(4, 3, "shop-cart", "GetCart", 12, 20),
    span(5, 4, "shop-cart", "HGETALL", 13, 19),
    span(6, 3, "shop-inventory", "Reserve", 25, 90, "reservation failed"),
    span(7, 6, "shop-inventory", "UPDATE stock", 30, 88, "deadlock"),
    span(8, 3, "shop-checkout", "audit", 91, 94),
  ];
  const services = [...new Set(spans.map((each) => each.service))];
  return {
    resourceSpans: services.map((name) => ({
      resource: { attributes: [{ key: "service.name", value: { stringValue: name } }] },
      scopeSpans: [{ scope: { name: "test" }, spans: spans.filter((each) => each.service === name).map(({ service: _, ...rest }) => rest) }],
    })),
  };
}

const rowsOf = (page) => page.getByRole("listbox", { name: "Log records" }).getByRole("option");
const param = (page, name) => new URL(page.url()).searchParams.get(name);

describe("searching", () => {
  test("fields and values are completed while typing", async () => {
    const { page, problems, close } = await open();
    await page.goto(`${server.http}/logs`);
    await page.locator(".editor-host:not([hidden])").waitFor();
    await page.keyboard.press("/");
    await page.keyboard.type("lev");
    const options = page.locator(".cm-tooltip-autocomplete [role=option]");
    await options.filter({ hasText: "level" }).first().waitFor();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    // After the field come its values, with counts.
    await options.filter({ hasText: "error" }).first().waitFor();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await options.first().waitFor({ state: "detached" });
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => /^level:[a-z]+$/.test(new URL(location.href).searchParams.get("q") ?? ""));
    assert.deepEqual(problems, []);
    await close();
  });

  test("filters are chips that change the text at their place and nothing else", async () => {
    const { page, problems, close } = await open();
    await page.goto(`${server.http}/logs?q=${encodeURIComponent("Exception level:error service:ts-basic-service")}`);
    await rowsOf(page).first().waitFor();
    await page.getByRole("button", { name: "Exclude service" }).click();
    await page.waitForFunction(() => new URL(location.href).searchParams.get("q") === "Exception level:error -service:ts-basic-service");
    await page.getByRole("button", { name: "Switch level:error off" }).click();
    await page.waitForFunction(() => new URL(location.href).searchParams.get("q") === "Exception -service:ts-basic-service");
    assert.equal(param(page, "off"), "level:error");
    await page.getByRole("button", { name: "Remove -service:ts-basic-service" }).click();
    await page.waitForFunction(() => new URL(location.href).searchParams.get("q") === "Exception");
    await page.getByTitle("Filter again").click();
    await page.waitForFunction(() => new URL(location.href).searchParams.get("q") === "Exception level:error");
    assert.deepEqual(problems, []);
    await close();
  });

  test("facets count what the query finds, and filter it", async () => {
    const { page, problems, close } = await open();
    const { series } = await server.get("/api/v1/logs/histogram", { query: "level:error", by: "service_name", buckets: 1 });
    const most = series.sort((a, b) => b.counts[0] - a.counts[0])[0];
    await page.goto(`${server.http}/logs?q=level:error`);
    const facet = page.getByRole("complementary", { name: "Facets" }).getByRole("button", { name: new RegExp(`^${most.name}`) }).first();
    await facet.waitFor();
    assert.ok((await facet.textContent()).includes(String(most.counts[0])), await facet.textContent());
    await facet.click();
    await page.waitForURL(`**service*${most.name}**`);
    await page.getByText(`${most.counts[0]} records`).waitFor();
    assert.deepEqual(problems, []);
    await close();
  });

  test("a copied link has absolute times and shows a colleague the same", async () => {
    const { page, context, problems, close } = await open();
    await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: server.http });
    await page.goto(`${server.http}/logs?q=Exception&start=now-400w&cols=level,service,trace_id&by=service_name`);
    await rowsOf(page).first().waitFor();
    await page.locator(".log-list").focus();
    await page.keyboard.press("j");
    await page.waitForFunction(() => new URL(location.href).searchParams.has("sel"));
    await page.keyboard.press("y");
    await page.getByText("Link copied").waitFor();
    const link = await page.evaluate(() => navigator.clipboard.readText());
    const { searchParams } = new URL(link);
    assert.match(searchParams.get("start"), /^\d{4}-\d\d-\d\dT/);
    assert.match(searchParams.get("end"), /^\d{4}-\d\d-\d\dT/);
    const seen = (at) => at.getByRole("complementary", { name: "Log record" }).locator("pre").first().textContent();
    const mine = await seen(page);
    const other = await open();
    await other.page.goto(link);
    await other.page.getByRole("complementary", { name: "Log record" }).waitFor();
    assert.equal(await seen(other.page), mine);
    await other.page.getByRole("figure", { name: /records over time by service_name/ }).waitFor();
    assert.deepEqual([...problems, ...other.problems], []);
    await other.close();
    await close();
  });

  test("the lines around a record are there whatever was searched for", async () => {
    const { page, problems, close } = await open();
    await page.goto(`${server.http}/logs?q=dispatcherServlet`);
    await rowsOf(page).nth(3).click();
    await page.getByRole("complementary", { name: "Log record" }).waitFor();
    await page.keyboard.press("c");
    const dialog = page.getByRole("dialog", { name: "Lines around this record" });
    await dialog.locator('[aria-current="true"]').waitFor();
    const lines = await dialog.locator(".context-row").allTextContents();
    assert.ok(lines.length > 20 && lines.some((line) => !line.includes("dispatcherServlet")), `${lines.length} lines`);
    await assertAccessible(page, "context");
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    assert.deepEqual(problems, []);
    await close();
  });

  test("wrapped lines keep their whole text and their place", async () => {
    const { page, problems, close } = await open();
    await page.goto(`${server.http}/logs?q=dispatcherServlet&wrap=1`);
    await rowsOf(page).first().waitFor();
    // Each row is as high as the list thinks: nothing overlaps, nothing is cut.
    const off = await page.evaluate(() => {
      const rows = [...document.querySelectorAll('[role="option"]')].map((row) => row.getBoundingClientRect());
      const space = document.querySelector(".virtual-rows").getBoundingClientRect();
      const total = rows.reduce((sum, row) => sum + row.height, 0);
      return { gaps: rows.slice(1).filter((row, at) => Math.abs(row.top - rows[at].bottom) > 0.5).length, drawn: space.height, total };
    });
    assert.equal(off.gaps, 0);
    const tall = await rowsOf(page).first().evaluate((row) => row.clientHeight);
    assert.ok(tall > 17 && tall % 17 === 0, `${tall}`);
    assert.deepEqual(problems, []);
    await close();
  });

  test("what was found can be saved as NDJSON and CSV", async () => {
    const { page, problems, close } = await open();
    await page.goto(`${server.http}/logs?q=dispatcherServlet`);
    await rowsOf(page).first().waitFor();
    await page.getByRole("button", { name: "Export" }).click();
    const saved = async (format) => {
      const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: format }).last().click()]);
      const chunks = [];
      for await (const chunk of await download.createReadStream()) chunks.push(chunk);
      return Buffer.concat(chunks).toString().trimEnd().split("\n");
    };
    const lines = (await saved("NDJSON")).map((line) => JSON.parse(line));
    assert.equal(lines.length, 196);
    assert.ok(lines.every((line) => line.body.includes("dispatcherServlet")));
    assert.match((await saved("CSV"))[0], /^time,level,service,trace_id,span_id,body,attributes/);
    assert.deepEqual(problems, []);
    await close();
  });

  test("the palette opens any service, and a search that was saved", async () => {
    const { page, problems, close } = await open();
    await page.goto(`${server.http}/logs?q=level:error`);
    await rowsOf(page).first().waitFor();
    await page.getByRole("button", { name: "Saved and recent searches" }).click();
    await page.getByRole("textbox", { name: "Name for this search" }).fill("all that failed");
    await page.keyboard.press("Enter");
    await page.locator(".saved").getByRole("button", { name: /^all that failed/ }).waitFor();
    await page.keyboard.press("Escape");
    await page.goto(`${server.http}/services`);
    await page.keyboard.press("Control+k");
    await page.locator(".palette-input").fill("that failed");
    await page.getByRole("option", { name: /all that failed/ }).first().waitFor();
    await page.keyboard.press("Enter");
    await page.waitForURL("**/logs?q=level*error");
    await page.keyboard.press("Control+k");
    await page.locator(".palette-input").fill("ts-order-service");
    await page.getByRole("option", { name: /^ts-order-service ?Service/ }).first().click();
    await page.waitForURL("**/services/ts-order-service");
    await page.getByRole("heading", { name: "ts-order-service" }).waitFor();
    assert.deepEqual(problems, []);
    await close();
  });
});

describe("by keyboard alone", () => {
  test("from a search to a record, to its trace, through its spans, and to what else fails", async () => {
    const { page, problems, close } = await open();
    await page.goto(`${server.http}/logs?${DAY}`);
    await rowsOf(page).first().waitFor();
    await page.locator(".editor-host:not([hidden])").waitFor();
    await page.keyboard.press("/");
    await page.keyboard.type("dispatcherServlet");
    await page.keyboard.press("Enter");
    await page.waitForURL("**q=dispatcherServlet**");
    await page.getByText("196 records").waitFor();
    // The number can be there before the rows are: those of the search before are shown until then.
    await rowsOf(page).filter({ hasNotText: "dispatcherServlet" }).first().waitFor({ state: "detached" });
    await page.keyboard.press("Escape");
    await page.locator(".log-list").focus();
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    await page.getByRole("complementary", { name: "Log record" }).waitFor();
    await page.keyboard.press("Enter");
    await page.waitForURL("**/trace/*");
    const spans = page.getByRole("treegrid");
    const chosen = spans.locator('[role="row"][aria-selected="true"]');
    await chosen.waitFor();
    const first = await chosen.getAttribute("id");
    await page.keyboard.press("Home");
    await page.waitForFunction((id) => document.querySelector('[role="row"][aria-selected="true"]')?.id !== id, first);
    await page.keyboard.press("ArrowLeft");
    await spans.locator('[role="row"][aria-selected="true"][aria-expanded="false"]').waitFor();
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("z");
    await page.waitForFunction(() => new URL(location.href).searchParams.has("zoom"));
    await page.keyboard.press("0");
    await page.waitForFunction(() => !new URL(location.href).searchParams.has("zoom"));
    await page.keyboard.press("g");
    await page.keyboard.press("e");
    await page.waitForURL("**/errors**");
    await page.getByRole("tab", { name: /^Where requests break/ }).waitFor();
    assert.deepEqual(problems, []);
    await close();
  });
});

describe("a trace", () => {
  test("by keyboard alone: from the error to where it began, its the critical path, the tabs", async () => {
    const { page, problems, close } = await open();
    await page.goto(`${server.http}/trace/${failed}`);
    const spans = page.getByRole("treegrid");
    await spans.waitFor();
    await spans.focus();
    await page.keyboard.press("x");
    const chosen = spans.locator('[role="row"][aria-selected="true"]');
    await chosen.waitFor();
    assert.match(await chosen.textContent(), /UPDATE stock/);
    const details = page.getByRole("complementary", { name: "Span" });
    await details.waitFor();
    await page.keyboard.press("p");
    await page.waitForFunction(() => new URL(location.href).searchParams.get("critical") === "1");
    await page.keyboard.press("/");
    await page.keyboard.type("status:error");
    const timeline = await server.get(`/api/v1/traces/${failed}`, { view: "timeline" });
    const errors = timeline.spans.filter((span) => span.status_code === "ERROR").length;
    await page.getByRole("status").filter({ hasText: `/${errors}` }).waitFor();
    await page.keyboard.press("Enter");
    await page.keyboard.press("Escape");
    await spans.focus();
    await page.keyboard.press("[");
    await page.waitForFunction(() => new URL(location.href).searchParams.get("fold") === "all");
    assert.ok((await spans.getByRole("row").count()) <= timeline.spans.filter((span) => span.depth <= 1).length);
    assert.deepEqual(problems, []);
    await close();
  });

  test("as a table of statistics that leads back to the spans", async () => {
    const { page, problems, close } = await open();
    await page.goto(`${server.http}/trace/${failed}?tab=stats&group=service`);
    const timeline = await server.get(`/api/v1/traces/${failed}`, { view: "timeline" });
    const table = page.getByRole("table");
    await table.waitFor();
    assert.equal(await table.locator("tbody tr").count(), timeline.services.length);
    await table.getByRole("button", { name: "Spans", exact: true }).click();
    const first = table.locator("tbody tr").first();
    const name = await first.getByRole("button").textContent();
    await first.getByRole("button").click();
    const count = timeline.spans.filter((span) => span.service_name === name).length;
    await page.getByRole("status").filter({ hasText: `/${count}` }).waitFor();
    assert.deepEqual(problems, []);
    await close();
  });
});

describe("the other pages", () => {
  test("SQL answers, underlines what is wrong, exports", async () => {
    const { page, problems, close } = await open();
    await page.goto(`${server.http}/sql`);
    await page.locator(".editor-host:not([hidden])").waitFor();
    await page.getByRole("complementary", { name: "Tables and columns" }).waitFor();
    const box = page.getByRole("textbox", { name: "SQL statement" });
    await box.fill("SELECT service_name, count(*) AS n FROM logs GROUP BY service_name ORDER BY n DESC LIMIT 3");
    await box.press("Control+Enter");
    await page.getByText("3 rows").waitFor();
    const { rows } = await (await fetch(`${server.http}/api/v1/sql`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ query: "SELECT count(*) FROM logs" }) })).json();
    assert.ok(rows[0][0] > 0);
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "CSV" }).click()]);
    assert.equal(download.suggestedFilename(), "result.csv");
    const [parquet] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Parquet" }).click()]);
    for await (const chunk of await parquet.createReadStream()) {
      assert.equal(chunk.subarray(0, 4).toString(), "PAR1");
      break;
    }
    // By keys: filled over coloured text, Chromium would carry the colours over as inline styles.
    await box.press("Control+a");
    await box.press("Backspace");
    await page.keyboard.insertText("SELECT nothing_like_it FROM logs");
    await box.press("Control+Enter");
    await page.getByRole("alert").waitFor();
    assert.equal(await page.locator(".token-wrong").textContent(), "nothing_like_it");
    // A function, in the second line.
    await box.press("Control+a");
    await box.press("Backspace");
    await page.keyboard.insertText("SELECT body,\nno_such_thing(body) FROM logs");
    await box.press("Control+Enter");
    await page.locator(".token-wrong", { hasText: "no_such_thing" }).waitFor();
    assert.equal(await page.locator(".token-wrong").textContent(), "no_such_thing");
    assert.deepEqual(problems.filter((problem) => !problem.includes("400")), []);
    await close();
  });

  test("the map shows who calls whom, and a service's neighbours", async () => {
    const { page, problems, close } = await open();
    await page.goto(`${server.http}/map?view=table`);
    await page.getByRole("button", { name: "ts-order-service" }).first().click();
    const panel = page.getByRole("complementary", { name: "Service ts-order-service" });
    await panel.getByText("Called by").waitFor();
    await page.getByRole("button", { name: "Map", exact: true }).click();
    await page.getByRole("img", { name: /^Map of \d+ services/ }).waitFor();
    await page.getByRole("button", { name: "1 call away" }).click();
    await page.getByText(/of \d+ services/).waitFor();
    assert.deepEqual(problems, []);
    await close();
  });

  test("a service's rate, errors and durations are shown over time, and marking a part zooms to it", async () => {
    const { page, problems, close } = await open();
    const { total } = await server.get("/api/v1/spans/histogram", { query: "service:ts-order-service kind:(SERVER OR CONSUMER)" });
    assert.ok(total > 0);
    await page.goto(`${server.http}/services/ts-order-service`);
    for (const name of ["Rate", "Errors", "Duration"]) await page.getByRole("figure", { name: new RegExp(`^${name}: `) }).waitFor();
    const plot = page.getByRole("figure", { name: /^Rate: / }).locator(".histogram-plot");
    const { x, y, width, height } = await boxOf(plot);
    await page.mouse.move(x + width / 2, y + height / 2);
    await plot.locator(".tip").getByText("good").waitFor();
    await page.mouse.down();
    await page.mouse.move(x + width, y + height / 2, { steps: 4 });
    await page.mouse.up();
    await page.waitForFunction(() => new URL(location.href).searchParams.has("start"));
    await page.getByRole("figure", { name: /^Rate: / }).waitFor();
    await page.goto(`${server.http}/services`);
    await page.getByRole("img", { name: "Spans of ts-order-service over time" }).waitFor();
    assert.deepEqual(problems, []);
    await close();
  });

  test("ingest carries the server's own address, status its own numbers", async () => {
    const { page, problems, close } = await open();
    await page.goto(`${server.http}/ingest`);
    await page.getByText(`OTEL_EXPORTER_OTLP_ENDPOINT=http://${server.addresses.otlp_http_addr}`).waitFor();
    await page.getByText(/^Data has come: .* spans and .* log records of \d+ services are stored/).waitFor();
    await page.goto(`${server.http}/status`);
    await page.getByText("Rejected records").waitFor();
    await page.getByText("Waiting to be merged").waitFor();
    assert.deepEqual(problems, []);
    await close();
  });
});

describe("for everybody", () => {
  const views = {
    logs: `/logs?q=dispatcherServlet&${DAY}`,
    "a log": `/logs?q=dispatcherServlet&${DAY}&cols=level,service,k8s.pod.name`,
    "an error": "/logs?q=service%3Acheckout+(timeout+OR",
    nothing: "/logs?q=flabbergast",
    traces: "/traces?q=status:error",
    services: "/services?open=ts-order-service",
    service: "/services/ts-order-service",
    patterns: `/logs?view=patterns&${DAY}`,
    errors: "/errors",
    exceptions: "/errors?tab=exceptions",
    file: "/open",
    map: "/map",
    calls: "/map?view=table&node=ts-order-service",
    sql: "/sql?q=SELECT+*+FROM+spans+LIMIT+20",
    ingest: "/ingest",
    status: "/status",
  };
  // Each size and each theme once: contrast does not depend on the width.
  for (const [size, colorScheme] of [["laptop", "light"], ["phone", "dark"]]) {
    const viewport = SIZES[size];
    test(`no view shuts anybody out: ${size}, ${colorScheme}`, async () => {
      const { page, close } = await open({ viewport, colorScheme, isMobile: size === "phone", hasTouch: size === "phone" });
      const all = { ...views, trace: `/trace/${failed}`, "a span": `/trace/${failed}?span=first`, flame: `/trace/${failed}?tab=flame`, statistics: `/trace/${failed}?tab=stats`, "trace logs": `/trace/${failed}?tab=logs` };
      for (const [name, path] of Object.entries(all)) {
        await page.goto(server.http + path, { waitUntil: "networkidle" });
        if (name === "a log") await rowsOf(page).nth(1).click();
        if (name === "a span") await page.getByRole("treegrid").getByRole("row").nth(1).click();
        await assertFits(page);
        await assertAccessible(page, `${name}, ${size}, ${colorScheme}`);
      }
      await page.keyboard.press("Control+k");
      await page.getByRole("combobox").waitFor();
      await assertAccessible(page, "palette");
      await close();
    });
  }
});
