/** What one tab has had of the server's events. */
export interface Account {
  /** Events that it had once. */
  received: number
  /** The server's numbers of the first and the last of them; 0: none yet. */
  first: number
  last: number
  /** Numbers between the first and the last that never came. */
  lost: number
  doubled: number
  /** Times that the library said that continuity could not be kept (D1): what was missed then is told, not lost. */
  resets: number
}

export const noAccount = (): Account => ({ received: 0, first: 0, last: 0, lost: 0, doubled: 0, resets: 0 })

/** Ids of the reference server: `<epoch>-<n>`, with Redis `<epoch>-<n>-<stamp>`. `n` counts a user's events. */
const parseId = (id: string) => {
  const [, epoch, n] = /^([0-9a-f]{8})-(\d+)/.exec(id) ?? []
  return epoch === undefined ? undefined : { epoch, n: Number(n) }
}

/**
 * Counts by the server's own numbers and by nothing that the library says: what it loses or doubles shows here. Knows
 * nothing of where the events come from.
 */
export const createAccount = () => {
  let account = noAccount()
  let epoch = ''
  let isContinued = false
  const missing = new Set<number>()

  return {
    read: (): Account => ({ ...account, lost: missing.size }),

    take(id: string): void {
      const place = parseId(id)
      if (!place) return
      const { n } = place
      if (place.epoch !== epoch) isContinued = false
      epoch = place.epoch
      const { received, last } = account
      if (!isContinued) {
        isContinued = true
        account = { ...account, received: received + 1, first: account.first || n, last: n }
      } else if (n > last) {
        for (let gap = last + 1; gap < n; gap++) missing.add(gap)
        account = { ...account, received: received + 1, last: n }
      } else if (missing.delete(n)) account = { ...account, received: received + 1 }
      else account = { ...account, doubled: account.doubled + 1 }
    },

    reset(): void {
      isContinued = false
      account = { ...account, resets: account.resets + 1 }
    },
  }
}
