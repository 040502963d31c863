/**
 * Whose stream an answer says it is (A3): the header `Stream-User`, percent-encoded UTF-8, since a header is ASCII.
 *
 * @returns `null`: it does not say
 */
export const streamUser = (headers: Headers): string | null => {
  const said = headers.get('stream-user')
  if (said === null) return null
  try {
    return decodeURIComponent(said)
  } catch {
    // No percent-encoding: taken as it is.
    return said
  }
}
