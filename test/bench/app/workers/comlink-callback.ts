import { expose, type ProxyMarked, type Remote } from 'comlink'

type Hear = ((data: string) => void) & ProxyMarked
type Opened = (() => void) & ProxyMarked

const tabs: { hear: Remote<Hear>; opened: Remote<Opened> }[] = []
let source: EventSource | null = null

const start = (url: string) => {
  source = new EventSource(url)
  source.onopen = () => {
    for (const { opened } of tabs) void opened()
  }
  source.onmessage = ({ data }) => {
    for (const { hear } of tabs) void hear(data)
  }
}

const hub = {
  subscribe(url: string, hear: Hear, opened: Opened) {
    tabs.push({ hear: hear as unknown as Remote<Hear>, opened: opened as unknown as Remote<Opened> })
    if (source === null) start(url)
    else if (source.readyState === EventSource.OPEN) void opened()
  },
}
export type CallbackHub = typeof hub

addEventListener('connect', (event) => expose(hub, (event as MessageEvent).ports[0]!))
