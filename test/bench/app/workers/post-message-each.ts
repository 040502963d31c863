const ports: MessagePort[] = []
let source: EventSource | null = null

const start = (url: string) => {
  source = new EventSource(url)
  source.onopen = () => {
    for (const port of ports) port.postMessage(null)
  }
  source.onmessage = ({ data, lastEventId }) => {
    for (const port of ports) port.postMessage({ data, id: lastEventId })
  }
}

addEventListener('connect', (event) => {
  const port = (event as MessageEvent).ports[0]!
  port.onmessage = ({ data: url }) => {
    ports.push(port)
    if (source === null) start(url)
    else if (source.readyState === EventSource.OPEN) port.postMessage(null)
  }
})
