import type { ClaimPage, ClaimRecords, ClaimWord } from '../../src/shared/claims.ts'
import type { ConnectionStatus, ErrorData } from '../../src/shared/status.ts'
import type { Platform } from '../base/platform.ts'
import type { Appended, Committed, Log } from '../log/log.ts'
import { createFollowers } from './followers.ts'
import type { FreezeGuard } from './freeze-guard.ts'
import type { FromFollower, FromLeader, HubMessage, Receiver, StreamCommand } from './hub-messages.ts'
import type { LeadershipState } from './leadership-state.ts'

/** ms that a leader waits with its answer to `hello`: one answer each would cost n * n messages for n followers. */
const ANSWER_AFTER = 50

export interface LeaderSideOptions {
  platform: Pick<Platform, 'now' | 'after'>
  log: Pick<Log, 'position' | 'first' | 'read'>
  freeze: Pick<FreezeGuard, 'ran'>
  state(): LeadershipState
  connectionStatus(): ConnectionStatus
  post(message: HubMessage): void
  /** A tab of a follower is in view (H2). */
  onInView(): void
  onCommand(command: StreamCommand): void
  /** A follower says which topics its tabs want. */
  onWants(hub: string, topics: string[]): void
  /** A follower says which of its pages have claims, and where each stands. */
  onClaimants(hub: string, claimants: ClaimPage[]): void
}

export interface LeaderSide {
  receiver: Receiver<FromFollower>
  /** Says that this hub leads, and where its log stands. */
  announce(): void
  /** Whether a follower has said anything in the last 5 s. */
  hasFollowers(): boolean
  /** Tells a page of a follower something of its claim. */
  tellClaim(hub: string, page: string, key: string, word: ClaimWord): void
  // L2: those that follow post nothing unless this hub leads and has followers.
  relayEvents(appended: Appended): void
  relayCommitted(committed: Committed): void
  relayStatus(status: ConnectionStatus): void
  relayError(error: ErrorData): void
  relayClaims(claims: ClaimRecords): void
}

/**
 * What a leader says: that it leads, what it appends and commits, and the events that followers lack. Over 80 lines:
 * all messages of a leader, side by side.
 */
export const createLeaderSide = ({
  platform,
  log,
  freeze,
  state,
  connectionStatus,
  post,
  onInView,
  onCommand,
  onWants,
  onClaimants,
}: LeaderSideOptions): LeaderSide => {
  let answering = false

  const isLeading = () => state().is === 'leading'
  const tell = (message: (term: number) => FromLeader) => {
    const now = state()
    if (now.is === 'leading' && followers.areThere()) post(message(now.term))
  }
  const announce = () => {
    const now = state()
    if (now.is !== 'leading') return
    const position = { ...log.position() }
    post({ type: 'leading', term: now.term, position, first: log.first(), status: connectionStatus() })
  }
  const answer = () => {
    if (answering) return
    answering = true
    platform.after(ANSWER_AFTER, () => {
      answering = false
      announce()
    })
  }

  const followers = createFollowers({
    platform,
    isLeading,
    onBeat() {
      freeze.ran()
      announce()
    },
  })

  const sendMissing = async (after: number) => {
    const { epoch } = log.position()
    for (let from = after; isLeading(); ) {
      const events = await log.read(from)
      const { epoch: current, lastEventId } = log.position()
      if (current !== epoch) return
      if (events.length === 0) break
      const start = from
      tell((term) => ({ type: 'events', term, epoch, after: start, events, lastEventId }))
      from = events.at(-1)!.seq
    }
    // A leader that has nothing to give has trimmed the events: `first` in its answer says so. The answer is delayed,
    // since the follower asks again, upon the answer, for what it still lacks.
    answer()
  }

  const repeatClaim = () => {
    const now = state()
    if (now.is === 'claiming') post({ type: 'claim', claim: now.claim })
  }

  return {
    receiver: {
      'who-leads'() {
        repeatClaim()
        if (!isLeading()) return
        followers.seen()
        announce()
      },
      hello({ hub, topics, inView, claimants = [] }) {
        repeatClaim()
        if (!isLeading()) return
        if (inView) onInView()
        followers.seen()
        onWants(hub, topics)
        onClaimants(hub, claimants)
        answer()
      },
      claimants({ hub, claimants }) {
        if (!isLeading()) return
        followers.seen()
        onClaimants(hub, claimants)
      },
      missing({ epoch, after }) {
        if (!isLeading()) return
        // Right after a change of leader, this may be the first word that the leader hears from a follower.
        followers.seen()
        if (epoch === log.position().epoch) return sendMissing(after)
      },
      command({ command }) {
        if (isLeading()) onCommand(command)
      },
    },
    announce,
    hasFollowers: followers.areThere,
    relayEvents({ after, events }) {
      const { epoch, lastEventId } = log.position()
      tell((term) => ({ type: 'events', term, epoch, after, events, lastEventId }))
    },
    relayCommitted: (committed) =>
      tell((term) => ({ type: 'committed', term, epoch: log.position().epoch, ...committed })),
    relayStatus: (status) => tell((term) => ({ type: 'status', term, status })),
    tellClaim: (hub, page, key, word) => tell((term) => ({ type: 'claim-word', term, hub, page, key, word })),
    relayClaims: (claims) => tell((term) => ({ type: 'claims', term, epoch: log.position().epoch, claims })),
    relayError: (error) => tell((term) => ({ type: 'error', term, error })),
  }
}
