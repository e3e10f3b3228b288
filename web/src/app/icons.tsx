// The page's few pictures, drawn here so that none depends on a font.

import type { Theme } from "../state/report_state";

export function Mark() {
  return (
    <svg class="mark" width="28" height="28" viewBox="0 0 28 28" role="img" aria-label="heapscope">
      <rect x="2" y="4" width="24" height="5" rx="1" style={{ fill: "var(--bar-program)" }} />
      <rect x="2" y="11" width="15" height="5" rx="1" style={{ fill: "var(--bar-library)" }} />
      <rect
        x="18.5"
        y="11"
        width="5"
        height="5"
        rx="1"
        style={{ fill: "var(--bar-interpreter)" }}
      />
      <rect x="2" y="18" width="9" height="5" rx="1" style={{ fill: "var(--bar-import)" }} />
    </svg>
  );
}

const stroke = {
  fill: "none",
  stroke: "currentColor",
  "stroke-width": "1.6",
  "stroke-linecap": "round",
} as const;

export function SearchIcon() {
  return (
    <svg width="14" height="14" viewBox="0 0 16 16" aria-hidden="true" {...stroke}>
      <circle cx="7" cy="7" r="4.5" />
      <path d="M10.5 10.5 14 14" />
    </svg>
  );
}

export function HelpIcon() {
  return (
    <svg width="16" height="16" viewBox="0 0 16 16" aria-hidden="true" {...stroke}>
      <circle cx="8" cy="8" r="6.5" />
      <path d="M6.2 6.2a1.8 1.8 0 1 1 2.6 1.7c-.6.3-.8.7-.8 1.3M8 11.6v.1" />
    </svg>
  );
}

export function ThemeIcon({ theme }: { theme: Theme }) {
  return (
    <svg width="16" height="16" viewBox="0 0 16 16" aria-hidden="true" {...stroke}>
      {theme === "dark" && <path d="M13.5 9.6A6 6 0 0 1 6.4 2.5 6 6 0 1 0 13.5 9.6Z" />}
      {theme === "light" && (
        <path d="M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6ZM8 1v1.4M8 13.6V15M1 8h1.4M13.6 8H15M3 3l1 1M12 12l1 1M13 3l-1 1M4 12l-1 1" />
      )}
      {theme === "system" && (
        <>
          <circle cx="8" cy="8" r="6" />
          <path d="M8 2a6 6 0 0 1 0 12Z" fill="currentColor" />
        </>
      )}
    </svg>
  );
}
