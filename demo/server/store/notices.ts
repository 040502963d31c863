import type { RedisConnection } from './redis-connection.ts'

/** What nodes tell each other at once. Each can be missed, so each is also found by asking, at leisure. */
export type Notice =
  | { kind: 'replaced'; lease: string }
  | { kind: 'revoked'; session?: string; user?: string }
  /** Other topics are wanted of the lease's stream. */
  | { kind: 'wanted'; lease: string }
  | { kind: 'topic-revoked'; user: string; topic: string }
  | { kind: 'keys' }

export interface Notices {
  readonly channel: string
  /** Every node hears it, the one that tells it too. */
  tell(notice: Notice): Promise<void>
  on(listener: (notice: Notice) => void): void
}

/** Of one process that is alone. */
export const createLocalNotices = (): Notices => {
  const listeners: ((notice: Notice) => void)[] = []
  return {
    channel: '',
    async tell(notice) {
      for (const listener of listeners) listener(notice)
    },
    on: (listener) => void listeners.push(listener),
  }
}

export const createRedisNotices = async (
  redis: RedisConnection,
  onError: (error: unknown) => void,
): Promise<Notices> => {
  const local = createLocalNotices()
  const channel = redis.name('notices')
  await redis.attempt(
    redis.subscriber.subscribe(channel, (message) => {
      try {
        void local.tell(JSON.parse(message) as Notice)
      } catch (error) {
        onError(error)
      }
    }),
  )
  return {
    channel,
    async tell(notice) {
      await redis.attempt(redis.commands.publish(channel, JSON.stringify(notice)))
    },
    on: local.on,
  }
}
