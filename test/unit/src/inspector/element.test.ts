import { Window } from 'happy-dom'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { InspectOptions } from '../../../../src/shared/inspection.ts'
import type { EventMap, Inspected, InspectorElement } from '../../../../src/stream.ts'
import { createTestStream, type TestStream } from '../../../../src/testing.ts'
import { until } from '../../harness/turns.ts'

/** What it takes of a page. No `window`: with one, the plots' library would look for a screen. */
const GLOBALS = [
  ...(['document', 'customElements', 'HTMLElement', 'CSSStyleSheet', 'navigator'] as const),
  ...(['location', 'innerHeight'] as const),
]

describe('<tabstream-inspector>', () => {
  let window: Window
  let openInspector: (stream: Inspected) => InspectorElement
  let test: TestStream<EventMap>
  let asked: (InspectOptions | undefined)[]
  let stream: Inspected

  beforeAll(async () => {
    window = new Window({ url: 'https://app.test/' })
    for (const name of GLOBALS) vi.stubGlobal(name, window[name])
    // The class is made when its file is loaded, and other tests have loaded it without a page.
    vi.resetModules()
    ;({ openInspector } = await import('../../../../src/inspector/index.ts'))
  })
  afterAll(async () => {
    await window.happyDOM.close()
    vi.unstubAllGlobals()
    vi.resetModules()
  })
  beforeEach(() => {
    test = createTestStream()
    asked = []
    const heads = [1, 2, 3].map((seq) => ({
      seq,
      id: `id-${seq}`,
      type: seq === 2 ? 'note' : 'task',
      topic: null,
      control: null,
      at: 0,
      size: seq,
    }))
    stream = {
      ...test.stream,
      get status() {
        return test.stream.status
      },
      async inspect(what) {
        asked.push(what)
        const inspection = await test.stream.inspect()
        const { log } = inspection
        return {
          ...inspection,
          log: { ...log, head: 3 },
          heads: what?.heads === undefined || what.heads.after === 3 ? [] : heads,
          data: what?.data === undefined ? null : `{"payload":${what.data}}`,
        }
      },
    }
  })
  afterEach(() => {
    document.querySelector('tabstream-inspector')?.remove()
  })

  const find = <E extends HTMLElement>(element: InspectorElement, selector: string): E => {
    const found = element.shadowRoot!.querySelector<E>(selector)
    if (found === null) throw new Error(`There is no ${selector}.`)
    return found
  }
  const textOf = (element: InspectorElement, selector: string) => find(element, selector).textContent
  const options = (element: InspectorElement) =>
    [...element.shadowRoot!.querySelectorAll('[role=option] .type')].map(({ textContent }) => textContent)

  it('I3 one for each stream, in the document and open, also after it was taken out', () => {
    const element = openInspector(stream)
    expect([element.isConnected, element.open, element.stream]).toEqual([true, true, stream])
    expect(openInspector(stream)).toBe(element)
    element.remove()
    element.open = false
    expect(openInspector(stream)).toBe(element)
    expect([element.isConnected, element.open]).toEqual([true, true])
    const other = openInspector(createTestStream().stream)
    expect(other).not.toBe(element)
    other.remove()
  })

  it('says how the stream stands, in the head and on the button, as it changes', () => {
    const element = openInspector(stream)
    expect([textOf(element, '.bar .state'), textOf(element, '.opener .state')]).toEqual(['open', 'open'])
    test.setStatus({ health: 'degraded' })
    expect(textOf(element, '.bar .state')).toBe('open, but silent')
    test.fail({ state: 'failed', kind: 'worker' })
    expect(find(element, '.bar .state').dataset.tone).toBe('bad')
  })

  it('I3 asks only while it is open, and only what the panel in view needs', async () => {
    const element = openInspector(stream)
    await until(() => asked.length === 1)
    expect(asked).toEqual([undefined])
    find(element, '#tab-timeline').click()
    await until(() => asked.length === 2)
    expect(asked.at(-1)).toEqual({ timeline: 200 })
    element.open = false
    test.setStatus({ tabs: 2 })
    expect(asked).toHaveLength(2)
    element.open = true
    await until(() => asked.length === 3)
    element.remove()
    test.setStatus({ tabs: 3 })
    expect(asked).toHaveLength(3)
  })

  it('shows a stream that was given before the class was there, and lets go of one that is taken away', () => {
    const element = openInspector(stream)
    element.stream = null
    expect(element.shadowRoot!.childElementCount).toBe(0)
    element.remove()
    Object.defineProperty(element, 'stream', { value: stream, configurable: true, writable: true })
    document.body.append(element)
    expect(Object.hasOwn(element, 'stream')).toBe(false)
    expect(textOf(element, '.bar .state')).toBe('open')
  })

  it('I1 lists the heads of the log, the newest first, by type; and asks for a payload when one is chosen', async () => {
    const element = openInspector(stream)
    find(element, '#tab-log').click()
    await until(() => options(element).length === 3)
    expect(options(element)).toEqual(['task', 'note', 'task'])
    const filter = find<HTMLInputElement>(element, 'input')
    filter.value = 'NOT'
    filter.dispatchEvent(new window.Event('input') as unknown as Event)
    expect(options(element)).toEqual(['note'])
    expect(asked.some((what) => what?.data !== undefined)).toBe(false)
    find(element, '[role=option]').click()
    await until(() => textOf(element, 'pre') !== '')
    expect(asked.at(-1)).toEqual({ data: 2 })
    expect(JSON.parse(textOf(element, 'pre')!)).toEqual({ payload: 2 })
  })

  it('of a stream that does not answer shows what it knows, and says why', async () => {
    const closed = createTestStream()
    closed.stream.close()
    const element = openInspector({
      ...closed.stream,
      status: closed.stream.status,
      inspect: () => Promise.reject(new Error('The stream is closed.')),
    })
    await until(() => !find(element, '.problem').hidden)
    expect(textOf(element, '.problem')).toBe('No answer from the worker: The stream is closed.')
    expect(textOf(element, '.bar .state')).toBe('closed')
  })
})

describe('tabstream/inspector on a server', () => {
  it('I3 is imported without a page, and defines nothing', async () => {
    vi.resetModules()
    expect(globalThis).not.toHaveProperty('customElements')
    expect(await import('../../../../src/inspector/index.ts')).toHaveProperty('openInspector')
    vi.resetModules()
  })
})
