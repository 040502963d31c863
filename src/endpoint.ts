/**
 * Names of credentials (A1), in lower case and without separators: `access_token`, `X-API-Key` and `clientSecret`
 * match as well. Tokens that page through a list are no credentials.
 */
const NAME =
  /^((?!(page|next|prev|continuation|sync|cursor|resume|start)token)\w*(token|jwt|secret|password|passwd|passphrase)|jw[es]|bearer|credentials?|x?auth(orization|entication)?|\w*sess(ion)?id|\w*(api|private|access|secret|signing|auth|client)key)$/
/** Matches a JWS or JWE under any name, and the value of an Authorization header. */
const VALUE = /^bearer\s|\beyJ[\w-]+\.[\w-]*\.[\w-]*/i

/** Whether a parameter of this name carries a credential (A1). */
export const namesCredential = (name: string): boolean =>
  NAME.test(name.toLowerCase().replace(/[^a-z\d]/g, ''))
/** Whether this text is a credential (A1). */
export const isCredential = (text: string): boolean => VALUE.test(text)

const isLoopback = (hostname: string): boolean =>
  /^(localhost|.+\.localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(hostname)

/** @returns which part of the URL carries a credential, never its value; `undefined`: no part does */
const credentialIn = ({ username, password, pathname, searchParams }: URL): string | undefined => {
  if (username !== '' || password !== '') return 'a password'
  // `?eyJ...` has a name and no value.
  if ([pathname.replace(/%2e/gi, '.'), ...searchParams.keys()].some(isCredential)) return 'a token'
  const named = [...searchParams].find(([name, value]) => namesCredential(name) || isCredential(value))
  return named && `"${named[0]}"`
}

/**
 * An absolute URL that may carry a stream, or a token exchange.
 *
 * @param what names the option in errors
 * @throws TypeError it cannot be parsed, carries a credential (A1), or is plain http beyond loopback (A6)
 */
export const resolveEndpoint = (url: string | URL, base: string, what: string): string => {
  let resolved: URL
  try {
    // `new URL` takes anything, and makes "/undefined" of nothing. A `URL` may be another window's.
    if (typeof url !== 'string' && typeof url?.href !== 'string') throw new TypeError()
    resolved = new URL(url, base)
  } catch {
    throw new TypeError(`tabstream: ${what} is not a URL.`)
  }
  // The error must not quote the credential: errors end in logs, as URLs do.
  const credential = credentialIn(resolved)
  if (credential !== undefined)
    throw new TypeError(
      `tabstream: ${what} carries a credential (${credential}), and URLs end in ` +
        'logs. Set `auth.getAccessToken` instead: that token goes into a header.',
    )
  const { protocol, hostname } = resolved
  // A page that is not secure itself can have no stream: client.ts says so, in words about the page.
  if (
    globalThis.isSecureContext !== false &&
    protocol !== 'https:' &&
    !(protocol === 'http:' && isLoopback(hostname))
  )
    throw new TypeError(`tabstream: ${what} must be https: (http: only to this machine itself).`)
  resolved.hash = ''
  return resolved.href
}
