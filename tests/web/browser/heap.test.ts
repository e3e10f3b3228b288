// The report of a heap snapshot in Chromium: every view by keyboard and pointer, hostile names, accessibility.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { expect, test } from "vitest";
import { demoHeap, heapTexts, packedHeap } from "../fixtures/demo_heap";
import { demoRecording } from "../fixtures/demo_recording";
import { payloadOf } from "../fixtures/payload_writer";
import { open, textOf, useChromium } from "./chromium";

useChromium();

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const TABS = [
  "Types",
  "Comparison",
  "Suspects",
  "Dominators",
  "Treemap",
  "Cycles",
  "Roots",
  "Allocated at",
];

test("it opens with a sentence and asks for nothing", async () => {
  const { page, requests, problems } = await open("heap", heapTexts(demoHeap()));
  expect(await textOf(page, "h1")).toContain("1,002 objects, 101 KiB, 49.8 KiB more than before");
  expect(await textOf(page, "h1")).toContain("['app'].CACHE keeps 4.88 KiB and looks like a leak");
  expect(await textOf(page, "header")).toContain("12 objects, 2.00 KiB, are heapscope's own");
  expect(await page.getByRole("tab").allInnerTexts()).toEqual(TABS);
  for (const tab of await page.getByRole("tab").all()) {
    await tab.click();
    expect(await textOf(page, "#heap-view")).not.toBe("");
  }
  expect(requests).toEqual([]);
  expect(problems).toEqual([]);
  expect(await page.locator("script:not([id]):not([type])").count()).toBe(0);
});

test("a type shows its objects and holders, and an object its path and references", async () => {
  const { page } = await open("heap-type", heapTexts(demoHeap()), { width: 1200 });
  await page.locator(".table-body [role=row]").nth(1).click();
  expect(await textOf(page, ".heap-below")).toMatch(/100 %\s+1,000/);
  expect(await textOf(page, ".heap-below")).toContain("998 more are not in this report");
  await page.locator(".heap-below button.object-link").first().click();
  const object = await textOf(page, ".heap-object");
  expect(object).toContain("sys.modules['app'].CACHE[0]");
  expect(object).toContain("Who refers to it (1)");
  expect(object).toContain("1 more are not in this report");
  expect(object).toContain("Allocated at load srv/app.py:7");
  await page.locator(".heap-object button.object-link").first().click();
  expect(await textOf(page, ".heap-object h2")).toBe("dict");
  expect(await textOf(page, ".heap-object")).toContain("Its block was allocated at");
  await page.getByLabel("The object before").click();
  expect(await textOf(page, ".heap-object h2")).toContain("app.");
});

test("the tree opens and closes by keys, and says what was left out", async () => {
  const { page } = await open("heap-tree", heapTexts(demoHeap()), { width: 1200 });
  await page.getByRole("tab", { name: "Dominators" }).click();
  await page.locator(".table-body [role=row]").nth(1).click();
  expect(await page.locator(".table-body [role=row]").count()).toBe(3);
  await page.keyboard.press("ArrowRight");
  const rows = page.locator(".table-body [role=row]");
  expect(await rows.count()).toBe(7);
  expect(await rows.nth(4).innerText()).toContain("990 smaller app.");
  expect(await rows.nth(5).innerText()).toContain("8 smaller of other types");
  await page.keyboard.press("ArrowLeft");
  expect(await rows.count()).toBe(3);
});

test("of two processes counts and bytes are compared, and nothing is called new", async () => {
  const heap = demoHeap();
  Object.assign(heap.comparison!, { same_process: false, identity: null, unproven: null });
  const { page } = await open("heap-processes", heapTexts(heap), { width: 1200 });
  await page.getByRole("tab", { name: "Comparison" }).click();
  expect(await textOf(page, "#heap-view")).toContain("Two processes: counts and bytes");
  const heads = await page.getByRole("columnheader").allInnerTexts();
  expect(heads.join()).not.toMatch(/New|Gone/);
  expect(heads.length).toBe(4);
});

test("cycles of instances are listed, and those of classes counted", async () => {
  const { page } = await open("heap-cycles", heapTexts(demoHeap()), { width: 1200 });
  await page.getByRole("tab", { name: "Cycles" }).click();
  expect(await textOf(page, "#heap-view")).toContain("487 classes, each in a cycle");
  await page.locator(".table-body [role=row]").first().click();
  expect(await textOf(page, ".heap-below")).toContain("With a finaliser: app.");
  await page.locator(".heap-below button.object-link").first().click();
  expect(await textOf(page, ".heap-object")).toContain("sys.modules['app'].CACHE[0]");
});

test("many small objects that nothing holds alone are told in groups", async () => {
  const heap = demoHeap();
  heap.branches.push(
    [0, 0, 90, 3, 0, 0, "django", [], "package"],
    [0, 4, 80, 2, 2, 80, "django.db", [["str", 2, 80]], "module"],
    [99, 4, 10, 0, 0, 0, "str", [], ""],
  );
  heap.branches[0]![4] = 0;
  const { page } = await open("heap-groups", heapTexts(heap), { width: 1200 });
  await page.getByRole("tab", { name: "Dominators" }).click();
  const rows = page.locator(".table-body [role=row]");
  expect(await rows.nth(2).innerText()).toMatch(/django\s*package, 3 objects/);
  await rows.nth(2).click();
  await page.keyboard.press("ArrowRight");
  expect(await rows.nth(3).innerText()).toMatch(/django\.db\s*module, 2 objects/);
});

