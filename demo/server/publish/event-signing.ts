import { CompactSign, calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose'
import type { SigningKeyStorage } from '../store/signing-key-storage.ts'

export interface EventSigningOptions {
  storage: SigningKeyStorage
  /** Who the events are for: `aud`. */
  audience: string
  /** Seconds that a public key is served for, after another has taken its place. */
  retention: number
  now: () => number
}

export interface EventToSign {
  /** The only user whom it is for. Undefined: whoever has the topic. */
  user?: string
  topic: string
  id: string
  type: string
  data: unknown
}

export interface EventSigning {
  /** @returns the event's `data` as it goes on the wire: a compact JWS */
  sign(event: EventToSign): Promise<string>
  /** What clients verify with: the key of the moment first, then those that stored events were signed by. */
  jwks(): { keys: JWK[] }
  /** Reads the keys again: another node may have rotated them. */
  refresh(): Promise<void>
  /** A new key signs from now on; the private half of the old one is forgotten. */
  rotate(): Promise<{ kid: string }>
}

interface KeyFile {
  current: { kid: string; jwk: JWK }
  /** Public halves only: what was retired signs nothing any more. */
  retired: { jwk: JWK; at: number }[]
}

const publicOf = ({ kty, crv, x, kid }: JWK): JWK => ({
  kty: kty!,
  crv: crv!,
  x: x!,
  kid: kid!,
  alg: 'EdDSA',
  use: 'sig',
})

const createKey = async () => {
  const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true })
  const jwk = await exportJWK(privateKey)
  const kid = await calculateJwkThumbprint(jwk)
  return { kid, jwk: { ...jwk, kid } }
}

/**
 * Signs critical events: a compact JWS by Ed25519 (RFC 8037) over what the event is, for whom, in which
 * topic and under which id, so that a valid signature can't be moved to another event, user, topic or application.
 */
export const openEventSigning = async (options: EventSigningOptions): Promise<EventSigning> => {
  const { storage, audience, retention, now } = options
  const alive = ({ retired }: KeyFile) => retired.filter(({ at }) => now() - at < retention * 1000)

  /** What there is, or what `next` makes of it. */
  const settle = async (next: (file: KeyFile | undefined) => Promise<KeyFile | undefined>) => {
    for (;;) {
      const text = await storage.read()
      const file = text === undefined ? undefined : (JSON.parse(text) as KeyFile)
      const changed = await next(file)
      if (changed === undefined) return file!
      if (await storage.replace(text, JSON.stringify(changed))) return changed
    }
  }

  let file: KeyFile
  let key: Awaited<ReturnType<typeof importJWK>>

  const adopt = async (settled: KeyFile) => {
    key = await importJWK(settled.current.jwk, 'EdDSA')
    file = settled
  }

  const refresh = async () =>
    adopt(
      await settle(async (found) =>
        found === undefined ? { current: await createKey(), retired: [] } : undefined,
      ),
    )
  await refresh()

  return {
    async sign({ user, topic, id, type, data }) {
      const iat = Math.floor(now() / 1000)
      // Without a user there is no `sub`: JSON leaves it out.
      const claims = { aud: audience, sub: user, top: topic, jti: id, typ: type, iat, data }
      return new CompactSign(new TextEncoder().encode(JSON.stringify(claims)))
        .setProtectedHeader({ alg: 'EdDSA', kid: file.current.kid, typ: 'tabstream-event+jwt' })
        .sign(key)
    },

    jwks: () => ({
      keys: [publicOf(file.current.jwk), ...alive(file).map(({ jwk }) => jwk)],
    }),

    refresh,

    async rotate() {
      await adopt(
        await settle(async (found) => ({
          current: await createKey(),
          retired: found ? [{ jwk: publicOf(found.current.jwk), at: now() }, ...alive(found)] : [],
        })),
      )
      return { kid: file.current.kid }
    },
  }
}

/** What was signed. Verifies nothing: for the server's own store only. */
export const unwrap = (jws: string): string => {
  const { data } = JSON.parse(Buffer.from(jws.split('.')[1]!, 'base64url').toString()) as { data: unknown }
  return JSON.stringify(data)
}
