/** What `REDIS_URL` names. */
export type RedisTarget =
  | { is: 'server'; url: string }
  /** Any of its nodes tells of the others. */
  | { is: 'cluster'; urls: string[] }
  /** Sentinels that know the master of this name, and what the servers behind them are reached with. */
  | { is: 'sentinel'; name: string; sentinels: { host: string; port: number }[]; login: RedisLogin }

export interface RedisLogin {
  username?: string
  password?: string
  tls: boolean
}

const expected =
  'REDIS_URL is redis://host:port, several of those with commas between them (Redis Cluster), or ' +
  'redis+sentinel://host:port,host:port/name-of-the-master; rediss instead of redis for TLS'

const parse = (address: string): URL => {
  try {
    return new URL(address)
  } catch {
    throw new Error(expected)
  }
}

/** Logins and scheme are those of the first address, where a later one has none. */
const parseAll = (text: string): { first: URL; all: URL[]; scheme: string } => {
  const [head = '', ...rest] = text.split(',').map((part) => part.trim())
  const first = parse(head)
  const all = rest.map((part) => {
    const url = parse(part.includes('://') ? part : `${first.protocol}//${part}`)
    if (url.protocol !== first.protocol) throw new Error(expected)
    if (url.username === '' && url.password === '') {
      url.username = first.username
      url.password = first.password
    }
    return url
  })
  return { first, all: [first, ...all], scheme: first.protocol.slice(0, -1) }
}

/** What servers are reached with, of which an address tells. */
export const loginOf = ({ username, password, protocol }: URL): RedisLogin => ({
  ...(username === '' ? {} : { username: decodeURIComponent(username) }),
  ...(password === '' ? {} : { password: decodeURIComponent(password) }),
  tls: protocol.startsWith('rediss'),
})

/**
 * `redis://host:6379`: one server. `redis://a:6379,b:6379`, or `redis+cluster://a:6379` where one address stands for all: a
 * cluster. `redis+sentinel://a:26379,b:26379/main`: the master that Sentinels name. Each with `rediss` for TLS.
 *
 * @throws Error says what can stand there, and repeats no password
 */
export const parseRedisUrl = (text: string): RedisTarget => {
  const { first, all, scheme } = parseAll(text)
  switch (scheme.replace(/^rediss/, 'redis')) {
    case 'redis':
      return all.length === 1
        ? { is: 'server', url: text.trim() }
        : { is: 'cluster', urls: all.map((url) => url.href) }
    case 'redis+cluster':
      return { is: 'cluster', urls: all.map((url) => url.href.replace('+cluster:', ':')) }
    case 'redis+sentinel': {
      const name = decodeURIComponent(all.at(-1)!.pathname.slice(1))
      if (name === '') throw new Error(expected)
      const sentinels = all.map(({ hostname, port }) => ({ host: hostname, port: Number(port) || 26_379 }))
      return { is: 'sentinel', name, sentinels, login: loginOf(first) }
    }
  }
  throw new Error(expected)
}
