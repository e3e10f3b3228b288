// How bars look: a colour and a texture for each owner, or for what grew and shrank. Colours are the page's
// own (style/theme.css), so that light, dark and print agree.

export const OWNER_STYLES = ["program", "library", "interpreter", "import", "none"] as const;
export const CHANGE_STYLES = ["grown", "shrunk", "same"] as const;
export type BarStyle = (typeof OWNER_STYLES)[number] | (typeof CHANGE_STYLES)[number] | "merged";

export const STYLE_NAMES: Record<BarStyle, string> = {
  program: "Program",
  library: "Libraries",
  interpreter: "Interpreter",
  import: "Imports",
  none: "No Python frame",
  grown: "Grown",
  shrunk: "Shrunk",
  same: "Unchanged",
  merged: "Too narrow to draw one by one",
};

type Texture = "plain" | "rising" | "falling" | "dots" | "lines" | "weave";

const TEXTURES: Record<BarStyle, Texture> = {
  program: "plain",
  library: "rising",
  interpreter: "dots",
  import: "lines",
  none: "falling",
  grown: "rising",
  shrunk: "falling",
  same: "plain",
  merged: "weave",
};

export interface Palette {
  fill(style: BarStyle): CanvasPattern | string;
  text: string;
  muted: string;
  paper: string;
  line: string;
  mark: string;
}

const TILE = 8;

function draw(context: CanvasRenderingContext2D, texture: Texture, ratio: number): void {
  const size = TILE * ratio;
  const line = (x1: number, y1: number, x2: number, y2: number) => {
    context.moveTo(x1 * ratio, y1 * ratio);
    context.lineTo(x2 * ratio, y2 * ratio);
  };
  context.lineWidth = ratio;
  context.beginPath();
  if (texture === "rising" || texture === "weave") {
    line(-1, 9, 9, -1);
    line(-5, 5, 5, -5);
    line(3, 13, 13, 3);
  }
  if (texture === "falling" || texture === "weave") {
    line(-1, -1, 9, 9);
    line(-5, 3, 5, 13);
    line(3, -5, 13, 5);
  }
  if (texture === "lines") line(0, 6.5, 8, 6.5);
  context.stroke();
  if (texture === "dots")
    for (const [x, y] of [
      [1, 1],
      [5, 5],
    ] as const)
      context.fillRect(x * ratio, y * ratio, ratio, ratio);
  context.clearRect(size, 0, 1, 1);
}

/** The palette of the theme that is on; patterns are in device pixels. */
export function paletteOf(element: Element, ratio: number): Palette {
  const style = getComputedStyle(element);
  const colour = (name: string) => style.getPropertyValue(`--${name}`).trim();
  const fills = new Map<BarStyle, CanvasPattern | string>();
  const make = (bar: BarStyle): CanvasPattern | string => {
    const tile = document.createElement("canvas");
    tile.width = tile.height = TILE * ratio;
    const context = tile.getContext("2d")!;
    context.fillStyle = colour(`bar-${bar}`);
    context.fillRect(0, 0, tile.width, tile.height);
    context.strokeStyle = context.fillStyle = colour("bar-texture");
    if (TEXTURES[bar] !== "plain") draw(context, TEXTURES[bar], ratio);
    return context.createPattern(tile, "repeat") ?? colour(`bar-${bar}`);
  };
  return {
    fill(bar) {
      let fill = fills.get(bar);
      if (fill === undefined) {
        fill = TEXTURES[bar] === "plain" ? colour(`bar-${bar}`) : make(bar);
        fills.set(bar, fill);
      }
      return fill;
    },
    text: colour("bar-text"),
    muted: colour("bar-muted"),
    paper: colour("paper"),
    line: colour("line"),
    mark: colour("mark"),
  };
}
