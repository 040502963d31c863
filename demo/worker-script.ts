/// <reference types="vite/client" />
import url from './stream.worker.ts?sharedworker&url'

interface TrustedTypes {
  createPolicy(
    name: string,
    rules: { createScriptURL: (text: string) => string },
  ): {
    // A TrustedScriptURL, which TypeScript's own types of workers don't know of.
    createScriptURL: (text: string) => string
  }
}

/**
 * The server asks for Trusted Types, so a worker's address has to come from a policy that its headers name.
 * Nobody can give this one an address: it knows the one that Vite has built. Without Trusted Types the
 * usual literal in the factory does, `new SharedWorker(new URL('./stream.worker.ts', import.meta.url), ...)`.
 */
const policy = (globalThis as { trustedTypes?: TrustedTypes }).trustedTypes?.createPolicy('tabstream-demo', {
  createScriptURL: (text) => {
    if (text !== url) throw new TypeError('The only worker here is that of the stream.')
    return text
  },
})

export const workerScript = (): string => policy?.createScriptURL(url) ?? url
