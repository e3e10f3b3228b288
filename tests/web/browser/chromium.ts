// The system's Chromium, and pages of made-up recordings in it, opened from disk as a reader opens them.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll } from "vitest";
import { fill, type PayloadTexts } from "../fixtures/payload_writer";

const root = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

export const template = () => readFileSync(root("python/heapscope/report/template.html"), "utf8");

let browser: Browser;

/** One browser for the tests of a file. */
export function useChromium(): void {
  beforeAll(async () => {
    const executablePath = process.env["HEAPSCOPE_CHROMIUM"] ?? PLACES.find(existsSync);
    if (!executablePath) throw new Error("there is no Chromium: set HEAPSCOPE_CHROMIUM");
    browser = await chromium.launch({
      executablePath,
      args: ["--headless", "--no-sandbox", "--disable-gpu", "--font-render-hinting=none"],
    });
  }, 60_000);
  afterAll(() => browser?.close());
}

export interface OpenOptions {
  width?: number;
  height?: number;
  theme?: "light" | "dark";
  hash?: string;
}

export interface Opened {
  page: Page;
  /** Addresses the page asked for, but its own. */
  requests: string[];
  /** What it complained of. */
  problems: string[];
}

export function savePage(name: string, html: string): string {
  mkdirSync(root("build/web-tests"), { recursive: true });
  const path = root(`build/web-tests/${name}.html`);
  writeFileSync(path, html);
  return pathToFileURL(path).href;
}

export async function openAddress(address: string, options: OpenOptions = {}): Promise<Opened> {
  const { width = 1000, height = 700, theme = "light", hash = "" } = options;
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: theme,
    reducedMotion: "reduce",
  });
  const page = await context.newPage();
  const requests: string[] = [];
  const problems: string[] = [];
  page.on("request", (request) => {
    if (request.url().split("#")[0] !== address) requests.push(request.url());
  });
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") problems.push(message.text());
  });
  page.on("pageerror", (error) => problems.push(error.message));
  page.on("dialog", (dialog) => {
    problems.push(`dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  await page.goto(hash ? `${address}#${hash}` : address);
  return { page, requests, problems };
}

/** A report of a payload, once it is drawn. */
export async function open(
  name: string,
  texts: PayloadTexts,
  options: OpenOptions = {},
): Promise<Opened> {
  const opened = await openAddress(savePage(name, fill(template(), texts)), options);
  await opened.page.waitForSelector("#view, #heap-view");
  return opened;
}

/** The text of what a selector finds first, spaces as one. */
export async function textOf(page: Page, selector: string): Promise<string> {
  return (await page.locator(selector).first().innerText()).replace(/\s+/g, " ").trim();
}

/** The address after "#", once it is as expected: it is written when the reader has settled. */
export async function addressLike(page: Page, pattern: RegExp): Promise<string> {
  // The page writes it a while after the last change: it has settled when two looks see the same.
  const look = ([source]: readonly [string]) => {
    const seen = window as unknown as { seenHash?: string };
    const before = seen.seenHash;
    seen.seenHash = location.hash;
    return before === location.hash && new RegExp(source).test(location.hash);
  };
  await page.waitForFunction(look, [pattern.source] as const, { polling: 250 });
  return page.evaluate(() => location.hash);
}
