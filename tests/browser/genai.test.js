// What a span's panel says beside its attributes: a conversation with a model, a statement laid out, what went on
// around it, how many spans it stands for; and nothing that was sent becomes anything but text.

import assert from "node:assert/strict";
import { test } from "node:test";

import { assertAccessible, assertFits, emptyServer, open, server, setUp, SIZES } from "./browser.js";

const MS = 1_000_000n;
const START = 1_775_000_000_000_000_000n;
const CHAT = "c4a7".padStart(32, "0");
const SHOP = "5409".padStart(32, "0");
const LOOP = "1009".padStart(32, "0");
const TWINS = "7319".padStart(32, "0");
const EVIL = '<img src=x onerror="window.stolen = 1"><script>window.stolen = 1</script>';

setUp(emptyServer, async () => {
  await server.post("/v1/traces", JSON.stringify(agent()));
  await server.post("/v1/traces", JSON.stringify(shop()));
  await server.post("/v1/traces", JSON.stringify(twins()));
  await server.post("/v1/traces", JSON.stringify(loop()));
  await server.post("/v1/logs", JSON.stringify(lines()));
});

const value = (given) => (typeof given === "number" ? (Number.isInteger(given) ? { intValue: given } : { doubleValue: given }) : Array.isArray(given) ? { arrayValue: { values: given.map(value) } } : { stringValue: given });
const attributes = (fields) => Object.entries(fields).map(([key, given]) => ({ key, value: value(given) }));

function span(traceId, number, parent, name, from, ms, fields, more = {}) {
  const id = (each) => each.toString(16).padStart(16, "0");
  return { traceId, spanId: id(number), parentSpanId: parent ? id(parent) : "", name, kind: 3, startTimeUnixNano: String(START + BigInt(from) * MS), endTimeUnixNano: String(START + BigInt(from + ms) * MS), attributes: attributes(fields), ...more };
}

const request = (service, spans, resource = {}) => ({ resourceSpans: [{ resource: { attributes: attributes({ "service.name": service, ...resource }) }, scopeSpans: [{ scope: { name: "test" }, spans }] }] });

