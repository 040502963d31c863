import type { StoredEvent } from '../store/event-store.ts'

/** Whether a user may have an event of a topic that the user has, asked at the moment that it would be sent. */
export type Authorize = (user: string, event: StoredEvent) => boolean | Promise<boolean>
