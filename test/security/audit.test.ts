import { execFile } from 'node:child_process'
import { appendFileSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test, vi } from 'vitest'
import type { RunningServer } from '../../demo/server/app.ts'
import { genesisOf, nextLine, readHead, sealHead, verifyChain } from '../../demo/server/audit/audit-chain.ts'
import { archiveFile, auditFile, filesOf, headFile } from '../../demo/server/audit/audit-files.ts'
import { openAuditLog } from '../../demo/server/audit/audit-log.ts'
import { createRefusals } from '../../demo/server/audit/refusals.ts'
import { numbered, post, start, temporaryDirectory, tokenFor } from '../server/start.ts'
import { openStream, streamsOpen } from '../server/stream.ts'

const key = 'a key for tests of the log'

type Line = Record<string, string | number | null>

/** Every line but the first, which says what log it is. */
const linesOf = (dataDir: string): Line[] =>
  readFileSync(auditFile(dataDir), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
    .filter(({ event }) => event !== 'begun')

const written = (dataDir: string, count: number) =>
  vi.waitUntil(() => linesOf(dataDir).length >= count, { timeout: 20_000, interval: 5 })

const verify = async (dataDir: string, withKey = key) => {
  const file = auditFile(dataDir)
  const head = readHead(headFile(file), withKey) ?? genesisOf('none')
  return verifyChain(filesOf(file, head.file), head)
}

const open = (dataDir: string) =>
  openAuditLog({
    dataDir,
    key,
    now: Date.now,
    onError: (error) => {
      throw error
    },
  })

/** A log of so many lines that is closed. */
const write = async (dataDir: string, count: number) => {
  const log = open(dataDir)
  for (let n = 1; n <= count; n++) log.write({ event: 'refused', reason: `reason ${n}` })
  await log.close()
}

const edit = (dataDir: string, change: (lines: string[]) => string[]) => {
  const file = auditFile(dataDir)
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1)
  writeFileSync(file, `${change(lines).join('\n')}\n`)
}

test('every stream that opens, ends, is replaced or refused is a line, with who, from where, why and how many', async () => {
  const dataDir = temporaryDirectory()
  const server = await start({ dataDir, streamsPerUser: 1, auditKey: key, trustProxy: '127.0.0.1' })
  // Of one address there would be one line a second.
  const from = (n: number) => ({ 'X-Forwarded-For': `203.0.113.${n}` })
  const first = await openStream(server, { client: 'one', headers: { 'User-Agent': 'browser' } })
  await server.publish('alice', numbered(3))
  await first.received(3)
  const second = await openStream(server, { client: 'one', lastEventId: first.ids().at(-1)! })
  await openStream(server, { client: 'two' })
  await openStream(server, { token: 'nonsense', headers: from(1) })
  await openStream(server, { headers: { Origin: 'https://evil.example', ...from(2) } })
  await fetch(`${server.url}/api/v1/events/stream?token=x`, { headers: from(3) })
  second.close()
  await streamsOpen(server, 0)
  await written(dataDir, 8)
  const lines = linesOf(dataDir)
  expect(lines.map(({ event, reason }) => [event, reason ?? null])).toEqual([
    ['opened', null],
    ['replaced', 'replaced'],
    ['opened', null],
    ['refused', 'too_many_streams'],
    ['refused', 'token_invalid'],
    ['refused', 'origin_foreign'],
    ['refused', 'token_in_url'],
    ['ended', 'client-closed'],
  ])
  expect(lines[1]).toMatchObject({
    user: 'alice',
    client: 'one',
    address: '127.0.0.1',
    agent: 'browser',
    events: 3,
  })
  expect(lines[1]!.stream).toBe(lines[0]!.stream)
  expect(lines[2]).toMatchObject({ resume: 'continue', lastEventId: first.ids().at(-1)! })
  expect(lines[3]).toMatchObject({ user: 'alice', client: 'two', status: 429 })
  expect(lines[4]).toMatchObject({ user: null, status: 401 })
  expect(lines[5]).toMatchObject({ origin: 'https://evil.example', status: 403 })
  for (const { at } of lines) expect(at).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
  await server.close()
  expect(await verify(dataDir)).toMatchObject({ state: 'intact', head: { seq: 9 }, beyond: 0 })
})

