import type { Control } from '../../../src/shared/control.ts'
import type { ErrorData } from '../../../src/shared/status.ts'
import type { Received } from '../../../worker/log/received.ts'

/** What a topic that is refused carries. */
export const refusal = (topic: string, over: Partial<ErrorData> = {}): ErrorData => ({
  kind: 'topic',
  message: 'refused',
  retryable: false,
  state: 'open',
  attempt: 0,
  status: 403,
  lastEventId: '',
  at: 0,
  cause: null,
  topic,
  ...over,
})

/** A control as it is appended. */
export const control = (topic: string, what: Control, id = ''): Received => ({
  givenId: null,
  id,
  type: '',
  data: JSON.stringify(what),
  topic,
})

export const live = (topic: string, confirmed = true): Received => control(topic, { is: 'live', confirmed })
export const left = (topic: string): Received => control(topic, { is: 'left' })
