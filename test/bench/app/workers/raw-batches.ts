import { createParser, type EventSourceMessage } from 'eventsource-parser'

const BATCH = 100

const ports: MessagePort[] = []
let state: 'idle' | 'connecting' | 'open' = 'idle'

const tell = (message: unknown) => {
  for (const port of ports) port.postMessage(message)
}

const start = async (url: string) => {
  state = 'connecting'
  const { body } = await fetch(url)
  state = 'open'
  tell(null)
  let batch: EventSourceMessage[] = []
  const flush = () => {
    if (batch.length > 0) tell(batch)
    batch = []
  }
  const parser = createParser({
    onEvent(event) {
      batch.push(event)
      if (batch.length === BATCH) flush()
    },
  })
  const decoder = new TextDecoder()
  const reader = body!.getReader()
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    parser.feed(decoder.decode(read.value, { stream: true }))
    flush()
  }
}

addEventListener('connect', (event) => {
  const port = (event as MessageEvent).ports[0]!
  port.onmessage = ({ data: url }) => {
    ports.push(port)
    if (state === 'idle') void start(url)
    else if (state === 'open') port.postMessage(null)
  }
})
