// Who types while a page loads loses nothing: from the first moment that there is a field, while the editor takes its
// place, while columns for its completion come, and on while an answer is awaited. Answers are held back on their way.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { open, server, setUp, startServer } from "./browser.js";

setUp(startServer);

const PLACES = [
  { name: "logs", path: "/logs?q=error", label: "Query", address: "/logs" },
  { name: "traces", path: "/traces?q=error", label: "Query", address: "/traces" },
  { name: "SQL", path: "/sql?q=SELECT+1", label: "SQL statement", address: "/sql" },
];

/** Requests for `pattern` wait until the answer is called. */
async function hold(page, pattern) {
  let release;
  const released = new Promise((done) => (release = done));
  await page.route(pattern, async (route) => {
    await released;
    await route.continue();
  });
  return release;
}

/** Types over what stands in the field in the moment in which there is one. */
const typeAtOnce = (page) => page.addInitScript(() => {
  const watch = new MutationObserver(() => {
    const field = document.querySelector(".query-input");
    if (!field) return;
    watch.disconnect();
    field.focus();
    field.select();
    document.execCommand("insertText", false, "typed at once");
  });
  watch.observe(document, { childList: true, subtree: true });
});

const editorOf = (page) => page.locator(".editor-host:not([hidden]) .cm-content");
/** All that stands in the editor, once it is this. */
const holds = (page, text) => page.waitForFunction((wanted) => {
  const lines = document.querySelector(".editor-host:not([hidden])")?.shadowRoot?.querySelectorAll(".cm-line") ?? [];
  return [...lines].map((line) => line.textContent).join("\n") === wanted;
}, text, { timeout: 5000 });

/** CodeMirror, which both kinds of editor need. */
const CODE = "**/assets/wrong-*.js";

for (const { name, path, label, address } of PLACES) {
  describe(`what is typed over ${name}`, () => {
    test("in the moment in which the field is there stays", async () => {
      const { page, problems, close } = await open();
      await typeAtOnce(page);
      await page.goto(server.http + path);
      await holds(page, "typed at once");
      await page.keyboard.type(", and more");
      await holds(page, "typed at once, and more");
      assert.deepEqual(problems, []);
      await close();
    });

    test("before, while and after the editor takes the place of the plain field stays", async () => {
      const { page, problems, close } = await open();
      const release = await hold(page, CODE);
      await page.goto(server.http + path);
      await page.locator(".query-input").and(page.getByRole("textbox", { name: label })).fill("before");
      // In the very moment in which the plain field goes.
      await page.evaluate(() => {
        const watch = new MutationObserver(() => {
          if (document.querySelector(".query-input")) return;
          watch.disconnect();
          document.execCommand("insertText", false, " between");
        });
        watch.observe(document.body, { childList: true, subtree: true });
      });
      release();
      await editorOf(page).waitFor();
      await page.keyboard.type(" after");
      await holds(page, "before between after");
      assert.deepEqual(problems, []);
      await close();
    });

    test("after it was run stays, while the answer is on its way and once it is there", async () => {
      const { page, problems, close } = await open();
      await page.goto(server.http + path);
      await editorOf(page).waitFor();
      await editorOf(page).click();
      await page.keyboard.press("Control+a");
      await page.keyboard.type("1 ");
      await holds(page, "1 ");
      await page.keyboard.press("Escape");
      await editorOf(page).click();
      await page.keyboard.press("End");
      await page.evaluate(() => {
        const content = document.activeElement.shadowRoot.activeElement;
        content.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", keyCode: 13, ctrlKey: true, bubbles: true, composed: true, cancelable: true }));
        document.execCommand("insertText", false, "on");
      });
      await page.waitForURL((url) => url.pathname === address && url.searchParams.get("q") === "1");
      await page.keyboard.type("ward");
      await page.waitForLoadState("networkidle");
      await holds(page, "1 onward");
      await page.goBack();
      await holds(page, path.includes("sql") ? "SELECT 1" : "error");
      assert.deepEqual(problems.filter((problem) => !problem.includes("400")), []);
      await close();
    });
  });
}

test("what is typed in SQL while the columns come for its completion stays, and they complete it", async () => {
  const { page, problems, close } = await open();
  const release = await hold(page, "**/api/v1/fields?**");
  await page.goto(`${server.http}/sql`);
  await editorOf(page).waitFor();
  await editorOf(page).click();
  await page.keyboard.type("SELECT service_name ");
  release();
  // The columns beside it.
  await page.getByRole("complementary", { name: "Tables and columns" }).waitFor();
  await page.keyboard.type("FROM spans WHERE spans.tra");
  await holds(page, "SELECT service_name FROM spans WHERE spans.tra");
  await page.locator(".cm-completionLabel").filter({ hasText: "trace_id" }).waitFor();
  assert.deepEqual(problems, []);
  await close();
});

test("a page without an address of its own is not made anew for one", async () => {
  const { page, problems, close } = await open();
  await typeAtOnce(page);
  await page.goto(`${server.http}/?order=asc`);
  await page.waitForURL("**/logs?order=asc");
  await holds(page, "typed at once");
  assert.deepEqual(problems, []);
  await close();
});
