import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { createReadStream, readFileSync } from 'node:fs'

/**
 * What the audit log looks like, for those who write it and those who check it. One JSON object a line; `prev`
 * is the SHA-256 of the line before, so no line can be edited, moved, inserted or dropped without a break.
 * A chain alone can't tell that its end was cut off, and can be computed anew from an edited line on: a second
 * file, the head, holds number and hash of the last line, under a key (HMAC-SHA256).
 */

export interface Head {
  /** The log's own id, random: a head of another log, or of one that was here before, is no head of this one. */
  log: string
  /** Number of the file that the last line is in: a log that grows is cut into files. */
  file: number
  /** Number of the last line. */
  seq: number
  /** SHA-256 of the last line, in hex. */
  hash: string
  /** Where the last line ends in its file. */
  bytes: number
}

export type AuditValue = string | number | null

/**
 * Before the first line. Nobody seals it: a head that counts no line could be put beside an empty file at any time, and
 * would be true of it.
 */
export const genesisOf = (log: string): Head => ({ log, file: 1, seq: 0, hash: '0'.repeat(64), bytes: 0 })

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

const after = (head: Head, line: string): Head => ({
  ...head,
  seq: head.seq + 1,
  hash: hashOf(line),
  // All ASCII: characters are bytes.
  bytes: head.bytes + line.length + 1,
})

/** The head with which the next file begins. */
export const nextFile = (head: Head): Head => ({ ...head, file: head.file + 1, bytes: 0 })

/** Fields of the first line of a file, which say what log and which file it is. */
export const firstFields = ({ log, file }: Head) => ({ event: file === 1 ? 'begun' : 'continued', log, file })

/** The next line, with its line feed, and the head after it. */
export const nextLine = (head: Head, fields: Readonly<Record<string, AuditValue>>) => {
  const seq = head.seq + 1
  const capped = Object.entries(fields).map(([name, value]) => [name, cap(value)] as const)
  const line = escapeAll(JSON.stringify({ seq, ...Object.fromEntries(capped), prev: head.hash }))
  return { text: `${line}\n`, head: after(head, line) }
}

const macOf = ({ log, file, seq, hash, bytes }: Head, key: string) =>
  createHmac('sha256', key).update(`${log}:${file}:${seq}:${hash}:${bytes}`).digest()

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
  const wrong = new Error(`${path} was not written with this key, or not by this version`)
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
  let parsed: { seq?: unknown; prev?: unknown; log?: unknown; file?: unknown } | null
  try {
    parsed = JSON.parse(line) as typeof parsed
  } catch {
    return 'Not JSON.'
  }
  if (parsed?.prev !== head.hash) return 'The line before it was edited, or lines were dropped.'
  if (parsed.seq !== head.seq + 1) return `Number ${head.seq + 1} is missing.`
  if (head.bytes === 0 && (parsed.log !== head.log || parsed.file !== head.file))
    return 'The first line is of another log, or of another file of this one.'
  return after(head, line)
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
  /**
   * `from`: number of the first line that is there; 1, unless older files were taken away. `beyond`: lines that hang
   * together, but were written behind the head: just now, or by a server that was killed.
   */
  | { state: 'intact'; head: Head; from: number; beyond: number }
  | { state: 'broken'; file: string; line: number; reason: string }

/** Before the first line of the oldest file that is there: what that line says, where files before it were taken away. */
const beginOf = (expected: Head, number: number, line: string): Head => {
  if (number === 1) return genesisOf(expected.log)
  const { seq, prev } = JSON.parse(line) as { seq: number; prev: string }
  return { log: expected.log, file: number, seq: seq - 1, hash: prev, bytes: 0 }
}

/**
 * Reads line by line, so the size of the log doesn't matter.
 *
 * @param files the log's files, oldest first, by the number of each
 * @param expected the head; read before this is called, not after
 * @param kept a line that somebody noted elsewhere: tells a log and head that were both put back
 */
export const verifyChain = async (
  files: ReadonlyMap<number, string>,
  expected: Head,
  kept?: Pick<Head, 'seq' | 'hash'>,
): Promise<Verification> => {
  let head: Head | undefined
  let from: number | undefined
  for (const [number, path] of files) {
    let count = 0
    const broken = (reason: string): Verification => ({ state: 'broken', file: path, line: count, reason })
    if (head && number !== head.file + 1) return broken(`File ${head.file + 1} is missing.`)
    for await (const { line, complete } of linesOf(path)) {
      count += 1
      if (!complete) return broken('The last line is cut short.')
      if (count === 1) {
        try {
          head = head ? nextFile(head) : beginOf(expected, number, line)
        } catch {
          return broken('Not JSON.')
        }
        from ??= head.seq + 1
      }
      const next = follow(head!, line)
      if (typeof next === 'string') return broken(next)
      head = next
      for (const { seq, hash } of kept ? [expected, kept] : [expected])
        if (head.seq === seq && head.hash !== hash)
          return broken('Not the line that the head names: the last line was edited, or the chain made anew.')
    }
  }
  const path = [...files.values()].at(-1) ?? ''
  const most = Math.max(expected.seq, kept?.seq ?? 0)
  const last = head?.seq ?? 0
  if (!head || last < most)
    return {
      state: 'broken',
      file: path,
      line: last,
      reason: `The end is cut off: ${most} lines were written, there are ${last}.`,
    }
  return { state: 'intact', head, from: from ?? 1, beyond: head.seq - expected.seq }
}
