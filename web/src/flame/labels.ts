// Text on bars: set in a fixed-width font, so that how much fits is a division, not a measurement.

import { middle, visible } from "../text/visible";

export const BAR_FONT =
  '11.5px ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace';

const PLAIN = /^[\x20-\x7e\u2026\u2212]*$/;
/** Longer names are cut before anything else is done to them. */
const LONGEST = 2000;

export class Labels {
  readonly font = BAR_FONT;
  private readonly character: number;

  constructor(private readonly context: CanvasRenderingContext2D) {
    context.font = BAR_FONT;
    this.character = context.measureText("0".repeat(50)).width / 50;
  }

  width(text: string): number {
    return PLAIN.test(text) ? text.length * this.character : this.context.measureText(text).width;
  }

  /** The text, its middle left out as far as needed; "" where not even three characters fit. */
  fit(text: string, width: number): string {
    const characters = Math.floor(width / this.character);
    if (characters < 3) return "";
    let shown = middle(visible(middle(text, LONGEST)), characters);
    // Wide scripts: what was counted in characters of one width is measured.
    while (!PLAIN.test(shown) && shown.length > 3 && this.context.measureText(shown).width > width)
      shown = middle(shown, Math.floor(shown.length * 0.8));
    return shown;
  }
}