test.each([
  ['token-expired', { sseTokenLife: 0.2, now: () => 1_800_000_000_800 }, async () => {}],
  ['server-closed', {}, (server: RunningServer) => server.close()],
  ['cut', {}, (server: RunningServer) => post(server, '/debug/drop')],
  ['revoked', {}, (server: RunningServer) => server.revokeUser('alice')],
] as const)('the line of a stream that ended says why: %s', async (reason, options, act) => {
  const dataDir = temporaryDirectory()
  const server = await start({ dataDir, ...options })
  const stream = await openStream(server)
  await act(server)
  await stream.ended
  const ended = () => linesOf(dataDir).filter(({ event }) => event === 'ended')
  await vi.waitUntil(() => ended().length > 0, { timeout: 20_000, interval: 5 })
  expect(ended()).toEqual([expect.objectContaining({ reason, events: 0 })])
})

test('A1 no token is in the audit log', async () => {
  const dataDir = temporaryDirectory()
  const server = await start({ dataDir })
  const token = await tokenFor(server, 'alice', 'sse')
  await openStream(server, { token })
  await fetch(`${server.url}/api/v1/events/stream?token=${token}`)
  await openStream(server, { token: `${token}x` })
  await server.close()
  const text = readFileSync(auditFile(dataDir), 'utf8')
  expect(text.split('\n').length).toBeGreaterThan(3)
  expect(text).not.toContain('eyJ')
  expect(text).not.toContain(token.split('.')[2])
})

/** Line ends to some reader, terminal escapes, signs that turn writing round, half a surrogate pair. */
const nasty = [
  '\r',
  '\n',
  '\x1b[2J',
  '\u2028',
  '\u2029',
  '\x00',
  '\x85',
  '\x9b31m',
  '\x7f',
  '\u202e',
  '\ufeff',
  '\ud800',
]

test('audit lines with CR, LF, ESC, U+2028 and their like stay one line each, of printable ASCII', async () => {
  const dataDir = temporaryDirectory()
  const log = open(dataDir)
  for (const text of nasty)
    log.write({ event: 'refused', reason: `before${text}{"seq":99,"event":"opened"}${text}after` })
  await log.close()
  const bytes = readFileSync(auditFile(dataDir), 'latin1')
  expect(bytes).toMatch(/^[\x20-\x7e\n]+$/)
  expect(bytes.split('\n')).toHaveLength(nasty.length + 2)
  expect(linesOf(dataDir).map(({ reason }) => reason)).toEqual(
    nasty.map((text) => `before${text}{"seq":99,"event":"opened"}${text}after`),
  )
  expect(await verify(dataDir)).toMatchObject({ state: 'intact', head: { seq: nasty.length + 1 } })
})

test('hostile headers that do reach the server stay one line, and are cut', async () => {
  const dataDir = temporaryDirectory()
  const server = await start({ dataDir })
  await openStream(server, {
    lastEventId: `\x85\x9b31m${'x'.repeat(5_000)}`,
    headers: { 'User-Agent': `\xe2\x80\xa8${'y'.repeat(5_000)}` },
  })
  await server.close()
  const [opened] = linesOf(dataDir)
  expect(readFileSync(auditFile(dataDir), 'latin1')).toMatch(/^[\x20-\x7e\n]+$/)
  expect(String(opened!.agent)).toMatch(/^\xe2\x80\xa8y{253}\.\.\.$/)
  expect(String(opened!.lastEventId)).toHaveLength(259)
  expect(await verify(dataDir, readFileSync(`${dataDir}/audit-key`, 'utf8'))).toMatchObject({
    state: 'intact',
  })
})

const tampered: [string, (dataDir: string) => void, string | RegExp][] = [
  [
    'a word in the middle',
    (dir) => edit(dir, (l) => l.with(5, l[5]!.replace('reason 5', 'reason X'))),
    /edited/,
  ],
  [
    'a word in the last line',
    (dir) => edit(dir, (l) => l.with(10, l[10]!.replace('reason 10', 'reason X'))),
    /edited/,
  ],
  ['a space that JSON ignores', (dir) => edit(dir, (l) => l.with(4, `${l[4]!} `)), /edited/],
  ['a line taken out', (dir) => edit(dir, (l) => l.toSpliced(3, 1)), /dropped/],
  ['the first line taken out', (dir) => edit(dir, (l) => l.slice(1)), /dropped/],
  ['a line put in', (dir) => edit(dir, (l) => l.toSpliced(3, 0, l[3]!)), /dropped/],
  ['two lines exchanged', (dir) => edit(dir, (l) => l.with(3, l[4]!).with(4, l[3]!)), /dropped/],
  ['the last line cut off', (dir) => edit(dir, (l) => l.slice(0, -1)), /cut off/],
  ['the second half cut off', (dir) => edit(dir, (l) => l.slice(0, 5)), /cut off/],
  ['everything cut off', (dir) => writeFileSync(auditFile(dir), ''), /cut off/],
  [
    'half of the last line cut off',
    (dir) => writeFileSync(auditFile(dir), readFileSync(auditFile(dir)).subarray(0, -20)),
    /cut short/,
  ],
  [
    'a line edited, and the chain made anew from there',
    (dir) =>
      edit(dir, (lines) => {
        let head = genesisOf(JSON.parse(lines[0]!).log)
        return lines.map((line, index) => {
          const { seq: _, prev: __, ...fields } = JSON.parse(line)
          const next = nextLine(head, index === 5 ? { ...fields, reason: 'reason X' } : fields)
          head = next.head
          return next.text.slice(0, -1)
        })
      }),
    /made anew/,
  ],
]

