import type { ClaimWord } from '../../src/shared/claims.ts'
import type { ConnectionStatus, ErrorData } from '../../src/shared/status.ts'
import type { Log } from '../log/log.ts'
import type { FromLeader, HubMessage, Receiver } from './hub-messages.ts'
import type { NewestKnown } from './newest-known.ts'

export interface FollowerSideOptions {
  log: Pick<Log, 'position' | 'receive' | 'committedBy' | 'align' | 'heedClaims'>
  /** The random id of this hub. */
  hub: string
  known: Pick<NewestKnown, 'logPoint'>
  /** A leader of that term speaks. @returns whether this hub follows it */
  heedLeader(term: number): boolean
  post(message: HubMessage): void
  sayHello(): void
  onStatus(): void
  onError(error: ErrorData): void
  /** Another leader speaks for the first time. */
  onLeader(): void
  /** What a page of this hub is told of one of its claims. */
  onClaimWord(page: string, key: string, word: ClaimWord): void
}

export interface FollowerSide {
  receiver: Receiver<FromLeader>
  /** The stream's status as its leader tells it. `null`: no leader has told one yet, or this hub leads. */
  leaderStatus(): ConnectionStatus | null
  /** This hub leads from now on. */
  forgetLeader(): void
}

/** What a follower does when its leader speaks: it keeps its log in line, and asks for the events it lacks (L2). */
export const createFollowerSide = ({
  log,
  known,
  heedLeader,
  post,
  sayHello,
  onStatus,
  onError,
  hub,
  onLeader,
  onClaimWord,
}: FollowerSideOptions): FollowerSide => {
  let leaderStatus: ConnectionStatus | null = null
  let heardTerm = 0

  const fromFollowedLeader =
    <Message extends FromLeader>(take: (message: Message) => unknown) =>
    (message: Message) =>
      heedLeader(message.term) ? take(message) : undefined

  return {
    receiver: {
      leading: fromFollowedLeader(async ({ term, position, first, status }) => {
        leaderStatus = status
        onStatus()
        if (heardTerm !== term) onLeader()
        heardTerm = term
        const newest = known.logPoint()
        // L3: this leader gave itself a term that is too low. Told of the newer log, it begins a term above that, and
        // this hub follows it then.
        if (term < newest.lineage.term) return post({ type: 'newer-log', ...newest })
        if (!(await log.align(position, first))) return
        const { epoch, head } = log.position()
        post({ type: 'missing', epoch, after: head })
      }),
      events: fromFollowedLeader(async (message) => {
        if (!(await log.receive(message, message.lastEventId))) sayHello()
      }),
      committed: fromFollowedLeader((message) => log.committedBy(message)),
      status: fromFollowedLeader(({ status }) => {
        leaderStatus = status
        onStatus()
      }),
      error: fromFollowedLeader(({ error }) => onError(error)),
      claims: fromFollowedLeader(({ claims, ...of }) => log.heedClaims(claims, of)),
      'claim-word': fromFollowedLeader(({ hub: to, page, key, word }) => {
        if (to === hub) onClaimWord(page, key, word)
      }),
    },
    leaderStatus: () => leaderStatus,
    forgetLeader() {
      leaderStatus = null
    },
  }
}
