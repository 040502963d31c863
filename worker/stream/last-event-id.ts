/**
 * The most bytes of UTF-8 in an id. Servers and proxies refuse a request with a longer header, each time. With a longer
 * id as its position, the stream would never open again.
 */
export const MAX_ID = 4_096

const encoder = new TextEncoder()

/** Whether a request can carry this id. */
export const isSendable = (id: string): boolean =>
  // One UTF-16 code unit takes at most three bytes.
  id.length <= MAX_ID / 3 || (id.length <= MAX_ID && encoder.encode(id).length <= MAX_ID)

/** A header is bytes: the id is sent as UTF-8 (HTML, 9.2.3, "UTF-8 encode"). */
export const toHeaderValue = (id: string): string =>
  Array.from(encoder.encode(id), (byte) => String.fromCharCode(byte)).join('')
