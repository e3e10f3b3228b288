// Names come from the profiled program and may hold anything: what has no look of its own, or would change
// the direction of its neighbours, is shown as a symbol or an escape. Elements never take names as markup.

const HIDDEN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffc]/g;

function picture(character: string): string {
  const code = character.charCodeAt(0);
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  if (code === 0x7f) return "\u2421";
  return `\\u${code.toString(16).padStart(4, "0")}`;
}

export function visible(text: string): string {
  return text.replace(HIDDEN, picture);
}

/** At most `limit` characters: the middle of what is longer gives way to an ellipsis. */
export function middle(text: string, limit: number): string {
  if (text.length <= limit) return text;
  if (limit <= 1) return limit === 1 ? "\u2026" : "";
  const head = Math.ceil((limit - 1) / 2);
  const tail = limit - 1 - head;
  return `${whole(text.slice(0, head), true)}\u2026${tail > 0 ? whole(text.slice(-tail), false) : ""}`;
}

/** Without the half of a surrogate pair that a cut left behind. */
function whole(text: string, cutAtEnd: boolean): string {
  if (cutAtEnd) return /[\ud800-\udbff]$/.test(text) ? text.slice(0, -1) : text;
  return /^[\udc00-\udfff]/.test(text) ? text.slice(1) : text;
}