test.each(tampered)(
  'a log with %s is found, and still after the server has gone on',
  async (_, tamper, reason) => {
    const dataDir = temporaryDirectory()
    await write(dataDir, 10)
    expect(await verify(dataDir)).toMatchObject({ state: 'intact', head: { seq: 11 } })
    tamper(dataDir)
    expect(await verify(dataDir)).toMatchObject({ state: 'broken', reason: expect.stringMatching(reason) })
    await write(dataDir, 5)
    expect(await verify(dataDir)).toMatchObject({ state: 'broken' })
  },
)

test('a head that somebody made without the key is no head, and a deleted one is missed', async () => {
  const dataDir = temporaryDirectory()
  await write(dataDir, 3)
  const head = headFile(auditFile(dataDir))
  const before = readHead(head, key)!
  writeFileSync(head, sealHead({ ...before, seq: 2 }, 'another key'))
  await expect(verify(dataDir)).rejects.toThrow(/not written with this key/)
  expect(() => open(dataDir)).toThrow(/not written with this key/)
  rmSync(head)
  await write(dataDir, 1)
  expect(await verify(dataDir)).toMatchObject({ state: 'broken' })
})

test('a log and a head that were both put back to an earlier state are told by a hash that was kept elsewhere', async () => {
  const dataDir = temporaryDirectory()
  await write(dataDir, 5)
  const file = auditFile(dataDir)
  const earlier = [file, headFile(file)].map((path) => [path, readFileSync(path)] as const)
  await write(dataDir, 5)
  const kept = readHead(headFile(file), key)!
  await write(dataDir, 5)
  const now = readHead(headFile(file), key)!
  const files = filesOf(file, 1)
  expect(await verifyChain(files, now, kept)).toMatchObject({ state: 'intact', head: { seq: 16 } })
  for (const [path, content] of earlier) writeFileSync(path, content)
  const then = readHead(headFile(file), key)!
  expect(await verifyChain(files, then)).toMatchObject({ state: 'intact' })
  expect(await verifyChain(files, then, kept)).toMatchObject({ state: 'broken' })
})

test('the chain goes on over restarts', async () => {
  const dataDir = temporaryDirectory()
  for (let n = 0; n < 4; n++) await write(dataDir, 5)
  expect(await verify(dataDir)).toMatchObject({ state: 'intact', head: { seq: 21 } })
})

/** Writes a line every 5 ms, 150 of them, in a process of its own. */
const writer = `
  import { openAuditLog } from ${JSON.stringify(new URL('../../demo/server/audit/audit-log.ts', import.meta.url).href)}
  const [dataDir, key] = process.argv.slice(1)
  const log = openAuditLog({ dataDir, key, now: Date.now, onError: (error) => { throw error } })
  for (let n = 0; n < 150; n++) {
    log.write({ event: 'refused', reason: String(n) })
    await new Promise((wait) => setTimeout(wait, 5))
  }
  await log.close()
`

test('two servers on one directory write one chain', async () => {
  const dataDir = temporaryDirectory()
  const args = ['--import', 'tsx', '--input-type=module', '--eval', writer, dataDir, key]
  await Promise.all([1, 2].map(() => promisify(execFile)(process.execPath, args)))
  expect(await verify(dataDir)).toMatchObject({ state: 'intact', head: { seq: 301 } })
})

test('lines that a killed server left behind the head are taken in, half a one is cut, and both are told', async () => {
  const dataDir = temporaryDirectory()
  await write(dataDir, 3)
  const head = readHead(headFile(auditFile(dataDir)), key)!
  const { text } = nextLine(head, { event: 'refused', reason: 'left' })
  writeFileSync(auditFile(dataDir), `${text}{"seq":6,"ha`, { flag: 'a' })
  await write(dataDir, 1)
  expect(await verify(dataDir)).toMatchObject({ state: 'intact', head: { seq: 7 } })
  const [, , , left, recovered] = linesOf(dataDir)
  expect(left).toMatchObject({ seq: 5, reason: 'left' })
  expect(recovered).toMatchObject({ event: 'recovered', reason: expect.stringContaining('{"seq":6,"ha') })
})

