import { beforeEach, describe, expect, it } from 'vitest'
import type { Channel } from '../../../../worker/base/platform.ts'
import { createHubChannel, type HubChannel } from '../../../../worker/leadership/hub-channel.ts'
import type { HubMessage } from '../../../../worker/leadership/hub-messages.ts'
import { createFakeChannels } from '../../harness/channels.ts'
import { settle } from '../../harness/turns.ts'

const KEY = 'key'

describe('the channel between the hubs of a key', () => {
  let calls: string[]
  let said: unknown[]
  let other: Channel
  let channel: HubChannel
  let isOut: boolean

  beforeEach(() => {
    const channels = createFakeChannels()
    calls = []
    said = []
    isOut = false
    other = channels.open(KEY, (message) => said.push(message))
    const note = ({ type }: { type: string }) => void calls.push(type)
    channel = createHubChannel({
      platform: { openChannel: channels.open },
      protocol: 5,
      key: KEY,
      asLeader: { 'who-leads': note, hello: note, missing: note, command: note, claimants: note },
      asFollower: {
        leading: note,
        events: note,
        committed: note,
        status: note,
        error: note,
        claims: note,
        'claim-word': note,
      },
      asHub: {
        claim() {
          throw new Error('in this turn')
        },
        'newer-log': () => Promise.reject(new Error('later')),
        'sign-out': note,
      },
      hears: (type) => !isOut || type === 'sign-out',
      onNewer: (protocol) => void calls.push(`newer: ${protocol}`),
      onOlder: () => void calls.push('older'),
      onFailure: (cause) => void calls.push(String(cause)),
    })
  })
  const hear = async (message: object, protocol = 5) => {
    other.post({ ...message, protocol })
    await settle()
    return calls.splice(0)
  }

  it('L2 hands each message to the receiver of its type', async () => {
    channel.open()
    channel.open()
    expect(await hear({ type: 'hello' })).toEqual(['hello'])
    expect(await hear({ type: 'status' })).toEqual(['status'])
    expect(await hear({ type: 'sign-out' })).toEqual(['sign-out'])
  })

  it('T4 reads nothing of another protocol’s message but its number', async () => {
    channel.open()
    expect(await hear({ type: 'unheard of' }, 6)).toEqual(['newer: 6'])
    expect(await hear({ type: 'hello' }, 4)).toEqual(['older'])
  })

  it('A4 a hub that has no tab hears of a sign-out, and of nothing else', async () => {
    channel.open()
    isOut = true
    expect(await hear({ type: 'hello' })).toEqual([])
    expect(await hear({ type: 'sign-out' })).toEqual(['sign-out'])
  })

  it('L1 what a receiver throws is told, and the next message is heard', async () => {
    channel.open()
    expect(await hear({ type: 'claim' })).toEqual(['Error: in this turn'])
    expect(await hear({ type: 'newer-log' })).toEqual(['Error: later'])
    expect(await hear({ type: 'hello' })).toEqual(['hello'])
  })

  it('says nothing before it is open and after it is closed, where a BroadcastChannel throws', async () => {
    const hello: HubMessage = { type: 'hello', hub: 'h', topics: [] }
    channel.post(hello)
    channel.open()
    channel.post(hello)
    channel.close()
    channel.post(hello)
    channel.open()
    channel.post(hello)
    channel.close()
    await settle()
    expect(said).toEqual([{ ...hello, protocol: 5 }])
  })
})
