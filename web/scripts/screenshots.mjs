// Pictures of every view, light and dark, laptop and phone, to be looked at by people.
//
//   node scripts/screenshots.mjs [--url http://127.0.0.1:4320] [--api http://127.0.0.1:4320] [--out screenshots] [--only trace,logs]
//                                [--theme dark] [--size phone] [--width 800]
//
// With the data of `spoor demo`, of tests/data, or whatever the server has. `--api` is the server that is asked what there is,
// where `--url` has only its pages (`npm run preview`). `--width`: one more size, to look at what is between a laptop and a phone. Needs a Chromium: CHROMIUM names it, /usr/bin/chromium
// otherwise. Complains, and exits 1, when a page writes errors to its console or breaks the content security policy.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";

const { values: args } = parseArgs({
  options: {
    url: { type: "string", default: "http://127.0.0.1:4320" },
    out: { type: "string", default: "screenshots" },
    only: { type: "string", default: "" },
    theme: { type: "string", default: "" },
    size: { type: "string", default: "" },
    width: { type: "string", default: "" },
    api: { type: "string", default: "" },
  },
});

/**
 * What the pictures show, whichever data there is: the traces and logs of `spoor demo`, or those of tests/data.
 */
async function choose() {
  const { services } = await getJson("/api/v1/services");
  const has = (name) => services.some((each) => each.service_name === name && each.span_count > 0);
  if (services.length === 0) {
    fail("there is no data to take pictures of: run `spoor demo --once` (or `make demo`) against this server, or import tests/data");
  }
  if (has("ts-order-service")) {
    return { service: "ts-order-service", range: "start=2023-01-29T08:40:00.000Z&end=2023-01-29T15:45:00.000Z", words: "payment", errors: "level:error exception" };
  }
  if (has("checkout")) return { service: "checkout", range: "start=now-1h", words: "order", errors: "severity>=warn" };
  const busiest = services.sort((a, b) => b.span_count - a.span_count)[0];
  if (busiest.span_count === 0) fail("there are logs only: pictures of traces need some; run `spoor demo --once` against this server");
  return { service: busiest.service_name, range: "", words: "", errors: "level:error" };
}

function fail(message) {
  console.error(`screenshots: ${message}`);
  process.exit(1);
}

async function getJson(path) {
  let answer;
  try {
    answer = await fetch((args.api || args.url) + path);
  } catch {
    fail(`nothing answers at ${args.url}: start it with \`make run\`, or say --url`);
  }
  if (!answer.ok) fail(`${path} is answered ${answer.status}`);
  return answer.json();
}

/** States that a quick server with good disks does not show; answers are held back, marked or replaced on their way. */
const onApi = (page, change) => page.route((url) => url.pathname.startsWith("/api/v1/"), change);
const REASON = "2 files could not be read and were set aside";
const STATES = {
  // Never answered: the view with its shape only.
  loading: (page) => onApi(page, () => undefined),
  failed: (page) => onApi(page, (route) => route.fulfill({ status: 503, json: { error: { code: "unavailable", message: "the disk is away", hint: "come back later", position: null } } })),
  incomplete: (page) =>
    onApi(page, async (route) => {
      const answer = await route.fetch();
      const isJson = /^application\/json/.test(answer.headers()["content-type"] ?? "");
      const body = isJson && answer.ok() ? await answer.json() : null;
      return route.fulfill({ response: answer, ...(body && "complete" in body ? { json: { ...body, complete: false, incomplete_reasons: [REASON] } } : {}) });
    }),
  // The first rows of a list, the others never come.
  partial: (page) =>
    page.route(
      (url) => url.searchParams.has("patience_ms"),
      async (route) => {
        const url = new URL(route.request().url());
        if (url.searchParams.has("cursor")) return undefined;
        url.searchParams.set("limit", "7");
        const answer = await route.fetch({ url: url.href });
        return route.fulfill({ response: answer, json: { ...(await answer.json()), partial: true } });
      },
    ),
};

