"""How the page looks: one style sheet, light and dark."""

from __future__ import annotations

STYLE = """
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #fff; --text: #1b2027; --dim: #5d6875; --line: #dfe3e8;
  --accent: #2456b8; --bar: #cfe0fa; --less: #cdebd3; --more: #ffe0cc; --warn: #9a3b00;
  --bad: #b3261e; --chip: #eef1f5;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14171b; --card: #1c2026; --text: #e4e8ed; --dim: #98a3b0; --line: #323943;
    --accent: #8ab4ff; --bar: #24426e; --less: #1f4a2b; --more: #5a3015; --warn: #ffb787;
    --bad: #ff8f86; --chip: #272d36;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text);
  font: 14px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
a { color: var(--accent); text-decoration: none; }
a:hover { text-decoration: underline; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 3px; }
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: .3rem 1.4rem;
  padding: .7rem 1.5rem; background: var(--card); border-bottom: 1px solid var(--line); }
header strong { font-size: 1rem; letter-spacing: .01em; }
header nav { display: flex; gap: 1.1rem; }
header nav a[aria-current] { color: var(--text); font-weight: 600; }
header span { color: var(--dim); margin-left: auto; font-size: 12.5px; }
main { max-width: 76rem; margin: 0 auto; padding: 1.2rem 1.5rem 3rem; }
h1 { font-size: 1.25rem; margin: 0 0 .3rem; overflow-wrap: anywhere; }
h2 { font-size: 1rem; margin: 2rem 0 .5rem; }
p { margin: .2rem 0 .8rem; max-width: 62rem; }
.dim { color: var(--dim); }
.cards { display: flex; flex-wrap: wrap; gap: .8rem; margin: 1rem 0; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 8px;
  padding: .6rem .9rem; min-width: 8.5rem; }
.card b { display: block; font-size: 1.25rem; font-weight: 600; white-space: nowrap;
  font-variant-numeric: tabular-nums; }
.card small { color: var(--dim); font-size: 12.5px; }
.wide { overflow-x: auto; background: var(--card); border: 1px solid var(--line);
  border-radius: 8px; }
table { border-collapse: collapse; width: 100%; }
th { color: var(--dim); font-weight: 500; font-size: 12.5px; text-align: right; white-space: nowrap;
  border-bottom: 1px solid var(--line); }
th, td { padding: .34rem .8rem; vertical-align: top; }
td { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums;
  border-bottom: 1px solid color-mix(in srgb, var(--line) 55%, transparent); }
tr:last-child td { border-bottom: 0; }
tbody tr:hover { background: color-mix(in srgb, var(--line) 30%, transparent); }
.left { text-align: left; }
td.wrap { white-space: normal; overflow-wrap: anywhere; min-width: 16rem; }
code, .code { font: 12.5px/1.6 ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
.chip { display: inline-block; background: var(--chip); border-radius: 9px; padding: 0 .5rem;
  font-size: 12px; color: var(--dim); margin-left: .3rem; }
.chip.warn { background: var(--more); color: var(--warn); }
.chip.bad { color: var(--bad); }
.empty { padding: 2.2rem 1rem; text-align: center; color: var(--dim); }
form { display: inline-block; margin: 0 .5rem .8rem 0; }
button { font: inherit; color: var(--text); background: var(--card); cursor: pointer;
  border: 1px solid var(--line); border-radius: 6px; padding: .3rem .8rem; }
button:hover { border-color: var(--accent); }
footer { color: var(--dim); font-size: 12.5px; margin-top: 2rem; }
@media (max-width: 40rem) { main { padding: 1rem .7rem 2rem; } header span { margin-left: 0; } }
"""
