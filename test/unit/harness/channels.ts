import type { Channel } from '../../../worker/base/platform.ts'
import type { Relayed } from '../../../worker/leadership/hub-messages.ts'
import { turn } from './turns.ts'

/**
 * BroadcastChannels of one browser: each message is cloned, and reaches everybody else, in order, a turn later. One
 * that is closed throws.
 */
export const createFakeChannels = () => {
  const members = new Map<string, Set<(message: unknown) => void>>()
  const heard: Relayed[] = []
  const channels = {
    /** Sees what is posted, for a test that traces. */
    onPost: (_message: Relayed) => {},
    /** All that was ever posted. */
    heard,
    open(name: string, onMessage: (message: unknown) => void): Channel {
      const all = members.get(name) ?? new Set()
      members.set(name, all.add(onMessage))
      let closed = false
      return {
        post(message) {
          if (closed) throw new DOMException('The channel is closed.', 'InvalidStateError')
          const clone = structuredClone(message) as Relayed
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