const data = await choose();
const q = encodeURIComponent;
const VIEWS = [
  { name: "logs", path: `/logs?${data.range}` },
  { name: "logs-query", path: `/logs?q=${q(data.errors)}&${data.range}` },
  { name: "logs-detail", path: `/logs?q=${q(data.words)}&${data.range}`, act: (page) => page.click(".log-row:nth-child(4)") },
  { name: "logs-wrap", path: `/logs?q=${q(data.errors)}&${data.range}&wrap=1&cols=level,service,k8s.pod.name` },
  { name: "logs-by", path: `/logs?${data.range}&by=service_name` },
  { name: "logs-context", path: `/logs?q=${q(data.words)}&${data.range}`, act: async (page) => { await page.click(".log-row:nth-child(4)"); await page.keyboard.press("c"); await page.waitForSelector(".context-here"); } },
  { name: "logs-shop", path: `/logs?q=${q(data.words)}&by=service_name&${data.range}`, act: (page) => page.hover(".histogram-plot") },
  { name: "logs-patterns", path: `/logs?view=patterns&${data.range}` },
  { name: "errors", path: `/errors?${data.range}` },
  { name: "errors-exceptions", path: `/errors?tab=exceptions&${data.range}` },
  { name: "map-cycles", path: "/map?cycles=1" },
  { name: "live", path: "/logs?live=1", open: true, act: (page) => page.waitForSelector(".live-on") },
  { name: "logs-error", path: "/logs?q=service%3Acheckout+(timeout+OR+refused" },
  { name: "logs-empty", path: `/logs?q=flabbergast&${data.range}` },
  { name: "time", path: "/logs", act: (page) => page.click(".time-button").then(() => page.fill(".range-panel input", "yesterday 14:00 to 15:30")) },
  { name: "suggest", path: "/logs", act: async (page) => { await page.waitForSelector(".editor-host:not([hidden])"); await page.getByRole("textbox", { name: "Query" }).click(); await page.keyboard.type("level:error k8"); await page.waitForSelector(".cm-tooltip-autocomplete"); } },
  { name: "palette", path: "/logs", act: async (page) => { await page.keyboard.press("Control+k"); await page.keyboard.type("order"); await page.waitForTimeout(600); } },
  { name: "traces", path: `/traces?${data.range}` },
  { name: "traces-errors", path: "/traces?q=status%3Aerror" },
  { name: "traces-groups", path: `/traces?chart=operation&${data.range}`, act: (page) => page.waitForSelector(".red-group") },
  { name: "traces-matched", path: `/traces?q=service%3A${data.service}&${data.range}`, act: (page) => page.locator(".trace-twist").first().click().then(() => page.waitForSelector(".trace-match")) },
  { name: "trace", path: null, query: "critical=1" },
  { name: "trace-span", path: null, act: async (page) => { await page.click(".span-row:nth-child(6)"); await page.waitForSelector(".panel"); } },
  { name: "trace-flame", path: null, query: "tab=flame" },
  { name: "trace-stats", path: null, query: "tab=stats" },
  { name: "trace-graph", path: null, query: "tab=graph" },
  { name: "trace-notes", path: null, query: "notes=1" },
  { name: "trace-logs", path: null, query: "tab=logs" },
  { name: "trace-similar", path: null, find: "q=name%3A%22reindex%20products%22", act: (page) => page.click(".span-group") },
  { name: "trace-colour", path: null, query: "colour=operation" },
  { name: "open", path: "/open" },
  { name: "traces-heat", path: `/traces?chart=heat&${data.range}`, act: (page) => page.waitForSelector(".heatmap-plot") },
  { name: "api", path: "/docs/api" },
  { name: "api-open", path: "/docs/api?op=logs", act: (page) => page.getByRole("button", { name: "Send" }).click().then(() => page.waitForSelector(".api-tried")) },
  { name: "trace-error", path: null, find: "q=status%3Aerror", act: async (page) => { if (await page.$(".fact-origin")) await page.click(".fact-origin"); } },
  { name: "compare", path: null, page: (id) => `/compare?left=median&right=${id}`, act: async (page) => { await page.waitForSelector(".compare-row"); await page.keyboard.press("j"); } },
  { name: "services", path: "/services" },
  { name: "services-open", path: `/services?open=${data.service}` },
  { name: "service", path: `/services/${data.service}?${data.range}` },
  { name: "map", path: "/map" },
  { name: "map-call", path: `/map?view=table&${data.range}`, act: (page) => page.locator(".edge-call").first().click().then(() => page.waitForSelector(".call-sides")) },
  { name: "chart-table", path: `/services/${data.service}?${data.range}`, act: (page) => page.locator(".chart-table").first().click() },
  { name: "trace-found", path: null, query: "find=POST&only=1" },
  { name: "map-node", path: `/map?node=${data.service}&hops=1` },
  { name: "sql", path: "/sql?q=" + encodeURIComponent("SELECT service_name, count(*) AS records,\n       sum(CASE WHEN severity_number >= 17 THEN 1 ELSE 0 END) AS errors\nFROM logs\nGROUP BY service_name\nORDER BY errors DESC") },
  { name: "sql-start", path: "/sql" },
  { name: "ingest", path: "/ingest" },
  { name: "status", path: "/status", act: (page) => page.waitForTimeout(7000) },
  { name: "shortcuts", path: "/logs", act: (page) => page.click("body").then(() => page.keyboard.press("?")) },
  { name: "trace-page", path: null, act: (page) => page.waitForSelector(".waterfall, .span-row") },
  { name: "trace-large", path: null, query: "whole=0" },
  { name: "span", path: null, page: async (id) => `/trace/${id}/span/${(await getJson(`/api/v1/traces/${id}?view=timeline`)).spans.at(-1).span_id}` },
  { name: "log", path: null, page: async () => `/log/${(await getJson("/api/v1/logs?limit=1")).logs[0].id}` },
  { name: "logs-table", path: `/logs?view=table&by=service_name&${data.range}` },
  { name: "logs-chart", path: `/logs?view=chart&by=service_name&${data.range}` },
  { name: "services-changes", path: `/services?tab=changes&${data.range}` },
  { name: "sql-chart", path: `/sql?view=chart&q=${q("SELECT date_trunc('minute', time) AS minute, count(*) AS records\nFROM logs\nGROUP BY minute\nORDER BY minute")}` },
  { name: "sql-explain", path: `/sql?q=${q("SELECT service_name, count(*) FROM logs WHERE search('order') GROUP BY service_name")}`, act: async (page) => { await page.getByRole("button", { name: "Explain", exact: true }).click(); await page.waitForSelector("text=What would be read"); } },
  { name: "sql-error", path: `/sql?q=${q("SELECT sevice_name FROM logs")}` },
  { name: "menu", path: "/logs", act: (page) => page.getByRole("button", { name: "Appearance" }).click() },
  { name: "saved", path: "/logs", act: (page) => page.getByRole("button", { name: "Saved and recent searches" }).click() },
  { name: "export", path: `/logs?${data.range}`, act: (page) => page.getByTitle(/^(Download|Export)/).first().click() },
  { name: "run-as", path: `/logs?q=${q(data.words)}&${data.range}`, act: async (page) => { await page.getByTitle(/^The same as curl/).click(); await page.getByRole("button", { name: "CLI", exact: true }).click(); } },
  { name: "columns", path: `/traces?${data.range}`, act: (page) => page.getByTitle("Choose columns").click(), size: "laptop" },
  { name: "traces-empty", path: `/traces?q=flabbergast&${data.range}` },
  ...["logs", "traces", "services", "errors", "map"].flatMap((view) =>
    ["loading", "failed", "incomplete"].map((state) => ({ name: `${view}-${state}`, path: `/${view}?${data.range}`, state, open: state === "loading" })),
  ),
  ...["logs", "traces"].map((view) => ({ name: `${view}-partial`, path: `/${view}?${data.range}`, state: "partial", open: true, act: (page) => page.waitForSelector("text=are still looked for") })),
  { name: "missing", path: "/trace/00000000000000000000000000000001" },
];
const SIZES = args.width ? [[args.width, Number(args.width), 900]] : [["laptop", 1440, 900], ["phone", 390, 844]];

