/** Where the stream is (R1). Its cookie is bound to this path, and hooks tell the stream's requests by it. */
export const streamPath = '/api/v1/events/stream'
/** Where a client asks for other topics of its stream (R8). Below the stream's path, so that its cookie comes along. */
export const topicsPath = `${streamPath}/topics`
