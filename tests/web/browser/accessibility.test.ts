// axe over every view, in light and dark: nothing serious, nothing critical.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { expect, test } from "vitest";
import { demoRecording } from "../fixtures/demo_recording";
import { payloadOf } from "../fixtures/payload_writer";
import { open, useChromium } from "./chromium";

useChromium();

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

interface Found {
  id: string;
  impact: string;
  nodes: { target: string[]; failureSummary: string }[];
}

test.each(["light", "dark"] as const)("every view is accessible, %s", async (theme) => {
  const { page } = await open(`axe-${theme}`, payloadOf(demoRecording()), { theme });
  await page.evaluate(axe);
  const check = async (what: string) => {
    const violations = await page.evaluate(async () => {
      const runner = (window as unknown as { axe: { run(): Promise<{ violations: Found[] }> } })
        .axe;
      return (await runner.run()).violations;
    });
    const serious = violations
      .filter(({ impact }) => impact === "serious" || impact === "critical")
      .flatMap(({ id, nodes }) =>
        nodes.slice(0, 3).map((node) => `${what}: ${id} ${node.target} ${node.failureSummary}`),
      );
    expect(serious).toEqual([]);
  };
  await page.locator(".table-body [role=row]").nth(2).click();
  for (const tab of await page.getByRole("tab").all()) {
    await tab.click();
    await check(await tab.innerText());
  }
  await page.keyboard.press("?");
  await page.waitForSelector("dialog[open]");
  await check("help");
});
