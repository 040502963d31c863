import { execFile } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test, vi } from 'vitest'
import type { RunningServer } from '../../demo/server/app.ts'
import { genesis, nextLine, readHead, sealHead, verifyChain } from '../../demo/server/audit/audit-chain.ts'
import { auditFile, headFile, openAuditLog } from '../../demo/server/audit/audit-log.ts'
import { numbered, post, start, temporaryDirectory, tokenFor } from '../server/start.ts'
import { openStream, streamsOpen } from '../server/stream.ts'

const key = 'a key for tests'

type Line = Record<string, string | number | null>

const linesOf = (dataDir: string): Line[] =>
  readFileSync(auditFile(dataDir), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))

const written = (dataDir: string, count: number) =>
  vi.waitUntil(() => linesOf(dataDir).length >= count, { timeout: 20_000, interval: 5 })

const verify = async (dataDir: string, withKey = key) => {
  const file = auditFile(dataDir)
  return verifyChain(file, readHead(headFile(file), withKey) ?? genesis)
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
  const server = await start({ dataDir, streamsPerUser: 1, auditKey: key })
  const first = await openStream(server, { client: 'one', headers: { 'User-Agent': 'browser' } })
  await server.publish('alice', numbered(3))
  await first.received(3)
  const second = await openStream(server, { client: 'one', lastEventId: first.ids().at(-1)! })
  await openStream(server, { client: 'two' })
  await openStream(server, { token: 'nonsense' })
  await openStream(server, { headers: { Origin: 'https://evil.example' } })
  await fetch(`${server.url}/api/v1/events/stream?token=x`)
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
  expect(await verify(dataDir)).toMatchObject({ state: 'intact', head: { seq: 8 }, beyond: 0 })
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
  await written(dataDir, 2)
  expect(linesOf(dataDir)[1]).toMatchObject({ event: 'ended', reason, events: 0 })
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
  expect(bytes.split('\n')).toHaveLength(nasty.length + 1)
  expect(linesOf(dataDir).map(({ reason }) => reason)).toEqual(
    nasty.map((text) => `before${text}{"seq":99,"event":"opened"}${text}after`),
  )
  expect(await verify(dataDir)).toMatchObject({ state: 'intact', head: { seq: nasty.length } })
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
    (dir) => edit(dir, (l) => l.with(4, l[4]!.replace('reason 5', 'reason X'))),
    /edited/,
  ],
  [
    'a word in the last line',
    (dir) => edit(dir, (l) => l.with(9, l[9]!.replace('reason 10', 'reason X'))),
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
        let head = genesis
        return lines.map((line, index) => {
          const { seq: _, prev: __, ...fields } = JSON.parse(line)
          const next = nextLine(head, index === 4 ? { ...fields, reason: 'reason X' } : fields)
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
    expect(await verify(dataDir)).toMatchObject({ state: 'intact', head: { seq: 10 } })
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
  expect(await verifyChain(file, now, kept)).toMatchObject({ state: 'intact', head: { seq: 15 } })
  for (const [path, content] of earlier) writeFileSync(path, content)
  const then = readHead(headFile(file), key)!
  expect(await verifyChain(file, then)).toMatchObject({ state: 'intact' })
  expect(await verifyChain(file, then, kept)).toMatchObject({ state: 'broken' })
})

test('the chain goes on over restarts', async () => {
  const dataDir = temporaryDirectory()
  for (let n = 0; n < 4; n++) await write(dataDir, 5)
  expect(await verify(dataDir)).toMatchObject({ state: 'intact', head: { seq: 20 } })
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
  expect(await verify(dataDir)).toMatchObject({ state: 'intact', head: { seq: 300 } })
})

test('lines that a killed server left behind the head are taken in, half a one is cut, and both are told', async () => {
  const dataDir = temporaryDirectory()
  await write(dataDir, 3)
  const head = readHead(headFile(auditFile(dataDir)), key)!
  const { text } = nextLine(head, { event: 'refused', reason: 'left' })
  writeFileSync(auditFile(dataDir), `${text}{"seq":5,"ha`, { flag: 'a' })
  await write(dataDir, 1)
  expect(await verify(dataDir)).toMatchObject({ state: 'intact', head: { seq: 6 } })
  const [, , , left, recovered] = linesOf(dataDir)
  expect(left).toMatchObject({ seq: 4, reason: 'left' })
  expect(recovered).toMatchObject({ event: 'recovered', reason: expect.stringContaining('{"seq":5,"ha') })
})

test('what a disk does not take is kept, and written when it does', async () => {
  const dataDir = temporaryDirectory()
  const errors: unknown[] = []
  const log = openAuditLog({ dataDir, key, now: Date.now, onError: (error) => errors.push(error) })
  const sealed = readFileSync(headFile(auditFile(dataDir)))
  rmSync(auditFile(dataDir))
  log.write({ event: 'refused', reason: 'kept' })
  await vi.waitUntil(() => errors.length > 0)
  writeFileSync(auditFile(dataDir), '')
  writeFileSync(headFile(auditFile(dataDir)), sealed)
  await written(dataDir, 1)
  expect(linesOf(dataDir)).toMatchObject([{ reason: 'kept', seq: 1 }])
  await log.close()
})

test('the command tells a whole log from a cut one by its exit code', async () => {
  const dataDir = temporaryDirectory()
  await write(dataDir, 3)
  const script = fileURLToPath(new URL('../../demo/server/audit/audit-verify.ts', import.meta.url))
  const run = (env: Record<string, string>) =>
    promisify(execFile)(process.execPath, ['--import', 'tsx', script, auditFile(dataDir)], {
      env: { ...process.env, ...env },
    })
  expect((await run({ AUDIT_KEY: key })).stdout).toMatch(/^3 lines, whole\./)
  await expect(run({ AUDIT_KEY: 'wrong' })).rejects.toMatchObject({ code: 1 })
  edit(dataDir, (lines) => lines.slice(0, 2))
  await expect(run({ AUDIT_KEY: key })).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining('cut off'),
  })
})
