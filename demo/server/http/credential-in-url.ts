/**
 * What in a URL is a credential (A1). URLs end in logs and histories, so the server answers 400 to one that carries any.
 * The library refuses the same ones by the same two lists (src/endpoint.ts); test/security/urls.test.ts compares them.
 */

/**
 * Names of credentials, in lower case and without what parts their words: `access_token`, `X-API-Key` and `clientSecret` as
 * well. Tokens that page through a list are none.
 */
const NAME =
  /^((?!(page|next|prev|continuation|sync|cursor|resume|start)token)\w*(token|jwt|secret|password|passwd|passphrase)|jw[es]|bearer|credentials?|x?auth(orization|entication)?|\w*sess(ion)?id|\w*(api|private|access|secret|signing|auth|client)key)$/
/** A JWS or JWE, whatever it is called, or the value of an Authorization header. */
const VALUE = /^bearer\s|\beyJ[\w-]+\.[\w-]*\.[\w-]*/i

/** @param url path and query of a request */
export const carriesCredential = (url: string): boolean => {
  const [path = '', query = ''] = url.split(/\?(.*)/s)
  if (VALUE.test(path.replace(/%2e/gi, '.'))) return true
  return [...new URLSearchParams(query)].some(
    ([name, value]) =>
      VALUE.test(name) || VALUE.test(value) || NAME.test(name.toLowerCase().replace(/[^a-z\d]/g, '')),
  )
}

/** A URL as a log may have it: names of the query without values, and no name that is a credential itself. */
export const withoutQueryValues = (url: string): string =>
  url.replace(/([?&])([^=&]*)(=[^&]*)?/g, (_all, mark: string, name: string, value?: string) =>
    value === undefined || VALUE.test(name.replace(/%2e/gi, '.')) ? `${mark}...` : `${mark}${name}=...`,
  )
