import { createParser as createSseParser } from 'eventsource-parser'
import type { Received } from '../log/received.ts'

export interface Parsed {
  blocks: Received[]
  /** The reconnection time set, in ms; `null`: unchanged. */
  retry: number | null
  /** An event went past the limit (B1): `blocks` end before it, and there is nothing more to push. */
  tooLarge: boolean
}

/**
 * The HTML Standard's parser (9.2.6) over byte chunks, however they are cut.
 *
 * @param lastEventId the last event ID to inherit from
 * @param maxEventSize of one event's data, in characters (UTF-16 code units)
 */
export const createParser = (lastEventId: string, maxEventSize: number) => {
  let blocks: Received[] = []
  let retry: number | null = null
  let tooLarge = false

  const parser = createSseParser({
    maxBufferSize: maxEventSize,
    // Both are called at the blank line, onId first: an id whose event was cut off is never adopted.
    onId: (id) => {
      if (tooLarge) return
      lastEventId = id
      blocks.push({ position: id, id, type: null, data: '' })
    },
    onEvent: ({ id, event, data }) => {
      if (tooLarge) return
      if (id !== undefined) blocks.pop()
      // An event that came whole in one chunk never met the parser's own limit.
      tooLarge = data.length > maxEventSize
      if (!tooLarge) blocks.push({ position: id ?? null, id: lastEventId, type: event ?? 'message', data })
    },
    onRetry: (ms) => {
      retry = ms
    },
    onError: (error) => {
      tooLarge ||= error.type === 'max-buffer-size-exceeded'
    },
  })

  // The standard strips one BOM and no other. eventsource-parser also takes the text "ï»¿" for one, so it
  // is given the one it looks for up front, and the stream's own is dropped here (ignoreBOM keeps it).
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  let atStart = true
  parser.feed('\uFEFF')

  return {
    push(bytes: Uint8Array): Parsed {
      let text = decoder.decode(bytes, { stream: true })
      if (atStart && text !== '') {
        atStart = false
        if (text.charCodeAt(0) === 0xfeff) text = text.slice(1)
      }
      parser.feed(text)
      const parsed = { blocks, retry, tooLarge }
      blocks = []
      retry = null
      return parsed
    },
  }
}
