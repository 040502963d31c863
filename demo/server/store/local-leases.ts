import type { Lease, Leases, WantedTopics } from './leases.ts'

/** Leases of one process, which end with it. */
export const createLocalLeases = (streamsPerUser: number): Leases => {
  const leases = new Map<string, Map<string, Lease>>()
  const wanted = new Map<string, WantedTopics>()
  let tell = (_id: string) => {}
  let tellWanted = (_id: string) => {}

  const remove = ({ user, id }: Pick<Lease, 'user' | 'id'>) => {
    wanted.delete(id)
    const held = leases.get(user)
    if (held?.delete(id) && held.size === 0) leases.delete(user)
  }

  return {
    life: Number.POSITIVE_INFINITY,

    async claim(lease) {
      const { user, client } = lease
      const same = (other: Lease) => client !== null && other.client === client
      const old = [...(leases.get(user)?.values() ?? [])].find(same)
      if (old) {
        remove(old)
        tell(old.id)
      }
      const held = leases.get(user) ?? new Map<string, Lease>()
      if (held.size >= streamsPerUser) return { state: 'refused' }
      leases.set(user, held.set(lease.id, lease))
      return { state: 'granted', replaced: old !== undefined, count: held.size }
    },

    renew: async ({ user, id }) => (leases.get(user)?.has(id) ? 'held' : 'lost'),
    release: async (lease) => remove(lease),
    has: async (user) => leases.has(user),

    async want({ user, id, client }, next) {
      const lease = leases.get(user)?.get(id)
      if (!lease || lease.client !== client) return 'gone'
      if ((wanted.get(id)?.rev ?? 0) >= next.rev) return 'stale'
      wanted.set(id, next)
      tellWanted(id)
      return 'taken'
    },

    wanted: async ({ id }) => wanted.get(id) ?? null,
    onWanted(listener) {
      tellWanted = listener
    },
    onReplaced(listener) {
      tell = listener
    },
  }
}
