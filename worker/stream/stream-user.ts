/**
 * Whose stream an answer says it is (A3): the header `Stream-User`, percent-encoded UTF-8, since a header is ASCII.
 *
 * @returns `null`: the answer does not say
 */
export const streamUser = (headers: Headers): string | null => {
  const said = headers.get('stream-user')
  if (said === null) return null
  try {
    return decodeURIComponent(said)
  } catch {
    // The server did not encode the name: it is taken as it is.
    return said
  }
}
