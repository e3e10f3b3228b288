// Figures for people, as python/heapscope/cli/units.py writes them: binary units with three significant
// digits, exact counts, shares, seconds. Unknown (null, NaN) is "unknown", never 0.

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"] as const;

function threeDigits(value: number): string {
  const magnitude = Math.abs(value);
  if (magnitude >= 99.95) return value.toFixed(0);
  if (magnitude >= 9.995) return value.toFixed(1);
  if (magnitude >= 0.9995) return value.toFixed(2);
  return value.toFixed(3);
}

const unknown = (value: number | null | undefined): value is null | undefined =>
  value === null || value === undefined || Number.isNaN(value);

/** A minus sign of the width of a plus. */
const minus = (text: string) => text.replace("-", "\u2212");

/** `1536` is "1.50 KiB". */
export function size(bytes: number | null | undefined): string {
  if (unknown(bytes)) return "unknown";
  if (Math.abs(bytes) < 1024) return minus(`${Math.round(bytes)} B`);
  let value = bytes;
  let unit = 0;
  while (Math.abs(value) >= 999.5 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return minus(`${threeDigits(value)} ${UNITS[unit]}`);
}

/** `1234567` is "1,234,567". */
export function count(number: number | null | undefined): string {
  if (unknown(number)) return "unknown";
  return minus(Math.round(number).toLocaleString("en-US"));
}

/** "57 %", "4.2 %", "<0.1 %". */
export function share(part: number, whole: number): string {
  if (!(Math.abs(whole) > 0) || part === 0 || Number.isNaN(part)) return "0 %";
  const percent = (100 * part) / whole;
  const magnitude = Math.abs(percent);
  if (magnitude >= 9.95) return minus(`${percent.toFixed(0)} %`);
  if (magnitude >= 0.05) return minus(`${percent.toFixed(1)} %`);
  return "<0.1 %";
}

/** "35 ms", "2.0 s", "12 min 5 s", "3 h 20 min". */
export function duration(seconds: number | null | undefined): string {
  if (unknown(seconds)) return "unknown";
  if (seconds < 0.9995) return `${(seconds * 1000).toFixed(0)} ms`;
  if (seconds < 99.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** A figure with its sign written, for what changed between two runs. */
export function signed(text: string, value: number): string {
  return value > 0 ? `+${text}` : text;
}