/** The trace of the view: one with many services, found through the API. */
async function tracePath(view) {
  const search = view.find ?? `q=${q(`service:"${data.service}"`)}&${data.range}`;
  const page = await getJson(`/api/v1/traces?limit=100&${search.replace(/^q=/, "query=")}`);
  if (page.traces.length === 0) throw new Error(`no trace is found by ${search}`);
  const best = page.traces.sort((a, b) => b.services.length - a.services.length || b.span_count - a.span_count)[0];
  if (view.page) return view.page(best.trace_id);
  return `/trace/${best.trace_id}${view.query ? `?${view.query}` : ""}`;
}

const browser = await chromium.launch({
  executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
mkdirSync(args.out, { recursive: true });
const problems = [];
for (const theme of ["light", "dark"].filter((name) => !args.theme || name === args.theme)) {
  for (const [size, width, height] of SIZES.filter(([name]) => !args.size || name === args.size)) {
    const context = await browser.newContext({ viewport: { width, height }, colorScheme: theme, deviceScaleFactor: 1, hasTouch: size === "phone", isMobile: size === "phone", timezoneId: "UTC" });
    for (const view of VIEWS.filter(({ name, size: only }) => (!args.only || args.only.split(",").includes(name)) && (!only || only === size))) {
      const page = await context.newPage();
      const where = `${view.name} ${size} ${theme}`;
      page.on("pageerror", (error) => problems.push(`${where}: ${error.message}`));
      page.on("console", (message) => message.type() === "error" && !/status of (40[04]|503)/.test(message.text()) && problems.push(`${where}: ${message.text()}`));
      try {
        if (view.state) await STATES[view.state](page);
        await page.goto(args.url + (view.path ?? (await tracePath(view))), { waitUntil: view.open ? "load" : "networkidle" });
        await view.act?.(page);
        await page.waitForTimeout(250);
      } catch (error) {
        problems.push(`${where}: ${error.message.split("\n")[0]}`);
      }
      const sideways = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
      if (sideways) problems.push(`${where}: the page scrolls sideways`);
      await page.screenshot({ path: join(args.out, `${view.name}-${size}-${theme}.png`) });
      await page.close();
    }
    await context.close();
  }
}
await browser.close();
for (const problem of problems) console.error(problem);
process.exitCode = problems.length > 0 ? 1 : 0;
