import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createVerifier } from '../../worker/verify/index.ts'
import { openHub, openTab, type TestHub } from '../unit/harness/hub.ts'
import { START } from '../unit/harness/platform.ts'
import { type FakeBody, sse } from '../unit/harness/server.ts'
import { claimsOf, createSigner, KEYS, type Signer, VERIFY } from '../unit/harness/signing.ts'
import { until } from '../unit/harness/turns.ts'

/** An adversary who can write to the stream, and has recorded what was signed, but has no key. */
describe('A5 signed events that are played again', () => {
  let signer: Signer
  let test: TestHub
  let bodies: FakeBody[]
  /** Of the answers to come. */
  let headers: Record<string, string>

  beforeEach(async () => {
    signer = await createSigner('key-1')
    test = openHub(undefined, { createVerifier })
    bodies = []
    headers = {}
    test.platform.server.handle((request) => {
      if (request.url === KEYS) return request.json({ keys: [signer.jwk] })
      bodies.push(request.stream(headers))
    })
  })
  afterEach(() => test.close())

  const signed = async (id: number) =>
    sse(String(id), await signer.sign(claimsOf(String(id), START)), 'alarm')
  const recorded = async (from: number, to: number) => {
    const texts = []
    for (let id = from; id <= to; id++) texts.push(await signed(id))
    return texts.join('')
  }
  const open = () => openTab(test, { options: { verify: VERIFY, maxEventSize: 1024 * 1024 } })
  type Tab = Awaited<ReturnType<typeof open>>
  const counts = async (tab: Tab) => {
    const { errors, duplicatesDropped } = await tab.hub.metrics()
    return { refused: errors.byKind.signature ?? 0, duplicates: duplicatesDropped }
  }
  const resets = (tab: Tab) => tab.batches.flatMap(({ reset }) => reset ?? [])

  it.each<[string, (tab: Tab, replay: string) => Promise<void>]>([
    [
      'after a forged `stream.reset`',
      async (_, replay) => bodies[0]!.push(sse('9', '', 'stream.reset') + replay),
    ],
    [
      'after two of them',
      async (_, replay) =>
        bodies[0]!.push(sse('8', '', 'stream.reset') + sse('9', '', 'stream.reset') + replay),
    ],
    [
      'after a forged `Stream-Resume: reset`',
      async (_, replay) => {
        headers = { 'stream-resume': 'reset' }
        bodies[0]!.end()
        await test.platform.advance(2_000)
        await until(() => bodies.length === 2)
        bodies[1]!.push(replay)
      },
    ],
    [
      'after dropLog()',
      async (tab, replay) => {
        await tab.hub.dropLog()
        await until(() => resets(tab).length === 1)
        bodies[0]!.push(replay)
      },
    ],
  ])('%s are not delivered again, and each is counted', async (_, attack) => {
    const tab = await open()
    await until(() => bodies.length === 1)
    const replay = await recorded(1, 3)
    bodies[0]!.push(replay)
    await until(() => tab.ids().length === 3)
    await attack(tab, replay)
    // What is new comes behind it.
    await until(() => resets(tab).length > 0)
    bodies.at(-1)!.push(await signed(10))
    await until(() => tab.ids().includes('10'))
    expect(tab.ids()).toEqual(['1', '2', '3', '10'])
    expect(await counts(tab)).toEqual({ refused: 3, duplicates: 0 })
    expect(tab.errors.at(-1)).toMatchObject({
      kind: 'signature',
      message: expect.stringMatching(/taken before/),
    })
  })

  it('without a reset are duplicates, in one chunk with the first as well, and the position stays', async () => {
    const tab = await open()
    await until(() => bodies.length === 1)
    const replay = await recorded(1, 2)
    bodies[0]!.push(replay + replay)
    bodies[0]!.push(await signed(3))
    await until(() => tab.ids().length === 3)
    bodies[0]!.push(replay)
    bodies[0]!.push(sse('4', 'plain', 'note'))
    await until(() => tab.ids().length === 4)
    expect(tab.ids()).toEqual(['1', '2', '3', '4'])
    expect(await counts(tab)).toEqual({ refused: 0, duplicates: 4 })
    expect(tab.errors).toEqual([])
  })

  it('of a worker that has died, after its successor has read the log, are not delivered again', async () => {
    const tab = await open()
    await until(() => bodies.length === 1)
    const replay = await recorded(1, 3)
    bodies[0]!.push(replay)
    await until(() => tab.ids().length === 3)
    await until(async () => (await tab.hub.inspect()).log.committed === 3)
    test.kill()
    const successor = openHub(test.platform, { createVerifier })
    const late = await openTab(successor, { options: { verify: VERIFY, maxEventSize: 1024 * 1024 } })
    for (let ms = 0; bodies.length < 2 && ms < 10_000; ms += 100) await test.platform.advance(100)
    bodies[1]!.push(sse('9', '', 'stream.reset') + replay + (await signed(10)))
    await until(() => late.ids().length > 0)
    expect(late.ids()).toEqual(['10'])
    await successor.close()
  })

  it('an id that a server gives again, after it has lost its log, is another event by its data', async () => {
    const tab = await open()
    await until(() => bodies.length === 1)
    bodies[0]!.push(await signed(1))
    await until(() => tab.ids().length === 1)
    const other = await signer.sign(claimsOf('1', START, { data: 'another' }))
    bodies[0]!.push(sse('9', '', 'stream.reset') + sse('1', other, 'alarm'))
    await until(() => tab.ids().length === 2)
    expect(tab.batches.flatMap(({ events }) => events.map(({ data }) => data)).at(-1)).toBe('"another"')
  })
})
