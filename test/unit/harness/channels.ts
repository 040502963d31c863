import type { RelayChannel, Relayed } from '../../../worker/relay.ts'
import { turn } from './turns.ts'

/** BroadcastChannels of one browser: each message is cloned, and reaches everybody else, in order, a turn later. */
export const createFakeChannels = () => {
  const members = new Map<string, Set<(message: Relayed) => void>>()
  const heard: Relayed[] = []
  const channels = {
    /** Sees what is posted, for a test that traces. */
    onPost: (_message: Relayed) => {},
    /** All that was ever posted. */
    heard,
    open(name: string, onMessage: (message: Relayed) => void): RelayChannel {
      const all = members.get(name) ?? new Set()
      members.set(name, all.add(onMessage))
      let closed = false
      return {
        post(message) {
          if (closed) return
          const clone = structuredClone(message)
          heard.push(clone)
          channels.onPost(clone)
          for (const member of all)
            if (member !== onMessage) void turn().then(() => all.has(member) && member(clone))
        },
        close() {
          closed = true
          all.delete(onMessage)
        },
      }
    },
  }
  return channels
}
