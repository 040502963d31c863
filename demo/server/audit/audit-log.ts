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
import { type AuditValue, follow, genesis, type Head, nextLine, readHead, sealHead } from './audit-chain.ts'

export interface AuditLogOptions {
  dataDir: string
  /** Seals the head. */
  key: string
  now: () => number
  onError: (error: unknown) => void
}

export interface AuditEntry {
  event: 'opened' | 'refused' | 'replaced' | 'ended'
  [field: string]: AuditValue
}

export interface AuditLog {
  /** Adds a line within 10 ms. Never throws: what the disk does not take is kept, counted beyond 10,000, and said later. */
  write(entry: AuditEntry): void
  /** Writes what is left. */
  close(): Promise<void>
}

/** Entries held while the disk takes none; more than that are counted, and lost. */
const mostPending = 10_000
/** Milliseconds that an entry waits for others: a flood of refused requests is no flood of writes. */
const gatherFor = 10
/** Milliseconds until a disk that failed is tried again. */
const retryDelay = 1_000

export const auditFile = (dataDir: string) => join(dataDir, 'audit.jsonl')
export const headFile = (file: string) => `${file}.head`

/** Lines that were written behind the head, by a server that was killed between line and head. */
const recover = (path: string, head: Head, size: number): { head: Head; note: string } => {
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
      return { head: { ...head, bytes: size }, note: `Lines that this server did not write: ${followed}` }
    next = followed
  }
  if (fragment !== '') truncateSync(path, next.bytes)
  return { head: next, note: `${lines.length} lines were behind the head; half a line cut: "${fragment}"` }
}

/**
 * Appends to the chain of audit-chain.ts: first the lines, then the head. Where the log was cut or edited the chain
 * goes on from the head, and never hangs together again: verifying finds it, also years later.
 */
export const openAuditLog = ({ dataDir, key, now, onError }: AuditLogOptions): AuditLog => {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const path = auditFile(dataDir)
  // An empty head first: lines without any head are a head that somebody deleted.
  appendFileSync(path, '', { mode: 0o600 })
  // LMDB's write lock holds across processes: two servers on one directory make one chain.
  const lock = open({ path: join(dataDir, 'audit-lock.lmdb') })

  let pending: Record<string, AuditValue>[] = []
  let lost = 0
  let state: 'open' | 'closed' = 'open'
  let timer: NodeJS.Timeout | undefined

  const saveHead = (head: Head) => {
    const temporary = `${headFile(path)}.new`
    writeFileSync(temporary, sealHead(head, key), { mode: 0o600 })
    // Atomic: a reader sees the old head or the new one.
    renameSync(temporary, headFile(path))
  }

  const write = () => {
    const { size } = statSync(path)
    const sealed = readHead(headFile(path), key)
    let head = sealed ?? { ...genesis, bytes: size }
    const entries = [...pending]
    const at = new Date(now()).toISOString()
    if (head.bytes < size) {
      const recovered = recover(path, head, size)
      head = recovered.head
      entries.unshift({ at, event: 'recovered', reason: recovered.note })
    } else {
      head = { ...head, bytes: size }
      // A line that can't follow on the others: a head that was deleted is found as a cut is.
      if (!sealed && size > 0) entries.unshift({ at, event: 'recovered', reason: 'There was no head' })
    }
    if (lost > 0) entries.push({ at, event: 'lost', events: lost })
    if (entries.length === 0) {
      if (!sealed) saveHead(head)
      return
    }
    let text = ''
    for (const entry of entries) {
      const next = nextLine(head, entry)
      text += next.text
      head = next.head
    }
    appendFileSync(path, text)
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

    async close() {
      state = 'closed'
      clearTimeout(timer)
      flush()
      await lock.close()
    },
  }
}
