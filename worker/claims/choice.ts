import type { ClaimPage } from '../../src/shared/claims.ts'

/** A page as a leader knows it. */
export interface KnownPage extends ClaimPage {
  /** The random id of the page's hub. */
  hub: string
}

/**
 * The pages that may handle the next event, the best one first (C5): a page that acknowledges what it is delivered, then one
 * in view, then the one that was last in view. Of equal pages the newest comes first.
 *
 * @param failed pages that have failed with this event: they come last
 */
export const inTurnOfChoice = (pages: KnownPage[], failed: ReadonlySet<string>): KnownPage[] =>
  [...pages]
    .reverse()
    .sort(
      (a, b) =>
        Number(failed.has(a.page)) - Number(failed.has(b.page)) ||
        Number(a.isStalled) - Number(b.isStalled) ||
        Number(b.visible) - Number(a.visible) ||
        b.at - a.at,
    )
