// Events and logs as rows of a trace, versions of a service and when they came, who uses the server and what was slow,
// and bytes as hex.

import assert from "node:assert/strict";
import { test } from "node:test";

import { assertAccessible, assertFits, emptyServer, open, server, setUp, SIZES } from "./browser.js";

const MS = 1_000_000n;
const NOW = BigInt(Date.now()) * MS;
const TRACE = "e7e27".padStart(32, "0");
const NOTED = 30;

setUp(emptyServer, async () => {
  await server.post("/v1/traces", JSON.stringify(noted()));
  await server.post("/v1/logs", JSON.stringify(lines()));
  for (const [minutes, version, failed] of [[50, "1.4.0", 0], [40, "1.4.0", 0], [30, "1.4.0", 1], [20, "1.5.0", 4], [10, "1.5.0", 4]]) await server.post("/v1/traces", JSON.stringify(released(minutes, version, failed)));
});

const text = (key, stringValue) => ({ key, value: { stringValue } });
const at = (ms) => String(NOW - 60_000n * MS + BigInt(ms) * MS);
const resource = (service, more = []) => ({ attributes: [text("service.name", service), ...more] });
const id = (number) => String(number).padStart(16, "0");

/** A request and, 50 ms into it, a call in which something is tried again, and many things are noted. */
function noted() {
  const events = [{ name: "retry", timeUnixNano: at(60), attributes: [] }, { name: "exception", timeUnixNano: at(70), attributes: [text("exception.type", "x.Gone")] }];
  const many = Array.from({ length: NOTED }, (_, each) => ({ name: `step ${each}`, timeUnixNano: at(110 + each), attributes: [] }));
  const span = (number, parent, name, from, ms, own = []) => ({ traceId: TRACE, spanId: id(number), parentSpanId: parent ? id(parent) : "", name, kind: 2, startTimeUnixNano: at(from), endTimeUnixNano: at(from + ms), events: own });
  return { resourceSpans: [{ resource: resource("shop"), scopeSpans: [{ scope: { name: "test" }, spans: [span(1, 0, "GET /", 0, 200), span(2, 1, "charge", 50, 40, events), span(3, 1, "work", 100, 90, many)] }] }] };
}

/** A short one, one of four hundred bytes, one within a list, and a text that looks like one. */
const BYTES = [
  { key: "key", value: { bytesValue: Buffer.from([0, 1, 255]).toString("base64") } },
  { key: "blob", value: { bytesValue: Buffer.alloc(400, 7).toString("base64") } },
  { key: "parts", value: { arrayValue: { values: [{ intValue: "1" }, { bytesValue: "AAE=" }] } } },
  { key: "not.bytes", value: { stringValue: "AAH/" } },
];

function lines() {
  const record = (ms, severityNumber, body, more) => ({ timeUnixNano: at(ms), severityNumber, body, ...more });
  return { resourceLogs: [{ resource: resource("shop"), scopeLogs: [{ logRecords: [record(65, 13, { stringValue: "card is slow" }, { traceId: TRACE, spanId: id(2) }), record(500, 9, { bytesValue: Buffer.from("\u0000\u0001spoor\u00ff", "latin1").toString("base64") }, { attributes: BYTES }), record(510, 5, { kvlistValue: { values: [text("step", "sealed"), { key: "box", value: { kvlistValue: { values: [{ key: "seal", value: { bytesValue: "AAE=" } }] } } }] } })] }] }] };
}

/** Ten requests of one version, some of which failed. */
function released(minutes, version, failed) {
  const start = NOW - BigInt(minutes) * 60_000n * MS;
  const spans = Array.from({ length: 10 }, (_, each) => ({ traceId: `${minutes}${each}`.padStart(32, "0"), spanId: `${minutes}${each}`.padStart(16, "0"), name: "pay", kind: 2, startTimeUnixNano: String(start), endTimeUnixNano: String(start + BigInt(each + 1) * MS), status: each < failed ? { code: 2 } : {} }));
  return { resourceSpans: [{ resource: resource("payment", [text("service.version", version)]), scopeSpans: [{ scope: { name: "test" }, spans }] }] };
}

const notes = (page) => page.locator(".span-note");

test("events and logs are rows below their span, by time, and lead to it", async () => {
  const { page, problems, close } = await open();
  await page.goto(`${server.http}/trace/${TRACE}`);
  await page.getByRole("treegrid").getByRole("row").nth(2).waitFor();
  assert.equal(await notes(page).count(), 0);
  await page.getByRole("button", { name: "Events and logs" }).click();
  // Logs come by themselves.
  await notes(page).filter({ hasText: "card is slow" }).waitFor();
  const said = (await notes(page).allTextContents()).map((each) => each.replace(/\s+/g, " "));
  assert.match(said[0], /^\+10\.0 msretry/);
  assert.match(said[1], /^\+15\.0 mswarn: card is slow/);
  assert.match(said[2], /^\+20\.0 msexception/);
  // Of thirty the first twenty.
  assert.equal(said.length, 3 + 20 + 1);
  await page.getByText("10 more events and records").waitFor();
  await assertAccessible(page, "events and logs as rows");
  // By keyboard only spans are gone through.
  for (let step = 0; step < 3; step += 1) await page.keyboard.press("j");
  await page.getByRole("complementary", { name: "Span" }).getByRole("heading", { name: "work" }).waitFor();
  await notes(page).nth(1).click();
  await page.getByRole("complementary", { name: "Span" }).getByRole("heading", { name: "charge" }).waitFor();
  await page.reload();
  await notes(page).nth(3).waitFor();
  await page.getByRole("button", { name: "Events and logs" }).click();
  await notes(page).first().waitFor({ state: "detached" });
  assert.deepEqual(problems, []);
  await close();
});

