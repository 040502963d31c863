/** Names under which credentials travel in queries; the usual ones, since a URL ends in histories and logs. */
const CREDENTIAL =
  /^((access|id|auth|sse|refresh)?[_-]?token|jwt|bearer|auth|authorization|api[_-]?key|secret|password)$/i
/** A JWT, whatever it is called. */
const JWT = /^eyJ[\w-]+\.[\w-]+\.[\w-]*$/

const isLoopback = (hostname: string): boolean =>
  /^(localhost|.+\.localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(hostname)

/**
 * An absolute URL that may carry a stream, or a token exchange.
 *
 * @param what names the option in errors
 * @throws TypeError it cannot be parsed, carries a credential (A1), or is plain http beyond loopback (A6)
 */
export const resolveEndpoint = (url: string | URL, base: string, what: string): string => {
  let resolved: URL
  try {
    resolved = new URL(url, base)
  } catch {
    throw new TypeError(`tabstream: ${what} is not a URL.`)
  }
  // The value itself is never quoted: the error must not leak what it complains about.
  const named = [...resolved.searchParams].find(
    ([name, value]) => CREDENTIAL.test(name) || JWT.test(value),
  )?.[0]
  if (resolved.username !== '' || resolved.password !== '' || named !== undefined)
    throw new TypeError(
      `tabstream: ${what} carries a credential (${named === undefined ? 'a password' : `"${named}"`}), and URLs end in ` +
        'logs. Set `auth.getAccessToken` instead: that token goes into a header.',
    )
  if (resolved.protocol !== 'https:' && !(resolved.protocol === 'http:' && isLoopback(resolved.hostname)))
    throw new TypeError(`tabstream: ${what} must be https: (http: only to this machine itself).`)
  resolved.hash = ''
  return resolved.href
}
