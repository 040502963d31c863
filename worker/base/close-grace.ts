/** ms for the browser to close an aborted connection, which it tells nobody, before the next one opens (S1). */
export const CLOSE_GRACE = 100
