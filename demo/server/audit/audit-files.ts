import { readdirSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

/** The file that is written to. */
export const auditFile = (dataDir: string): string => join(dataDir, 'audit.jsonl')

export const headFile = (file: string): string => `${file}.head`

/** What a file is called once the next one has begun. */
export const archiveFile = (file: string, number: number): string =>
  `${file}.${String(number).padStart(6, '0')}`

/**
 * The files of a log that are there, oldest first, by their numbers.
 *
 * @param file the one that is written to
 * @param number its number, by the head
 */
export const filesOf = (file: string, number: number): Map<number, string> => {
  const prefix = `${basename(file)}.`
  const archived = readdirSync(dirname(file))
    .filter((name) => name.startsWith(prefix) && /^\d{6,}$/.test(name.slice(prefix.length)))
    .map((name) => [Number(name.slice(prefix.length)), join(dirname(file), name)] as const)
    .filter(([archive]) => archive !== number)
  return new Map([...archived, [number, file] as const].toSorted(([a], [b]) => a - b))
}
