// Writes pages to look at into build/web-pages.

import { load } from "./load.mjs";

(await load("tests/web/fixtures/write_pages.ts")).writePages();