test("events and logs are rows on a phone too", async () => {
  const { page, problems, close } = await open({ viewport: SIZES.phone, hasTouch: true, isMobile: true, colorScheme: "dark" });
  await page.goto(`${server.http}/trace/${TRACE}?notes=1`);
  await notes(page).first().waitFor();
  await assertFits(page);
  await assertAccessible(page, "events and logs on a phone");
  assert.deepEqual(problems, []);
  await close();
});

test("a service's versions are told apart, and the charts say when one came", async () => {
  const { page, problems, close } = await open();
  await page.goto(`${server.http}/services/payment?start=now-1h`);
  const versions = page.locator(".versions tbody tr");
  await versions.nth(1).waitFor();
  assert.match(await versions.nth(0).textContent(), /1\.5\.0since .*2040 %/);
  assert.match(await versions.nth(1).textContent(), /1\.4\.0from .*303\.3 %/);
  await page.locator(".timechart-mark-label").first().waitFor();
  assert.deepEqual([...new Set(await page.locator(".timechart-mark-label").allTextContents())], ["1.5.0"]);
  await assertAccessible(page, "versions of a service");
  await versions.nth(0).getByRole("link", { name: "1.5.0" }).click();
  await page.waitForFunction(() => document.querySelectorAll(".trace-row").length === 20);
  assert.deepEqual(problems, []);
  await close();
});

test("the status page says which service sent how much", async () => {
  const { page, problems, close } = await open();
  await page.goto(`${server.http}/status`);
  const row = page.locator(".usage tbody tr").filter({ hasText: "payment" });
  await row.getByText("50", { exact: true }).waitFor();
  await row.getByRole("link", { name: "payment" }).waitFor();
  await assertAccessible(page, "usage by service");
  assert.deepEqual(problems, []);
  await close();
});

test("a body of bytes is shown in hex", async () => {
  const { page, problems, close } = await open();
  await page.goto(`${server.http}/logs?q=severity:info`);
  await page.getByRole("listbox", { name: "Log records" }).getByRole("option").first().click();
  const bytes = page.getByRole("region", { name: "Bytes of the body" });
  await bytes.getByText("00 01 73 70 6f 6f 72 ff").waitFor();
  await bytes.getByText("|..spoor.|").waitFor();
  await bytes.getByText(/^8.bytes$/).waitFor();
  await assertAccessible(page, "a body of bytes");
  assert.deepEqual(problems, []);
  await close();
});

test("bytes are in hex in the columns of a list too, in its lines and in lines around one", async () => {
  const { page, problems, close } = await open();
  await page.goto(`${server.http}/logs?cols=key,parts,not.bytes,resource.id&q=has:blob`);
  const row = page.getByRole("listbox", { name: "Log records" }).getByRole("option");
  await row.first().waitFor();
  assert.deepEqual(await row.locator(".log-cell").allTextContents(), ["0x0001ff", '[1,"0x0001"]', "AAH/", ""]);
  assert.equal(await row.locator(".log-body").textContent(), "0x000173706f6f72ff");
  // So they are within a body that is a map.
  await page.goto(`${server.http}/logs?q=step:sealed`);
  await row.first().waitFor();
  assert.equal(await row.first().locator(".log-body").textContent(), '{"step":"sealed","box":{"seal":"0x0001"}}');
  // A search compares with base64.
  await page.goto(`${server.http}/logs?q=key:"AAH/"`);
  await row.filter({ hasText: "0x000173706f6f72ff" }).waitFor();
  assert.deepEqual(problems, []);
  await close();
});

test("attributes that are bytes are shown in hex with their length, and copied so", async () => {
  const { page, context, problems, close } = await open();
  await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: server.http });
  await page.goto(`${server.http}/logs?q=has:blob`);
  await page.getByRole("listbox", { name: "Log records" }).getByRole("option").first().click();
  const value = (name) => page.locator(".attribute").filter({ has: page.locator(`dt[title="${name}"]`) });
  await value("key").getByText("00 01 ff").waitFor();
  assert.equal((await value("key").locator(".value").textContent()).replace(/\s+/g, " ").trim(), "00 01 ff 3 bytes");
  assert.equal((await value("not.bytes").locator(".value").textContent()).trim(), "AAH/");
  assert.match(await value("parts").locator(".value").textContent(), /\[1,"0x0001"\]/);
  await value("blob").getByText("400 bytes").click();
  await value("blob").getByText("00000010  07 07").waitFor();
  await assertAccessible(page, "bytes of attributes");
  await value("key").hover();
  await page.getByRole("button", { name: "Copy key in hex" }).click();
  await page.getByRole("button", { name: "Copy key in hex" }).and(page.getByTitle("Copied")).waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), "00 01 ff");
  assert.deepEqual(problems, []);
  await close();
});