test('what a disk does not take is kept, and written when it does', async () => {
  const dataDir = temporaryDirectory()
  const errors: unknown[] = []
  let isFull = false
  const log = openAuditLog({
    dataDir,
    key,
    now: Date.now,
    onError: (error) => errors.push(error),
    append(path, text) {
      if (isFull) throw new Error('ENOSPC')
      appendFileSync(path, text)
    },
  })
  isFull = true
  log.write({ event: 'refused', reason: 'kept' })
  await vi.waitUntil(() => errors.length > 0)
  isFull = false
  await written(dataDir, 1)
  expect(linesOf(dataDir)).toMatchObject([{ reason: 'kept', seq: 2 }])
  await log.close()
})

test('a genesis head that was kept, or one of another log, is no head of this log', async () => {
  const [dataDir, other] = [temporaryDirectory(), temporaryDirectory()]
  await write(other, 0)
  await write(dataDir, 5)
  // Before: `{ seq: 0 }` under one key was the same for all logs, and true of each that somebody had emptied.
  writeFileSync(auditFile(dataDir), readFileSync(auditFile(other)))
  writeFileSync(headFile(auditFile(dataDir)), readFileSync(headFile(auditFile(other))))
  const log = open(dataDir)
  expect(log.trouble()).toMatch(/another log/)
  await log.close()
  expect(linesOf(dataDir)[0]).toMatchObject({
    event: 'recovered',
    reason: expect.stringMatching(/another log/),
  })
  writeFileSync(auditFile(dataDir), '')
  writeFileSync(headFile(auditFile(dataDir)), sealHead(genesisOf('made up'), 'not the key of this log'))
  expect(() => open(dataDir)).toThrow(/not written with this key/)
})

test.each([
  ['the file is moved away', (dir: string) => renameSync(auditFile(dir), join(dir, 'elsewhere')), /missing/],
  ['the file is emptied', (dir: string) => writeFileSync(auditFile(dir), ''), /ended at byte 0/],
  ['the head is deleted', (dir: string) => rmSync(headFile(auditFile(dir))), /no head/],
  [
    'file and head are deleted',
    (dir: string) => {
      rmSync(auditFile(dir))
      rmSync(headFile(auditFile(dir)))
    },
    /no head/,
  ],
])('%s under a server that runs: /readyz, a metric and the log itself tell', async (_, act, reason) => {
  const dataDir = temporaryDirectory()
  const server = await start({ dataDir, auditKey: key })
  const metric = async () =>
    /^tabstream_audit_log_intact (\d)$/m.exec(await (await fetch(`${server.url}/metrics`)).text())![1]
  await openStream(server)
  await written(dataDir, 1)
  expect((await fetch(`${server.url}/readyz`)).status).toBe(200)
  expect(await metric()).toBe('1')
  act(dataDir)
  const ready = await fetch(`${server.url}/readyz`)
  expect(ready.status).toBe(503)
  expect(await ready.json()).toMatchObject({ error: 'audit_log', message: expect.stringMatching(reason) })
  expect(await metric()).toBe('0')
  // A default that goes on: what happens is still written down, and the first line says what was found.
  await openStream(server, { user: 'hatter' })
  await server.close()
  const lines = linesOf(dataDir)
  expect(lines.find(({ event }) => event === 'recovered')!.reason).toMatch(reason)
  expect(lines.some(({ event, user }) => event === 'opened' && user === 'hatter')).toBe(true)
})

test('with auditRequired nothing happens that the log would not tell', async () => {
  const dataDir = temporaryDirectory()
  const server = await start({ dataDir, auditRequired: true })
  expect((await openStream(server)).response.status).toBe(200)
  renameSync(auditFile(dataDir), join(dataDir, 'elsewhere'))
  await vi.waitUntil(async () => (await openStream(server, { user: 'hatter' })).response.status === 503, {
    timeout: 20_000,
  })
  const login = await post(server, '/api/v1/auth/login', { user: 'alice', password: 'rabbit-hole' })
  expect([login.status, await login.json()]).toMatchObject([503, { error: 'audit_unavailable' }])
})

test.each(['', 'fifteen chars..'])('AUDIT_KEY=%j is refused', async (auditKey) => {
  await expect(start({ auditKey })).rejects.toThrow(/AUDIT_KEY/)
})

