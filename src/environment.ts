/**
 * Whether the page can have a stream at all.
 *
 * @returns why not, and what to do about it; `null`: it can
 * @throws TypeError there is no page: a mistake of the caller's
 */
export const whyNoStream = (): string | null => {
  if (typeof document === 'undefined' || typeof Worker === 'undefined')
    throw new TypeError(
      'tabstream: connect() needs a browser. In tests, also under jsdom or happy-dom, use createTestStream of ' +
        '"tabstream/testing"; on a server, do not call it.',
    )
  if (globalThis.isSecureContext === false)
    return 'This page was loaded by plain http from another machine, where browsers give it no workers to share: load it by https, or from localhost.'
  return navigator.locks === undefined ? 'This browser has no Web Locks: it is too old.' : null
}
