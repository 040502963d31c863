/** Where the stream is (R1). Its cookie is bound to this path, and hooks tell the stream's requests by it. */
export const streamPath = '/api/v1/events/stream'
