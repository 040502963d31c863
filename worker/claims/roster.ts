import type { ClaimPage, PageClaim } from '../../src/shared/claims.ts'
import type { Platform } from '../base/platform.ts'
import { inTurnOfChoice, type KnownPage } from './choice.ts'

/** ms without a word of a hub after which its pages are no candidates. A follower says hello once a second. */
const HUB_SILENT = 5_000

export interface RosterOptions {
  platform: Pick<Platform, 'now'>
  /** The random id of this hub, which is never silent. */
  own: string
}

/** The pages with claims, of all hubs, as far as a leader has heard. */
export interface Roster {
  /** A hub tells all of its pages. */
  heard(hub: string, pages: ClaimPage[]): void
  page(page: string): KnownPage | undefined
  pages(): KnownPage[]
  /** What a page has told of this claim last. */
  claim(page: string, key: string): PageClaim | undefined
  /** The accounts that a page has a claim of. */
  keys(): string[]
  /** The pages that take events of this account, with what each has told of it. */
  claimants(key: string): { page: KnownPage; claim: PageClaim }[]
  /** The page that is to be offered the next event; `undefined`: there is none, or none answers. */
  choose(key: string, failed: ReadonlySet<string>): KnownPage | undefined
  /** The page did not answer: nothing is offered to it before it speaks again. */
  isSilent(page: string): void
  clear(): void
}

export const createRoster = ({ platform, own }: RosterOptions): Roster => {
  const hubs = new Map<string, { pages: ClaimPage[]; at: number }>()
  /** How much each silent page had told by the time that it was silent. */
  const silent = new Map<string, number>()

  const all = (): KnownPage[] => {
    const now = platform.now()
    return [...hubs].flatMap(([hub, { pages, at }]) =>
      hub === own || Math.abs(now - at) < HUB_SILENT ? pages.map((page) => ({ ...page, hub })) : [],
    )
  }
  const page = (id: string) =>
    // A page that moves to another hub may be known at both for a moment.
    all()
      .filter((each) => each.page === id)
      .sort((a, b) => b.told - a.told)[0]
  const claimants = (key: string) =>
    all().flatMap((each) => {
      const claim = each.claims[key]
      return claim === undefined || claim.isOver ? [] : [{ page: each, claim }]
    })

  return {
    heard(hub, pages) {
      hubs.set(hub, { pages, at: platform.now() })
      for (const { page, told } of pages) if (told > (silent.get(page) ?? told)) silent.delete(page)
    },
    page,
    pages: all,
    claim: (id, key) => page(id)?.claims[key],
    keys: () => [...new Set(all().flatMap(({ claims }) => Object.keys(claims)))],
    claimants,
    choose: (key, failed) =>
      inTurnOfChoice(
        claimants(key)
          .map(({ page }) => page)
          .filter(({ page }) => !silent.has(page)),
        failed,
      )[0],
    isSilent(id) {
      silent.set(id, page(id)?.told ?? 0)
    },
    clear() {
      hubs.clear()
      silent.clear()
    },
  }
}
