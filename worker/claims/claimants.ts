import type { ClaimPage, ClaimsState, ClaimWord, ClaimWords } from '../../src/shared/claims.ts'

/** What this file needs of a session. */
export interface ClaimingTab {
  readonly tab: string
  seen(): Pick<ClaimPage, 'visible' | 'at'>
  isStalled(): boolean
}

/** The tabs of this hub that have claims: what each tells of them, and what each is told. */
export interface Claimants {
  /**
   * A tab tells where it stands with all of its claims. @returns what it is told next; nothing, once it tells more. Never
   * settles once the tab is gone: a page at another hub by then tells that hub the same.
   *
   * @param isLockSeen whether this hub sees the locks of the tab
   */
  heard(tab: ClaimingTab, state: ClaimsState, isLockSeen: boolean): Promise<ClaimWords>
  gone(tab: ClaimingTab): void
  /** Tells a page one thing of a claim, once the page asks what there is. */
  tell(page: string, key: string, word: ClaimWord): void
  pages(): ClaimPage[]
  /** The tabs that have this claim, by their ids. */
  tabs(key: string): string[]
  /** Whether a tab of this hub has a claim (H3). */
  isAny(): boolean
}

interface Claimant {
  state: ClaimsState
  isLockSeen: boolean
  /** The latest word of each claim that the page has not been told yet. */
  words: ClaimWords
  answer(words: ClaimWords): void
}

/** @param onChange a tab has told more, or is gone */
export const createClaimants = (onChange: () => void): Claimants => {
  const claimants = new Map<ClaimingTab, Claimant>()

  const flush = (claimant: Claimant) => {
    if (Object.keys(claimant.words).length === 0) return
    const { words } = claimant
    claimant.words = {}
    claimant.answer(words)
    claimant.answer = (later) => Object.assign(claimant.words, later)
  }
  const gone = (tab: ClaimingTab) => {
    if (claimants.delete(tab)) onChange()
  }

  return {
    heard: (tab, state, isLockSeen) =>
      new Promise((answer) => {
        if (Object.keys(state.claims).length === 0) {
          answer({})
          return gone(tab)
        }
        const before = claimants.get(tab)
        const claimant = { state, isLockSeen, words: before?.words ?? {}, answer }
        claimants.set(tab, claimant)
        before?.answer({})
        onChange()
        flush(claimant)
      }),
    gone,
    tell(page, key, word) {
      for (const claimant of claimants.values())
        if (claimant.state.page === page) {
          claimant.words[key] = word
          flush(claimant)
        }
    },
    pages: () =>
      [...claimants].map(([tab, { state, isLockSeen }]) => ({
        ...state,
        ...tab.seen(),
        isLocked: state.isLocked && isLockSeen,
        isStalled: tab.isStalled(),
      })),
    tabs: (key) => [...claimants].flatMap(([tab, { state }]) => (key in state.claims ? [tab.tab] : [])),
    isAny: () => claimants.size > 0,
  }
}
