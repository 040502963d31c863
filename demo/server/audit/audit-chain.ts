import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { createReadStream, readFileSync } from 'node:fs'

/**
 * What the audit log looks like, for those who write it and those who check it. One JSON object a line; `prev`
 * is the SHA-256 of the line before, so no line can be edited, moved, inserted or dropped without a break.
 * A chain alone can't tell that its end was cut off, and can be computed anew from an edited line on: a second
 * file, the head, holds number and hash of the last line, under a key (HMAC-SHA256).
 */

export interface Head {
  /** Number of the last line; 0: none yet. */
  seq: number
  /** SHA-256 of the last line, in hex. */
  hash: string
  /** Where the last line ends in the file. */
  bytes: number
}

export type AuditValue = string | number | null

/** Before the first line. */
export const genesis: Head = { seq: 0, hash: '0'.repeat(64), bytes: 0 }

/** UTF-16 code units of one field. What is longer is cut, and ends in three dots. */
const fieldLimit = 256

const hashOf = (line: string): string => createHash('sha256').update(line).digest('hex')

const cap = (value: AuditValue): AuditValue =>
  typeof value === 'string' && value.length > fieldLimit ? `${value.slice(0, fieldLimit)}...` : value

/**
 * Only printable ASCII is left as it is. JSON alone escapes no C1 control (U+009B starts a terminal's escape
 * sequence), no U+2028 (a line break to many readers), no sign that reverses the direction of writing.
 */
const escapeAll = (json: string): string =>
  json.replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)

/** The next line, with its line feed, and the head after it. */
export const nextLine = (head: Head, fields: Readonly<Record<string, AuditValue>>) => {
  const seq = head.seq + 1
  const capped = Object.entries(fields).map(([name, value]) => [name, cap(value)] as const)
  const line = escapeAll(JSON.stringify({ seq, ...Object.fromEntries(capped), prev: head.hash }))
  // All ASCII: characters are bytes.
  return { text: `${line}\n`, head: { seq, hash: hashOf(line), bytes: head.bytes + line.length + 1 } }
}

const macOf = ({ seq, hash, bytes }: Head, key: string) =>
  createHmac('sha256', key).update(`${seq}:${hash}:${bytes}`).digest()

export const sealHead = (head: Head, key: string): string =>
  `${JSON.stringify({ ...head, mac: macOf(head, key).toString('hex') })}\n`

/** Undefined if there is no such file; rejects what was not sealed with `key`. */
export const readHead = (path: string, key: string): Head | undefined => {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  const wrong = new Error(`${path} was not written with this key`)
  try {
    const { mac, ...head } = JSON.parse(text) as Head & { mac: string }
    const given = Buffer.from(mac, 'hex')
    const expected = macOf(head, key)
    if (given.length === expected.length && timingSafeEqual(given, expected)) return head
  } catch {
    throw wrong
  }
  throw wrong
}

/** The head after `line`, if that is the one that belongs there; otherwise what is wrong with it. */
export const follow = (head: Head, line: string): Head | string => {
  if (/[^\x20-\x7e]/.test(line)) return 'A character that this log never has.'
  let parsed: { seq?: unknown; prev?: unknown } | null
  try {
    parsed = JSON.parse(line) as typeof parsed
  } catch {
    return 'Not JSON.'
  }
  if (parsed?.prev !== head.hash) return 'The line before it was edited, or lines were dropped.'
  if (parsed.seq !== head.seq + 1) return `Number ${head.seq + 1} is missing.`
  return { seq: head.seq + 1, hash: hashOf(line), bytes: head.bytes + line.length + 1 }
}

/** The file's lines as their bytes are, with a last one that lacks its line feed. */
async function* linesOf(path: string): AsyncGenerator<{ line: string; complete: boolean }> {
  let rest = ''
  // latin1 keeps every byte: the log is ASCII, and what isn't must not be smoothed over by a decoder.
  for await (const chunk of createReadStream(path, 'latin1')) {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop()!
    for (const line of lines) yield { line, complete: true }
  }
  if (rest !== '') yield { line: rest, complete: false }
}

export type Verification =
  /** `beyond`: lines that hang together, but were written behind the head: just now, or by a server that was killed. */
  { state: 'intact'; head: Head; beyond: number } | { state: 'broken'; line: number; reason: string }

/**
 * Reads line by line, so the size of the log doesn't matter.
 *
 * @param expected the head; read before this is called, not after
 * @param kept a line that somebody noted elsewhere: tells a log and head that were both put back
 */
export const verifyChain = async (
  path: string,
  expected: Head,
  kept: Pick<Head, 'seq' | 'hash'> = genesis,
): Promise<Verification> => {
  let head = genesis
  let number = 0
  const broken = (reason: string): Verification => ({ state: 'broken', line: number, reason })

  for await (const { line, complete } of linesOf(path)) {
    number += 1
    if (!complete) return broken('The last line is cut short.')
    const next = follow(head, line)
    if (typeof next === 'string') return broken(next)
    head = next
    for (const { seq, hash } of [expected, kept])
      if (head.seq === seq && head.hash !== hash)
        return broken('Not the line that the head names: the last line was edited, or the chain made anew.')
  }
  const most = Math.max(expected.seq, kept.seq)
  if (head.seq < most) return broken(`The end is cut off: ${most} lines were written, there are ${head.seq}.`)
  return { state: 'intact', head, beyond: head.seq - expected.seq }
}
