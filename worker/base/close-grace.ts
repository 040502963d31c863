/** ms that the next connection waits after one was aborted (S1): no browser tells when it has closed a connection. */
export const CLOSE_GRACE = 100
