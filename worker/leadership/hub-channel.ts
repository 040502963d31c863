import type { Channel, Platform } from '../base/platform.ts'
import type { FromAnyHub, FromFollower, FromLeader, HubMessage, Receiver, Relayed } from './hub-messages.ts'

export interface HubChannelOptions {
  platform: Pick<Platform, 'openChannel'>
  protocol: number
  key: string
  /** What a hub hears as leader. */
  asLeader: Receiver<FromFollower>
  /** What a hub hears as follower. */
  asFollower: Receiver<FromLeader>
  /** What a hub hears in either role. */
  asHub: Receiver<FromAnyHub>
  /** Whether this hub hears of messages of that type now. */
  hears(type: HubMessage['type']): boolean
  /** A hub of that newer protocol is there (T4). */
  onNewer(protocol: number): void
  /** A hub of an older protocol is there (T4). */
  onOlder(): void
  /** A receiver has thrown. */
  onFailure(cause: unknown): void
}

export interface HubChannel {
  /** Opens the channel, unless it is open. */
  open(): void
  /** Sends a message to all other hubs of the key. Before `open` and after `close` it does nothing. */
  post(message: HubMessage): void
  /** Closes the channel for good. */
  close(): void
}

/**
 * The channel between the hubs of a key. It sorts messages by protocol and type, and knows nothing of their meaning.
 */
export const createHubChannel = ({
  platform,
  protocol,
  key,
  asLeader,
  asFollower,
  asHub,
  hears,
  onNewer,
  onOlder,
  onFailure,
}: HubChannelOptions): HubChannel => {
  let channel: Channel | 'not yet open' | 'closed' = 'not yet open'
  const receivers = { ...asLeader, ...asFollower, ...asHub }

  const hear = async (message: Relayed) => {
    if (!hears(message.type)) return
    if (message.protocol > protocol) return onNewer(message.protocol)
    if (message.protocol < protocol) return onOlder()
    const receive = receivers[message.type] as (message: HubMessage) => unknown
    await receive(message)
  }

  return {
    open() {
      if (channel === 'not yet open')
        channel = platform.openChannel(key, (message) => void hear(message as Relayed).catch(onFailure))
    },
    post(message) {
      // A closed BroadcastChannel throws InvalidStateError (HTML Standard, 9.5), and a timer may still post after
      // `close`.
      if (typeof channel !== 'string') channel.post({ ...message, protocol })
    },
    close() {
      if (typeof channel !== 'string') channel.close()
      channel = 'closed'
    },
  }
}