test("types are searched and sorted, and changes stand beside them", async () => {
  const { page } = await open("heap-sort", heapTexts(demoHeap()), { width: 1200 });
  await page.getByRole("button", { name: "Objects" }).first().click();
  expect(await page.locator(".table-body [role=row]").first().innerText()).toContain("+500");
  await page.getByPlaceholder("Search types").fill("dic");
  expect(await page.locator(".table-body [role=row]").count()).toBe(1);
});

test("a run's report has the snapshot of it as a view", async () => {
  const texts = payloadOf(demoRecording());
  const manifest = JSON.parse(texts.manifest) as Record<string, unknown>;
  const heap = packedHeap(demoHeap(false));
  const { page, problems } = await open("heap-of-run", {
    ...texts,
    manifest: JSON.stringify({ ...manifest, heap }),
  });
  await page.getByRole("tab", { name: "Heap" }).click();
  expect(await textOf(page, ".heap-of-run")).toContain("1,002 objects");
  await page.getByRole("tab", { name: "Roots" }).click();
  expect(await textOf(page, "#heap-view")).toContain("sys.modules");
  expect(problems).toEqual([]);
});

test("a link opens what was looked at, and the browser's back goes back to it", async () => {
  const { page } = await open("heap-link", heapTexts(demoHeap()), { width: 1200 });
  await page.goto(`${page.url()}#heap=dominators&object=3`);
  await page.reload();
  const selected = page.locator(".table-body [role=row][aria-selected=true]");
  await selected.waitFor();
  expect(await selected.innerText()).toContain("app.");
  await page.getByRole("button", { name: "dict" }).first().click();
  await page.waitForURL(/object=2/);
  await page.getByRole("tab", { name: "Types" }).click();
  await page.waitForURL((url) => !url.hash.includes("heap="));
  await page.goBack();
  await page.waitForURL(/heap=dominators/);
  await page.locator(".heap-object h2", { hasText: /^dict$/ }).waitFor();
  await page.goBack();
  await page.waitForURL(/object=3/);
  await page.locator(".heap-object h2", { hasText: /^app/ }).waitFor();
  expect(await selected.innerText()).toContain("app.");
});

test("keys choose views, search types, go back, and show the help", async () => {
  const { page } = await open("heap-keys", heapTexts(demoHeap()), { width: 1200 });
  await page.keyboard.press("5");
  expect(await page.locator("#heap-tab-map").getAttribute("aria-selected")).toBe("true");
  await page.keyboard.press("/");
  await page.locator("#heap-search:focus").waitFor();
  await page.keyboard.type("dic5");
  expect(await page.locator("#heap-search").inputValue()).toBe("dic5");
  expect(await textOf(page, "#heap-view")).toContain("No type is called that.");
  await page.keyboard.press("Escape");
  expect(await page.locator("#heap-search").inputValue()).toBe("");
  await page.keyboard.press("?");
  expect(await textOf(page, "dialog")).toContain("Backspace");
  await page.keyboard.press("Escape");
  await page.locator("dialog").waitFor({ state: "detached" });
});

test("the treemap's tiles are as large as the heap, and none of its figures is cut", async () => {
  const { page } = await open("heap-map", heapTexts(demoHeap()), { width: 800 });
  await page.getByRole("tab", { name: "Treemap" }).click();
  const cut = await page
    .locator(".tile-figure")
    .evaluateAll((figures) =>
      figures
        .filter(
          (figure) =>
            figure.getBoundingClientRect().right >
            figure.parentElement!.getBoundingClientRect().right,
        )
        .map((figure) => figure.textContent),
    );
  expect(cut).toEqual([]);
  expect(await textOf(page, ".treemap")).toMatch(/990 app\..* 93.8 KiB/);
});

test("what a line allocated leads to its types and objects", async () => {
  const { page } = await open("heap-sites", heapTexts(demoHeap()), { width: 1200 });
  await page.getByRole("tab", { name: "Allocated at" }).click();
  await page.locator(".table-body [role=row]").first().click();
  expect(await textOf(page, ".heap-below h2")).toContain("/srv/app.py:7");
  await page.locator(".heap-below .held-by button").click();
  expect(await page.locator("#heap-tab-types").getAttribute("aria-selected")).toBe("true");
  expect(await textOf(page, ".heap-below h2")).toContain("Objects of app.");
});

test.each(["light", "dark"] as const)("every heap view is accessible, %s", async (theme) => {
  const { page } = await open(`heap-axe-${theme}`, heapTexts(demoHeap()), { theme, width: 1200 });
  await page.evaluate(axe);
  await page.locator(".table-body [role=row]").nth(1).click();
  await page.locator(".heap-below button.object-link").first().click();
  for (const tab of await page.getByRole("tab").all()) {
    await tab.click();
    const serious = await page.evaluate(async () => {
      const runner = (
        window as unknown as {
          axe: {
            run(): Promise<{
              violations: { id: string; impact: string; nodes: { target: string[] }[] }[];
            }>;
          };
        }
      ).axe;
      return (await runner.run()).violations
        .filter(({ impact }) => impact === "serious" || impact === "critical")
        .map(({ id, nodes }) => `${id} ${nodes[0]?.target}`);
    });
    expect([await tab.innerText(), ...serious]).toEqual([await tab.innerText()]);
  }
});