/** An agent that asks a model twice, and calls a tool in between. */
function agent() {
  const asked = [{ role: "user", parts: [{ type: "text", content: `Is it raining in Kiel? ${EVIL}` }] }];
  const call = { role: "assistant", parts: [{ type: "tool_call", id: "call_1", name: "get_weather", arguments: { city: "Kiel" } }], finish_reason: "tool_call" };
  const answer = { role: "tool", parts: [{ type: "tool_call_response", id: "call_1", response: { rain: true } }] };
  const said = { role: "assistant", parts: [{ type: "reasoning", content: "The tool says so." }, { type: "text", content: "Yes, it rains." }], finish_reason: "stop" };
  const model = { "gen_ai.operation.name": "chat", "gen_ai.provider.name": "acme", "gen_ai.request.model": "acme-large", "gen_ai.response.model": "acme-large-2", "gen_ai.request.temperature": 0.2 };
  return request("assistant", [
    span(CHAT, 1, 0, "invoke_agent weather", 0, 900, { "gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "weather", "gen_ai.usage.input_tokens": 300, "gen_ai.usage.output_tokens": 30 }),
    span(CHAT, 2, 1, "chat acme-large", 10, 300, { ...model, "gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 10, "gen_ai.usage.cost": 0.001, "gen_ai.input.messages": JSON.stringify(asked), "gen_ai.output.messages": JSON.stringify([call]) }),
    span(CHAT, 3, 1, "execute_tool get_weather", 320, 50, { "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "get_weather", "gen_ai.tool.call.arguments": '{"city":"Kiel"}', "gen_ai.tool.call.result": '{"rain":true}' }),
    span(CHAT, 4, 1, "chat acme-large", 400, 400, { ...model, "gen_ai.usage.input_tokens": 200, "gen_ai.usage.output_tokens": 20, "gen_ai.usage.cost": 0.002, "gen_ai.system_instructions": JSON.stringify([{ type: "text", content: "You tell the weather." }]), "gen_ai.input.messages": JSON.stringify([...asked, call, answer]), "gen_ai.output.messages": JSON.stringify([said]) }),
  ]);
}

/** Five calls of a model that are one row. */
function loop() {
  const call = (at) => span(LOOP, 2 + at, 1, "chat acme-small", 10 + at * 20, 15, { "gen_ai.operation.name": "chat", "gen_ai.request.model": "acme-small", "gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 20, "gen_ai.cost.input": 0.01, "gen_ai.cost.output": 0.02, "gen_ai.cost.currency": "usd" });
  return request("assistant", [span(LOOP, 1, 0, "summarise", 0, 200, {}), ...Array.from({ length: 5 }, (_, at) => call(at))]);
}

/** Sampled: one of ten was kept. One span has a statement, a value of a megabyte and an address that leads astray. */
function shop() {
  const statement = "SELECT id, name FROM items WHERE price > 10 AND stock IN (SELECT stock FROM stores) ORDER BY name LIMIT 5";
  const fields = { "db.system.name": "postgresql", "server.address": "db-1", "db.query.text": statement, docs: "see https://docs.example/items?id=1 or javascript:alert(1)", html: EVIL, long: "x".repeat(1_000_000) };
  const events = [{ name: "retry", timeUnixNano: String(START + 25n * MS), attributes: [] }];
  return request("shop", [span(SHOP, 1, 0, "GET /items", 0, 100, {}, { traceState: "ot=th:e66666666666" }), span(SHOP, 2, 1, "SELECT items", 20, 30, fields, { traceState: "ot=th:e66666666666", events })], { "k8s.pod.name": "shop-7", "host.name": "node-3" });
}

/** A call whose halves have one id, as Zipkin has them; and three spans that a sender gave the same id. */
function twins() {
  return request("zip", [
    span(TWINS, 1, 0, "GET /", 0, 100, {}, { kind: 2 }),
    span(TWINS, 2, 1, "ask", 10, 50, {}, { kind: 3 }),
    span(TWINS, 2, 1, "answer", 15, 40, {}, { kind: 2 }),
    ...[60, 70, 80].map((from, at) => span(TWINS, 3, 1, `try ${at}`, from, 8, {}, { kind: 1 })),
  ]);
}

function lines() {
  const record = (ms, body, own) => ({ timeUnixNano: String(START + BigInt(ms) * MS), severityNumber: 13, body: { stringValue: body }, ...(own ? { traceId: SHOP, spanId: "0000000000000001" } : {}) });
  const resource = (fields, records) => ({ resource: { attributes: attributes(fields) }, scopeLogs: [{ logRecords: records }] });
  return { resourceLogs: [resource({ "service.name": "shop", "k8s.pod.name": "shop-7", "host.name": "node-3" }, [record(10, "request of the trace", true), record(30, "pool is exhausted", false), record(60_000, "much later", false)]), resource({ "service.name": "neighbour", "host.name": "node-3" }, [record(35, "neighbour is noisy", false)])] };
}

const rows = (page) => page.getByRole("treegrid").getByRole("row");
const panelOf = (page) => page.getByRole("complementary", { name: "Span" });

test("a call of a model shows its conversation, tools and tokens; the trace adds them up once", async () => {
  const { page, problems, close } = await open();
  await page.goto(`${server.http}/trace/${CHAT}`);
  // The agent says once more what its calls took.
  await page.locator(".fact").filter({ hasText: "Tokens" }).getByText("300 in, 30 out").waitFor();
  await page.locator(".fact").filter({ hasText: "Cost" }).getByText("0.003").waitFor();
  assert.match(await page.locator(".fact").filter({ hasText: "Cost" }).getAttribute("title"), /acme-large-2: 2 calls, 300 in, 30 out, cost 0\.003/);
  assert.equal(await rows(page).nth(3).locator(".span-tokens").textContent(), "220 tok");
  assert.equal(await rows(page).nth(2).locator(".span-tokens").count(), 0);
  await rows(page).nth(3).click();
  const panel = panelOf(page);
  await panel.getByText("You tell the weather.").waitFor();
  assert.deepEqual(await panel.locator(".chat-role b").allTextContents(), ["system", "user", "assistant", "tool", "assistant"]);
  await panel.getByText("calls get_weather").waitFor();
  await panel.getByText("Yes, it rains.").waitFor();
  await panel.getByText("acme-large-2").waitFor();
  await panel.getByText(EVIL, { exact: false }).waitFor();
  assert.equal(await page.evaluate(() => window.stolen), undefined);
  assert.equal(await panel.locator("img, script").count(), 0);
  await assertAccessible(page, "a conversation");
  await panel.getByRole("button", { name: "Span", exact: true }).click();
  await panel.getByText("gen_ai.request.temperature").waitFor();
  assert.ok(page.url().includes("pane=fields"));
  await panel.getByRole("button", { name: "Conversation" }).click();
  await rows(page).nth(2).click();
  await panel.getByRole("heading", { name: "Tool get_weather", exact: true }).waitFor();
  assert.deepEqual(problems, []);
  await close();
});

test("calls of a model that are one row say together what they took", async () => {
  const { page, problems, close } = await open();
  await page.goto(`${server.http}/trace/${LOOP}`);
  await page.locator(".fact").filter({ hasText: "Cost" }).getByText("0.15 USD").waitFor();
  assert.equal(await rows(page).nth(1).locator(".span-tokens").textContent(), "600 tok");
  assert.equal(await rows(page).nth(1).locator(".span-tokens").getAttribute("title"), "500 tokens in, 100 out, cost 0.15 USD");
  await rows(page).nth(1).click();
  await page.getByRole("complementary", { name: "Similar spans" }).getByText("0.15 USD").waitFor();
  assert.deepEqual(problems, []);
  await close();
});

test("spans that share an id say so, and lead to each other", async () => {
  const { page, problems, close } = await open();
  await page.goto(`${server.http}/trace/${TWINS}`);
  await page.getByText("3 spans share an id, though they are not the two halves of one call").waitFor();
  const row = (name) => rows(page).filter({ hasText: name });
  assert.equal(await row("try 1").locator(".span-flag").textContent(), "same id × 3");
  assert.equal(await row("try 1").locator(".span-flag").getAttribute("title"), "Shares its id with 2 other spans");
  assert.equal(await row("answer").locator(".span-half").count(), 1);
  assert.equal(await row("GET /").locator(".span-flag, .span-half").count(), 0);
  await row("try 1").click();
  const shared = panelOf(page).getByRole("region", { name: "Spans with the same id" });
  await shared.getByText("Shares its id with 2 other spans").waitFor();
  await assertAccessible(page, "spans that share an id");
  await shared.getByRole("button", { name: /try 2 internal, 10\.0 ms after/ }).click();
  await panelOf(page).getByRole("heading", { name: "try 2" }).waitFor();
  await shared.getByRole("button", { name: /try 0/ }).click();
  await panelOf(page).getByRole("heading", { name: "try 0" }).waitFor();
  // A link to one of them leads to that one, also to its own page.
  await page.reload();
  await panelOf(page).getByRole("heading", { name: "try 0" }).waitFor();
  await page.getByRole("link", { name: "Open the span on its own page" }).click();
  await page.getByRole("heading", { level: 1, name: "try 0" }).waitFor();
  await page.getByRole("region", { name: "Spans with the same id" }).getByRole("button", { name: /try 1/ }).click();
  await page.getByRole("heading", { level: 1, name: "try 1" }).waitFor();
  await page.goto(`${server.http}/trace/${TWINS}`);
  await row("ask").click();
  await shared.getByText("The two halves of this call").waitFor();
  await shared.getByRole("button", { name: /answer/ }).click();
  await panelOf(page).getByRole("heading", { name: "answer" }).waitFor();
  assert.deepEqual(problems, []);
  await close();
});

test("a conversation is read on a phone", async () => {
  const { page, problems, close } = await open({ viewport: SIZES.phone, hasTouch: true, isMobile: true, colorScheme: "dark" });
  await page.goto(`${server.http}/trace/${CHAT}?span=0000000000000004`);
  await panelOf(page).getByText("Yes, it rains.").waitFor();
  await assertFits(page);
  await assertAccessible(page, "a conversation on a phone");
  assert.deepEqual(problems, []);
  await close();
});

test("a statement is laid out, long values wait, and only addresses of the web can be clicked", async () => {
  const { page, problems, close } = await open();
  await page.goto(`${server.http}/trace/${SHOP}?span=0000000000000002`);
  const panel = panelOf(page);
  const statement = panel.getByRole("region", { name: "Statement" });
  assert.equal(await statement.locator("pre").textContent(), "SELECT id, name\nFROM items\nWHERE price > 10\n  AND stock IN (\n    SELECT stock\n    FROM stores\n  )\nORDER BY name\nLIMIT 5");
  await statement.getByRole("button", { name: "Raw" }).click();
  assert.ok(!(await statement.locator("pre").textContent()).includes("\n"));
  const links = await panel.locator(".value-link").evaluateAll((found) => found.map((each) => [each.href, each.rel, each.target]));
  assert.deepEqual(links, [["https://docs.example/items?id=1", "noopener noreferrer nofollow", "_blank"]]);
  assert.equal(await page.evaluate(() => window.stolen), undefined);
  const size = () => panel.locator(".attribute").filter({ hasText: "long" }).evaluate((row) => row.textContent.length);
  assert.ok((await size()) < 10_000, `${await size()} characters of a value of a million`);
  await panel.getByRole("button", { name: /show all 1.000.000 characters/ }).click();
  assert.ok((await size()) > 1_000_000);
  // 5 ms into the span, 25 ms into the trace.
  const event = panel.locator(".event time");
  assert.equal(await event.textContent(), "+5.00 ms");
  assert.match(await event.getAttribute("title"), /\.025000000.*\n.*ago\n\+25\.0 ms in the trace/s);
  const [copied] = [await panel.getByRole("button", { name: "Copy a link to this span" }).count()];
  assert.equal(copied, 1);
  await assertAccessible(page, "a statement");
  assert.deepEqual(problems, []);
  await close();
});

test("what was logged around a span is shown by service, pod and host, and its database by its figures", async () => {
  const { page, problems, close } = await open();
  const asked = [];
  page.on("request", (each) => asked.push(each.url()));
  await page.goto(`${server.http}/trace/${SHOP}?span=0000000000000002`);
  const around = panelOf(page).getByRole("region", { name: "Around it" });
  await around.waitFor();
  assert.ok(!asked.some((url) => url.includes("/api/v1/logs?") && url.includes("resource.")), "nothing is asked before somebody looks");
  await around.getByRole("button", { name: "Host" }).click();
  await around.getByText("neighbour is noisy").waitFor();
  await around.getByText("pool is exhausted").waitFor();
  assert.equal(await around.getByText("much later").count(), 0);
  await around.getByRole("button", { name: "Pod" }).click();
  await around.getByText("neighbour is noisy").waitFor({ state: "detached" });
  await around.getByText("pool is exhausted").waitFor();
  await around.getByRole("button", { name: "Database" }).click();
  await around.getByRole("link", { name: /^1 span, p95 30.0 ms/ }).waitFor();
  await around.getByRole("button", { name: "Service" }).click();
  await around.getByRole("link", { name: "Open in Logs" }).click();
  await page.getByRole("option").filter({ hasText: "pool is exhausted" }).waitFor();
  assert.deepEqual(problems, []);
  await close();
});

test("sampled spans say how many they stand for", async () => {
  const { page, problems, close } = await open();
  await page.goto(`${server.http}/trace/${SHOP}?span=0000000000000001`);
  await page.locator(".fact").filter({ hasText: "Spans" }).getByText("2, stand for about 20").waitFor();
  await panelOf(page).getByText("stands for 10").waitFor();
  await page.goto(`${server.http}/trace/${CHAT}`);
  await page.locator(".fact").filter({ hasText: "Spans" }).getByText("4", { exact: true }).waitFor();
  await page.goto(`${server.http}/traces?q=service:shop`);
  await page.getByText(/^2 spans match, stand for about 20$/).waitFor();
  assert.deepEqual(problems, []);
  await close();
});