test('a log that grows goes on in another file, with one chain; a file that is taken out is missed', async () => {
  const dataDir = temporaryDirectory()
  for (let n = 0; n < 12; n++) {
    const log = openAuditLog({ dataDir, key, fileBytes: 1_000, now: Date.now, onError: () => {} })
    for (let m = 0; m < 3; m++) log.write({ event: 'refused', reason: 'x'.repeat(100) })
    expect(log.trouble()).toBeUndefined()
    await log.close()
  }
  const file = auditFile(dataDir)
  const head = readHead(headFile(file), key)!
  expect(head.file).toBeGreaterThan(3)
  expect(filesOf(file, head.file).size).toBe(head.file)
  expect(await verify(dataDir)).toMatchObject({ state: 'intact', from: 1, head: { seq: head.seq } })
  // The oldest may be put elsewhere.
  renameSync(archiveFile(file, 1), join(dataDir, 'elsewhere'))
  const later = await verify(dataDir)
  expect(later).toMatchObject({ state: 'intact', from: expect.any(Number) })
  expect((later as { from: number }).from).toBeGreaterThan(1)
  // One in the middle may not.
  renameSync(archiveFile(file, 3), join(dataDir, 'elsewhere too'))
  expect(await verify(dataDir)).toMatchObject({ state: 'broken', reason: expect.stringMatching(/missing/) })
})

test('a server that was killed between two files goes on, and nothing is missed', async () => {
  const dataDir = temporaryDirectory()
  await write(dataDir, 3)
  renameSync(auditFile(dataDir), archiveFile(auditFile(dataDir), 1))
  const log = open(dataDir)
  expect(log.trouble()).toBeUndefined()
  log.write({ event: 'refused', reason: 'after' })
  await log.close()
  expect(await verify(dataDir)).toMatchObject({ state: 'intact', from: 1, head: { file: 2, seq: 6 } })
})

test('a stranger fills no disk: one line a second and address, and the others as a count', async () => {
  const dataDir = temporaryDirectory()
  const server = await start({ dataDir })
  const started = performance.now()
  for (let n = 0; n < 300; n++) await fetch(`${server.url}/api/v1/events/stream`)
  await fetch(`${server.url}/api/v1/events/stream?token=x`)
  const seconds = (performance.now() - started) / 1_000
  await server.close()
  const lines = linesOf(dataDir)
  expect(lines.length).toBeLessThanOrEqual(2 + 2 * Math.ceil(seconds))
  const told = lines.reduce((sum, { event, count }) => sum + (event === 'refused' ? 1 : Number(count)), 0)
  expect(told).toBe(301)
  expect(lines.at(-1)).toMatchObject({ event: 'refused-more', address: '127.0.0.1' })
  expect(lines.map(({ reason }) => reason).join()).toContain('token_in_url 1')
})

test('strangers of many addresses cost a bounded memory, and an IPv6 network is one', async () => {
  const written: Line[] = []
  const log = {
    write: (line: Line) => void written.push(line),
    trouble: () => undefined,
    close: async () => {},
  }
  const refusals = createRefusals(log as never)
  const refuse = (address: string) => refusals.write({ event: 'refused', reason: 'x', address }, null)
  for (let n = 0; n < 1_000; n++) refuse(`2001:db8:1:2:${n.toString(16)}::1`)
  expect(written).toHaveLength(1)
  for (let n = 0; n < 20_000; n++) refuse(`10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`)
  expect(written).toHaveLength(10_001)
  refusals.close()
  const counted = written.filter(({ event }) => event === 'refused-more')
  expect(counted.map(({ count }) => Number(count)).toSorted((a, b) => a - b)).toEqual([999, 10_000])
})

test('the command tells a whole log from a cut one by its exit code', async () => {
  const dataDir = temporaryDirectory()
  await write(dataDir, 3)
  const script = fileURLToPath(new URL('../../demo/server/audit/audit-verify.ts', import.meta.url))
  const run = (env: Record<string, string>) =>
    promisify(execFile)(process.execPath, ['--import', 'tsx', script, auditFile(dataDir)], {
      env: { ...process.env, ...env },
    })
  expect((await run({ AUDIT_KEY: key })).stdout).toMatch(/^4 lines, whole\./)
  await expect(run({ AUDIT_KEY: '' })).rejects.toMatchObject({ code: 1 })
  await expect(run({ AUDIT_KEY: 'wrong' })).rejects.toMatchObject({ code: 1 })
  edit(dataDir, (lines) => lines.slice(0, 2))
  await expect(run({ AUDIT_KEY: key })).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining('cut off'),
  })
})
