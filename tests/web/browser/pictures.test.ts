// Pictures of the views beside those that were looked at and found good (goldens/, a quarter of the size).
//
// Compared in blocks of 8 by 8 pixels by their mean colour, so that another machine's rendering of text is the
// same and a missing bar, a moved column or a wrong colour is not. HEAPSCOPE_WRITE_GOLDENS=1 writes them anew.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { demoRecording } from "../fixtures/demo_recording";
import { payloadOf } from "../fixtures/payload_writer";
import { type OpenOptions, open, useChromium } from "./chromium";

useChromium();

const BLOCK = 8;
const COLOUR = 28;
const MOST_DIFFERENT = 0.02;

const demo = demoRecording();
const run = payloadOf(demo, null, {
  events: [
    { kind: "span", label: "load", begin_s: 0.8, end_s: 2.9 },
    { kind: "span", label: "decode", begin_s: 1.2, end_s: 2.1 },
    { kind: "mark", label: "warm", begin_s: 2, end_s: 2 },
    { kind: "span", label: "answer", begin_s: 4, end_s: null },
  ],
});
const diff = payloadOf(demoRecording(1.15, 130), demo);

const PICTURES: [name: string, texts: typeof run, options: OpenOptions][] = [
  ["flame-light", run, { theme: "light" }],
  ["flame-dark", run, { theme: "dark", hash: "inverted=1&upward=1&search=decode" }],
  ["table", run, { hash: "view=table&ticks=30-60&metric=kept" }],
  ["sandwich", run, { hash: "view=sandwich&select=function-1" }],
  ["diff", diff, {}],
];

const golden = (name: string) => fileURLToPath(new URL(`goldens/${name}.webp`, import.meta.url));

async function shrunken(page: Page): Promise<string> {
  const picture = (await page.screenshot({ animations: "disabled" })).toString("base64");
  const canvas = await page.context().newPage();
  return canvas.evaluate(async (png) => {
    const image = new Image();
    image.src = `data:image/png;base64,${png}`;
    await image.decode();
    const small = new OffscreenCanvas(image.width / 2, image.height / 2);
    small.getContext("2d")!.drawImage(image, 0, 0, small.width, small.height);
    const blob = await small.convertToBlob({ type: "image/webp", quality: 0.7 });
    const bytes = new Uint8Array(await blob.arrayBuffer());
    return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  }, picture);
}

/** The share of blocks whose mean colours differ visibly. */
async function difference(page: Page, a: string, b: string): Promise<number> {
  const canvas = await page.context().newPage();
  return canvas.evaluate(
    async ({ pictures, block, colour }) => {
      const pixels = await Promise.all(
        pictures.map(async (webp) => {
          const image = new Image();
          image.src = `data:image/webp;base64,${webp}`;
          await image.decode();
          const small = new OffscreenCanvas(image.width / block, image.height / block);
          const context = small.getContext("2d")!;
          context.imageSmoothingQuality = "high";
          context.drawImage(image, 0, 0, small.width, small.height);
          return context.getImageData(0, 0, small.width, small.height);
        }),
      );
      const [first, second] = pixels as [ImageData, ImageData];
      if (first.width !== second.width || first.height !== second.height) return 1;
      let different = 0;
      for (let i = 0; i < first.data.length; i += 4) {
        const by = [0, 1, 2].map((c) => Math.abs(first.data[i + c]! - second.data[i + c]!));
        if (Math.max(...by) > colour) different++;
      }
      return different / (first.width * first.height);
    },
    { pictures: [a, b], block: BLOCK / 2, colour: COLOUR },
  );
}

test.each(PICTURES)("%s looks as it did", async (name, texts, options) => {
  const { page } = await open(`picture-${name}`, texts, options);
  await page.waitForFunction(
    () =>
      performance.getEntriesByName("heapscope:first-flame").length > 0 ||
      document.querySelector(".table-body") !== null,
  );
  await page.waitForTimeout(150); // the rows under a flame follow it
  const now = await shrunken(page);
  if (process.env["HEAPSCOPE_WRITE_GOLDENS"]) writeFileSync(golden(name), now, "base64");
  expect(existsSync(golden(name)), "there is no golden: look at the page, then write it").toBe(
    true,
  );
  const then = readFileSync(golden(name)).toString("base64");
  expect(await difference(page, then, now)).toBeLessThan(MOST_DIFFERENT);
});
