import { requestStream, type StreamRequest } from '../../../worker/stream/transport.ts'
import type { FakeServer } from './server.ts'

/** Makes one request for a stream as the hub makes it. `over` says what a test changes. */
export const startRequest = (server: FakeServer, over: Partial<StreamRequest>) =>
  requestStream({
    url: 'https://example.test/stream',
    headers: { authorization: 'Bearer secret' },
    credentials: 'same-origin',
    refuseRedirects: true,
    user: null,
    sameOrigin: true,
    lastEventId: '',
    lastEventIdQuery: null,
    maxEventSize: 1_024,
    hasTopics: false,
    signal: new AbortController().signal,
    fetch: server.fetch,
    onOpen: () => {},
    onBytes: () => {},
    onParsed: () => {},
    ...over,
  })
