/** It brings no types. What the test uses of it. */
declare module 'launchdarkly-eventsource' {
  export class EventSource {
    constructor(url: string, options: { headers: Record<string, string> })
    addEventListener(type: string, listener: (event: { data: string }) => void): void
    close(): void
  }
}
