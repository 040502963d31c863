/** The options that have a name of their own, by the option that holds them; `''`: those of `connect()`. */
const KNOWN: Record<string, string> = {
  '': 'user auth worker from withCredentials headers resume heartbeat lastEventId log dedupe maxEventSize verify coalesce schemas parse',
  auth: 'getAccessToken userOf exchange dpop',
  worker: 'shared dedicated',
  heartbeat: 'timeout misses',
  lastEventId: 'query',
  log: 'events bytes age',
  verify: 'jwks audience types',
}

/** How many letters must be put in, taken out or changed to make the one the other (Levenshtein). */
const distance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at)
  for (let i = 0; i < a.length; i++) {
    const above = row
    row = [i + 1]
    for (let j = 0; j < b.length; j++)
      row.push(Math.min(above[j + 1]! + 1, row[j]! + 1, above[j]! + Number(a[i] !== b[j])))
  }
  return row.at(-1)!
}

/** @throws TypeError an option that does not exist: a typo would be a default that nobody has chosen */
export const refuseUnknownOptions = (options: object): void => {
  for (const [group, names] of Object.entries(KNOWN)) {
    const known = names.split(' ')
    const given: unknown = group === '' ? options : (options as Record<string, unknown>)[group]
    for (const name of Object.keys(given ?? {}))
      if (!known.includes(name)) {
        const far = (each: string) => distance(each.toLowerCase(), name.toLowerCase())
        const nearest = known.reduce((best, each) => (far(each) < far(best) ? each : best))
        const of = group && `${group}.`
        throw new TypeError(`tabstream: there is no option \`${of}${name}\`. Is it \`${of}${nearest}\`?`)
      }
  }
}
