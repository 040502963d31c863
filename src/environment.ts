/**
 * Whether the page can have a stream at all.
 *
 * @returns why not, and what to do about it; `null`: it can
 * @throws TypeError there is no page, which is a mistake of the caller
 */
export const whyNoStream = (): string | null => {
  if (typeof document === 'undefined' || typeof Worker === 'undefined')
    throw new TypeError(
      'tabstream: connect() needs a browser. In tests (jsdom, happy-dom) use createTestStream of "tabstream/testing".',
    )
  if (globalThis.isSecureContext === false)
    return 'This page was loaded by plain http. Load it by https, or from localhost.'
  return navigator.locks === undefined ? 'This browser is too old: it has no Web Locks.' : null
}
