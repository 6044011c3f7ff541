// What the browser tests share: one Chromium, one server with real telemetry, pages that note every problem.

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before } from "node:test";

import { chromium } from "playwright-core";

import { DATA, Server } from "../node/server.js";

const CANDIDATES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const LAUNCH = {
  executablePath: process.env.CHROMIUM ?? CANDIDATES.find((path) => existsSync(path)),
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
};
const TIMEOUT_MS = 60_000;
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export const SIZES = { laptop: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } };

/** That of the file whose tests run, once it has called `setUp`. */
export let server;
let browser;

/** Before a file's tests a server and a Chromium, both away after them. `fill` sends the server what the tests are about. */
export function setUp(start = emptyServer, fill = () => {}) {
  before(async () => {
    server = await start();
    browser = await chromium.launch(LAUNCH);
    await fill();
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
  });
}

/** A server that has nothing yet. */
export const emptyServer = () => Server.start();

/** The train ticket shop and the node sample: spans and logs of the same requests. */
export function startServer() {
  const files = readdirSync(join(DATA, "otlp")).filter((name) => /^nezha-tt|^opbeans/.test(name));
  return Server.start([], files.map((name) => join(DATA, "otlp", name)));
}

/** A page, as large as a laptop's unless said otherwise, that notes every error, and every request that leaves the server. */
export async function open(options) {
  const context = await browser.newContext({ timezoneId: "UTC", deviceScaleFactor: 1, viewport: SIZES.laptop, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(TIMEOUT_MS);
  const problems = [];
  page.on("pageerror", (error) => problems.push(error.message));
  page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
  page.on("request", (request) => {
    if (!/^(data|blob):/.test(request.url()) && !request.url().startsWith(server.http)) {
      problems.push(`leaves the server: ${request.url()}`);
    }
  });
  return { page, context, problems, close: () => context.close() };
}

const STILL_MS = 400;

/** Where an element is, once it has not moved for a while: what loads later moves what is below or beside it. */
export async function boxOf(locator) {
  let box = await locator.boundingBox();
  for (let still = 0; still < STILL_MS; still += 50) {
    await new Promise((done) => setTimeout(done, 50));
    const now = await locator.boundingBox();
    if (JSON.stringify(now) !== JSON.stringify(box)) still = -50;
    box = now;
  }
  return box;
}

/** No horizontal scroll bar: nothing is wider than the screen. */
export async function assertFits(page) {
  const [content, screen] = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
  assert.ok(content <= screen, `${content} px of content on ${screen} px of screen`);
}

/** axe-core finds nothing serious in the page as it stands, of WCAG 2.2 too: it does not look at the size of buttons by itself. */
export async function assertAccessible(page, where) {
  await page.evaluate(AXE);
  const found = await page.evaluate(async () => {
    const { violations } = await window.axe.run(document, { resultTypes: ["violations"], rules: { "target-size": { enabled: true } } });
    return violations
      .filter(({ impact }) => impact === "serious" || impact === "critical")
      // The two ends of a range lie on each other; who cannot part them has the query's text (2.5.8: equivalent).
      .map(({ id, nodes, ...rest }) => ({ id, ...rest, nodes: nodes.filter(({ html }) => id !== "target-size" || !html.includes('type="range"')) }))
      .filter(({ nodes }) => nodes.length > 0)
      .map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.slice(0, 3).map((node) => node.html.slice(0, 200)).join(" | ")}`);
  });
  assert.deepEqual(found, [], where);
}

/** The search box: a plain field first, the editor in its place as soon as its code has come. */
export async function search(page, text) {
  await page.locator(".editor-host:not([hidden])").waitFor();
  const box = page.getByRole("textbox", { name: "Query" });
  await box.fill(text);
  await box.press("Enter");
}
