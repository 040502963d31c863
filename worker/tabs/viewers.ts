import { LONGEST_TIMER, type Platform } from '../base/platform.ts'

export interface ViewersOptions {
  platform: Pick<Platform, 'now' | 'after'>
  /** ms without a tab in view after which the stream is let go; `false`: it is kept. */
  release: number | false
  /** Whether a tab of this hub is in view, or needs the stream all the same. */
  isInView(): boolean
  /** Opens the stream, unless it is open. */
  takeUp(): void
  /** Ends the stream that nobody looks at, unless it is ended. */
  letGo(): void
}

/** Whether anybody looks at a tab of any hub, and so whether the leader needs its stream (H2). */
export interface Viewers {
  /** This hub leads from now on: it takes the stream up, and counts from here. */
  lead(): void
  /** This hub does not lead any more. Its stream is for others to end. */
  stop(): void
  /** A tab of another hub is in view, or somebody asked for the stream. */
  seen(): void
  /** A tab has come into view, went out of view or is gone; or the state of the stream has changed. */
  look(): void
}

export const createViewers = ({ platform, release, isInView, takeUp, letGo }: ViewersOptions): Viewers => {
  let isLeading = false
  let isLetGo = false
  let wasInView = false
  /** When somebody last looked, in ms since 1970. */
  let seenAt = 0
  let cancel = () => {}

  const look = () => {
    cancel()
    if (!isLeading || release === false) return
    const now = platform.now()
    const isSeen = isInView()
    // A clock that was set back must not make a time of the future last.
    seenAt = isSeen || wasInView ? now : Math.min(seenAt, now)
    wasInView = isSeen
    const left = seenAt + release - now
    if (left > 0) {
      if (!isSeen) cancel = platform.after(Math.min(left, LONGEST_TIMER), look)
      if (!isLetGo) return
      isLetGo = false
      takeUp()
    } else {
      isLetGo = true
      // An attempt may have begun since: the server had named its time.
      letGo()
    }
  }

  return {
    lead() {
      isLeading = true
      isLetGo = false
      seenAt = platform.now()
      takeUp()
      look()
    },
    stop() {
      isLeading = false
      cancel()
    },
    seen() {
      seenAt = platform.now()
      look()
    },
    look,
  }
}
