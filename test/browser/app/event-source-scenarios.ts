import { SharedEventSource } from 'tabstream/event-source'

/**
 * One script for the native class and for ours. It knows both by their common interface alone, and writes down
 * what can be seen of them from outside.
 */
export type Kind = 'native' | 'shared'
/** That ours may stand here is a test of its types. */
/** In all but `user`, which it must be told, it is to be the native class: of a stream that is the same for all. */
const PublicSource = new Proxy(SharedEventSource, {
  construct: (target, [url, init]) => new target(url, { user: null, ...init }),
}) as unknown as typeof EventSource
const SOURCES: Record<Kind, typeof EventSource> = { native: EventSource, shared: PublicSource }

declare global {
  interface Window {
    traces: Record<Kind, Record<string, string[]>>
    traceEventSource: (kind: Kind, scenario: string) => void
    /** An origin gets six connections over HTTP/1.1: each scenario gives back its own. */
    closeEventSource: (kind: Kind, scenario: string) => void
  }
}

const opened: Record<Kind, Record<string, EventSource>> = { native: {}, shared: {} }
export const traces: Window['traces'] = { native: {}, shared: {} }
export const closeEventSource: Window['closeEventSource'] = (kind, scenario) =>
  opened[kind][scenario]?.close()
export const traceEventSource: Window['traceEventSource'] = (kind, scenario) => {
  const Source = SOURCES[kind]
  const path = `/es/${scenario}/${kind}`
  const lines: string[] = []
  traces[kind][scenario] = lines
  const log = (line: string) => void lines.push(line)
  const describe = (source: EventSource, event: Event) => {
    const { data, lastEventId, origin } = event as MessageEvent<string>
    const message =
      event instanceof MessageEvent
        ? ` ${JSON.stringify(data)} id=${JSON.stringify(lastEventId)} origin=${origin === location.origin}`
        : ''
    const { bubbles, cancelable, target } = event
    return `${event.type} [${source.readyState}]${message} ${event.constructor.name} ${bubbles} ${cancelable} ${target === source}`
  }
  const open = (types: string[] = []) => {
    const source = new Source(path)
    opened[kind][scenario] = source
    log(`constructed [${source.readyState}] ${new URL(source.url).pathname === path}`)
    source.onopen = (event: Event) => log(describe(source, event))
    source.onerror = (event: Event) => log(describe(source, event))
    source.onmessage = (event: Event) => log(describe(source, event))
    for (const type of types) source.addEventListener(type, (event: Event) => log(describe(source, event)))
    return source
  }
  const thrown = (act: () => unknown) => {
    try {
      act()
      return 'nothing'
    } catch (error) {
      return `${(error as Error).constructor.name} ${(error as Error).name}`
    }
  }

  const shape = () => {
    for (const [where, target] of [
      ['class', Source],
      ['prototype', Source.prototype],
    ] as const)
      for (const name of [
        ...['CONNECTING', 'OPEN', 'CLOSED', 'url', 'withCredentials', 'readyState', 'close'],
        ...['onopen', 'onmessage', 'onerror'],
      ]) {
        const found = Object.getOwnPropertyDescriptor(target, name)
        const { value, get, set, ...flags } = found ?? {}
        const kindOf = value === undefined ? '' : typeof value === 'number' ? value : typeof value
        log(`${where} ${name} ${kindOf} ${typeof get} ${typeof set} ${JSON.stringify(flags)}`)
      }
    log(`arguments ${Source.length}`)
    log(`not a URL: ${thrown(() => new Source('http://'))}`)
    log(`no argument: ${thrown(() => new (Source as unknown as { new (): unknown })())}`)
    log(`without new: ${thrown(() => (Source as unknown as () => void)())}`)
  }
  const instance = () => {
    const source = open()
    log(`${source instanceof EventTarget} ${Object.keys(source)} ${source.withCredentials}`)
    log(`constants ${source.CONNECTING} ${source.OPEN} ${source.CLOSED}`)
    log(`readonly ${thrown(() => Object.assign(source, { readyState: 7 }))}`)
    const noop = () => {}
    source.onmessage = noop
    log(`handler ${source.onmessage === noop}`)
    source.onmessage = 'text' as unknown as null
    log(`no function ${source.onmessage}`)
    source.onmessage = {} as unknown as null
    log(`object ${typeof source.onmessage}`)
    source.onmessage = undefined as unknown as null
    log(`undefined ${source.onmessage}`)
    source.close()
    log(`closed [${source.readyState}]`)
    source.close()
    log(`twice [${source.readyState}]`)
    const credentials = new Source(path, { withCredentials: true })
    credentials.close()
    log(`credentials ${credentials.withCredentials}`)
  }

  const closeInside = () => {
    const source = open()
    source.addEventListener('message', () => {
      source.close()
      log(`closed [${source.readyState}]`)
    })
    source.addEventListener('message', () => log('the next listener of the same event'))
  }
  const closeEarly = () => {
    const source = open()
    source.close()
    log(`closed [${source.readyState}]`)
  }
  const listeners = () => {
    const source = open()
    const once = (event: Event) => log(`once ${(event as MessageEvent<string>).data}`)
    const removed = () => log('removed')
    const object = {
      handleEvent(event: Event) {
        log(`object ${(event as MessageEvent<string>).data} ${this === object}`)
      },
    }
    source.addEventListener('message', once, { once: true })
    source.addEventListener('message', removed)
    source.removeEventListener('message', removed)
    source.addEventListener('message', object)
    source.addEventListener('message', object)
    source.addEventListener('message', null as unknown as () => void)
    source.addEventListener('message', () => {
      throw new Error('a listener that breaks')
    })
    source.addEventListener('message', () => log('after the one that breaks'))
    // A handler that takes another's place keeps it; one that was taken away comes back last.
    source.onmessage = () => log('handler')
    source.addEventListener('away', () => {
      source.onmessage = null
      source.onmessage = () => log('handler again')
    })
  }

  const special: Record<string, () => void> = {
    shape,
    instance,
    'close-inside': closeInside,
    'close-early': closeEarly,
    listeners,
    messages: () => void open(['note', 'open', 'error', '*']),
  }
  const act = special[scenario] ?? (() => void open())
  act()
}
