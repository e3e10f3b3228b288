// Base64 to bytes. Browsers since 2025 decode it natively, a hundred times faster than by hand.

const native = (Uint8Array as unknown as { fromBase64?: (text: string) => Uint8Array<ArrayBuffer> })
  .fromBase64;

export function bytesOfBase64(text: string): Uint8Array<ArrayBuffer> {
  return native ? native.call(Uint8Array, text) : bytesOfBase64ByHand(text);
}

export function bytesOfBase64ByHand(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}
