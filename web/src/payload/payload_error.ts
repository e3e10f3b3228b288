// What makes the data of a report unreadable: one line for the reader.

export class PayloadError extends Error {
  override name = "PayloadError";
}
