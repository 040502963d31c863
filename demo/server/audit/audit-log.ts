import { randomBytes } from 'node:crypto'
import {
  appendFileSync,
  closeSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { open } from 'lmdb'
import {
  type AuditValue,
  firstFields,
  follow,
  genesisOf,
  type Head,
  nextFile,
  nextLine,
  readHead,
  sealHead,
} from './audit-chain.ts'
import { archiveFile, auditFile, headFile } from './audit-files.ts'

export interface AuditLogOptions {
  dataDir: string
  /** Seals the head. */
  key: string
  /** Bytes of a file, after which the next one begins. Default 64 MiB. */
  fileBytes?: number
  now: () => number
  onError: (error: unknown) => void
  /** Default `fs.appendFileSync`. */
  append?: (path: string, text: string) => void
}

export type AuditEvent =
  | 'opened'
  | 'refused'
  | 'replaced'
  | 'ended'
  | 'logged-in'
  | 'log-in-failed'
  | 'exchanged'
  | 'renewed'
  | 'refresh-token-reused'
  | 'logged-out'
  | 'user-revoked'
  /** So many refusals of one address or user came too close to the one before for a line each. */
  | 'refused-more'

export interface AuditEntry {
  event: AuditEvent
  [field: string]: AuditValue
}

export interface AuditLog {
  /** Adds a line within 10 ms. Never throws: what the disk does not take is kept, counted beyond 10,000, and said later. */
  write(entry: AuditEntry): void
  /**
   * What has happened to the log that this server did not do: a file that is missing, moved or cut, lines that are not
   * its own. It stays so until the server starts anew, which begins a log where none is left, and says so in its first
   * line. Undefined: nothing.
   */
  trouble(): string | undefined
  /** Writes what is left. */
  close(): Promise<void>
}

/** Entries held while the disk takes none; more than that are counted, and lost. */
const mostPending = 10_000
/** Milliseconds that an entry waits for others: a flood of refused requests is no flood of writes. */
const gatherFor = 10
/** Milliseconds until a disk that failed is tried again. */
const retryDelay = 1_000

const sizeIfThere = (path: string): number | undefined => statSync(path, { throwIfNoEntry: false })?.size

/** Lines that were written behind the head, by a server that was killed between line and head. */
const recover = (path: string, head: Head, size: number) => {
  const buffer = Buffer.alloc(size - head.bytes)
  const file = openSync(path, 'r')
  readSync(file, buffer, 0, buffer.length, head.bytes)
  closeSync(file)
  const lines = buffer.toString('latin1').split('\n')
  const fragment = lines.pop()!
  let next = head
  for (const line of lines) {
    const followed = follow(next, line)
    // Left as it is, and the chain goes on from the head: whoever verifies the log finds the place.
    if (typeof followed === 'string')
      return { head: { ...head, bytes: size }, foreign: `Lines that this server did not write: ${followed}` }
    next = followed
  }
  return {
    head: next,
    hasFragment: fragment !== '',
    note: `${lines.length} lines were behind the head; half a line cut: "${fragment}"`,
  }
}

/** Where the next line goes, as files and head are found. */
interface Found {
  head: Head
  /** A line that says what was found, before any other. */
  note?: string
  /** Half a line is behind the head. */
  hasFragment?: boolean
  /** The same as `note`, where it is nothing that this server has done. */
  trouble?: string
}

interface Files {
  sealed: Head | undefined
  /** Of the file that is written to; undefined: it is not there. */
  size: number | undefined
  path: string
  /** Id of the log that was here last. */
  known: string | undefined
}

const newLog = (file: number): Head => ({ ...genesisOf(randomBytes(16).toString('hex')), file })

/** Where the log was cut or edited the chain goes on from the head, and never hangs together again: that is found later. */
const find = ({ sealed, size, path, known }: Files): Found => {
  if (!sealed) {
    const fresh = newLog(1)
    if (known === undefined && !size) return { head: fresh }
    return { head: { ...fresh, bytes: size ?? 0 }, trouble: 'There was no head' }
  }
  // A server that was killed between a file's end and the next one's beginning.
  const wasCut = sizeIfThere(archiveFile(path, sealed.file)) === sealed.bytes
  const head = wasCut ? nextFile(sealed) : sealed
  const here = size ?? (wasCut ? 0 : undefined)
  if (here === undefined)
    return {
      head: newLog(sealed.file + 1),
      trouble: `The log ${sealed.log} of ${sealed.seq} lines was missing`,
    }
  if (here < head.bytes)
    return { head: { ...head, bytes: here }, trouble: `The file ended at byte ${here}, not ${head.bytes}` }
  const other = known !== undefined && known !== head.log ? `The head was of another log than ${known}` : null
  const found: Found =
    here > head.bytes
      ? (({ foreign, ...rest }) => (foreign ? { ...rest, trouble: foreign } : rest))(
          recover(path, head, here),
        )
      : { head }
  return other === null ? found : { ...found, trouble: other }
}

/**
 * Appends to the chain of audit-chain.ts: first the lines, then the head. Where the log was cut or edited the chain
 * goes on from the head, and never hangs together again: verifying finds it, also years later.
 */
export const openAuditLog = (options: AuditLogOptions): AuditLog => {
  const { dataDir, key, fileBytes = 64 * 1024 * 1024, now, onError, append = appendFileSync } = options
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const path = auditFile(dataDir)
  // LMDB's write lock holds across processes: two servers on one directory make one chain. It also knows which log is
  // here, so that one that is taken away as a whole is missed.
  const lock = open<string, string>({ path: join(dataDir, 'audit-lock.lmdb') })

  let pending: Record<string, AuditValue>[] = []
  let lost = 0
  let state: 'open' | 'closed' = 'open'
  let timer: NodeJS.Timeout | undefined
  let trouble: string | undefined

  const saveHead = (head: Head) => {
    const temporary = `${headFile(path)}.new`
    writeFileSync(temporary, sealHead(head, key), { mode: 0o600 })
    // Atomic: a reader sees the old head or the new one.
    renameSync(temporary, headFile(path))
    if (lock.get('log') !== head.log) lock.putSync('log', head.log)
  }

  const look = (): Found => {
    const sealed = readHead(headFile(path), key)
    return find({ sealed, size: sizeIfThere(path), path, known: lock.get('log') })
  }

  const write = () => {
    const found = look()
    trouble ??= found.trouble
    let { head } = found
    if (found.hasFragment) truncateSync(path, head.bytes)
    const entries = [...pending]
    const at = new Date(now()).toISOString()
    if (lost > 0) entries.push({ at, event: 'lost', events: lost })
    const note = found.trouble ?? found.note
    if (note !== undefined) entries.unshift({ at, event: 'recovered', reason: note })
    if (entries.length === 0 && head.seq > 0) return
    if (head.bytes >= fileBytes) {
      renameSync(path, archiveFile(path, head.file))
      head = nextFile(head)
    }
    if (head.bytes === 0 && (head.seq === 0 || sizeIfThere(path) === undefined))
      entries.unshift({ at, ...firstFields(head) })
    let text = ''
    for (const entry of entries) {
      const next = nextLine(head, entry)
      text += next.text
      head = next.head
    }
    append(path, text)
    pending = []
    lost = 0
    saveHead(head)
  }

  const flush = () => {
    timer = undefined
    try {
      lock.transactionSync(write)
    } catch (error) {
      onError(error)
      if (state === 'open') timer = setTimeout(flush, retryDelay).unref()
    }
  }
  lock.transactionSync(write)

  return {
    write({ event, ...fields }) {
      if (state === 'closed') return
      if (pending.length >= mostPending) lost += 1
      else pending.push({ at: new Date(now()).toISOString(), event, ...fields })
      timer ??= setTimeout(flush, gatherFor)
    },

    trouble() {
      // Under the lock: between a file and its head another server, or this one, may be at work.
      if (state === 'open' && trouble === undefined)
        lock.transactionSync(() => {
          trouble = look().trouble
        })
      return trouble
    },

    async close() {
      state = 'closed'
      clearTimeout(timer)
      flush()
      await lock.close()
    },
  }
}
