/**
 * The options that have a name of their own, by the option that holds them; `''`: those of `connect()`. After a colon
 * stands what `typeof` must say, where src/options.ts does not look closer.
 */
const KNOWN: Record<string, string> = {
  '': 'user auth:object worker:object from withCredentials:boolean headers resume heartbeat:object lastEventId:object log:object dedupe:boolean maxEventSize verify:object coalesce hidden:object schemas:object parse:function topics:object',
  auth: 'getAccessToken:function userOf:function exchange dpop:boolean',
  worker: 'shared:function dedicated:function',
  heartbeat: 'timeout misses',
  lastEventId: 'query',
  log: 'events bytes age newest',
  verify: 'jwks audience types',
  hidden: 'every release',
  topics: 'param separator change grace most',
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

/** @throws TypeError an option that does not exist, since a typo would be a default that nobody has chosen; or of another type */
export const refuseUnknownOptions = (options: object): void => {
  for (const [group, names] of Object.entries(KNOWN)) {
    const of = group && `${group}.`
    const types = new Map(names.split(' ').map((each) => each.split(':') as [string, string | undefined]))
    const given: unknown = group === '' ? options : (options as Record<string, unknown>)[group]
    for (const [name, value] of Object.entries(given ?? {})) {
      if (!types.has(name)) {
        const far = (each: string) => distance(each.toLowerCase(), name.toLowerCase())
        const nearest = [...types.keys()].reduce((best, each) => (far(each) < far(best) ? each : best))
        throw new TypeError(`tabstream: there is no option \`${of}${name}\`. Is it \`${of}${nearest}\`?`)
      }
      const type = types.get(name)
      if (type !== undefined && value !== undefined && (value === null || typeof value !== type))
        throw new TypeError(`tabstream: \`${of}${name}\` must be of type ${type}.`)
    }
  }
}
