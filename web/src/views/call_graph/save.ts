// Pictures and texts to files, through the browser's download.

import type { Laid } from "./layout";

const STYLES = [
  "fill",
  "stroke",
  "stroke-width",
  "stroke-dasharray",
  "opacity",
  "font-family",
  "font-size",
  "font-weight",
] as const;

/** The picture as a file of its own: whole, whatever part is on the screen, with the colours it has there. */
export function svgText(element: SVGSVGElement, { width, height }: Laid): string {
  const copy = element.cloneNode(true) as SVGSVGElement;
  const originals = element.querySelectorAll<SVGElement>("*");
  for (const [index, target] of copy.querySelectorAll<SVGElement>("*").entries()) {
    const style = getComputedStyle(originals[index]!);
    for (const name of STYLES) target.setAttribute(name, style.getPropertyValue(name));
    for (const name of ["class", "style", "tabindex", "role", "aria-pressed"])
      target.removeAttribute(name);
  }
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.setAttribute("viewBox", `0 0 ${width} ${height}`);
  copy.setAttribute("width", String(Math.ceil(width)));
  copy.setAttribute("height", String(Math.ceil(height)));
  for (const name of ["class", "style", "tabindex", "role"]) copy.removeAttribute(name);
  return new XMLSerializer().serializeToString(copy);
}

export function offerDownload(name: string, type: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // The download has begun by then; until it has, the address must stay.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
