/** What the server's debug interface says of one user. */
export interface ServerFigures {
  /** Events of the user's log, ever. */
  published: number
  connections: number
  /** Connections that a user may have. */
  limit: number
  refused: number
  /** Written for the user's streams since the server started. */
  bytes: number
  /** The `Stream-Client` of each connection. */
  clients: (string | null)[]
}

export interface ServerOptions {
  user: string
  onFigures: (figures: ServerFigures | null) => void
}

/** The debug interface of the reference server, which is there with --dev. */
export const createServer = ({ user, onFigures }: ServerOptions) => {
  const post = async <Answer>(path: string, body: object = {}): Promise<Answer> => {
    const response = await fetch(`/debug/${path}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ user, ...body }),
    })
    if (response.status === 404) throw new Error('The server has faults only if started with --dev.')
    if (!response.ok) throw new Error(`The server answered ${response.status}.`)
    return response.json() as Promise<Answer>
  }

  const figuresOf = async (whose: string): Promise<ServerFigures> => {
    const response = await fetch(`/debug/user?user=${encodeURIComponent(whose)}`)
    if (!response.ok) throw new Error(`The server answered ${response.status}.`)
    return response.json() as Promise<ServerFigures>
  }

  /** `null`: it does not answer. */
  const look = async () => {
    const figures = await figuresOf(user).catch(() => null)
    onFigures(figures)
    return figures
  }

  return {
    post,
    figuresOf,
    look,
    /** Publishes so many numbered events for the user. @returns the number of the last event, hers all told */
    async publish(count: number, bytes = 0): Promise<number> {
      const { ids } = await post<{ ids: string[] }>('publish', { count, bytes })
      return Number(ids.at(-1)!.split('-')[1])
    },
    /** Looks once a second while anybody looks at the page. */
    watch(): void {
      const again = async () => {
        if (!document.hidden) await look()
        setTimeout(again, 1_000)
      }
      void again()
    },
  }
}

export type Server = ReturnType<typeof createServer>
