import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CompactSign, calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose'

export interface EventSigningOptions {
  dataDir: string
  /** Who the events are for: `aud`. */
  audience: string
  /** Seconds that a public key is served for, after another has taken its place. */
  retention: number
  now: () => number
}

export interface EventToSign {
  user: string
  id: string
  type: string
  data: unknown
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
 * Signs critical events: a compact JWS by Ed25519 (RFC 8037) over what the event is, for whom, and under which
 * id, so that a valid signature can't be moved to another event, user or application. Keys are kept in `dataDir`.
 */
export const openEventSigning = async ({ dataDir, audience, retention, now }: EventSigningOptions) => {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const path = join(dataDir, 'signing-keys.json')

  const save = (file: KeyFile) => {
    writeFileSync(`${path}.new`, JSON.stringify(file), { mode: 0o600 })
    renameSync(`${path}.new`, path)
    return file
  }

  const load = async (): Promise<KeyFile> => {
    try {
      return JSON.parse(readFileSync(path, 'utf8')) as KeyFile
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      return save({ current: await createKey(), retired: [] })
    }
  }

  let file = await load()
  let key = await importJWK(file.current.jwk, 'EdDSA')

  const alive = () => file.retired.filter(({ at }) => now() - at < retention * 1000)

  return {
    /** The event's `data` as it goes on the wire. */
    async sign({ user, id, type, data }: EventToSign): Promise<string> {
      const claims = { aud: audience, sub: user, jti: id, typ: type, iat: Math.floor(now() / 1000), data }
      return new CompactSign(new TextEncoder().encode(JSON.stringify(claims)))
        .setProtectedHeader({ alg: 'EdDSA', kid: file.current.kid, typ: 'tabstream-event+jwt' })
        .sign(key)
    },

    /** What clients verify with: the key of the moment first, then those that stored events were signed by. */
    jwks: (): { keys: JWK[] } => ({ keys: [publicOf(file.current.jwk), ...alive().map(({ jwk }) => jwk)] }),

    /** A new key signs from now on; the private half of the old one is forgotten. */
    async rotate(): Promise<{ kid: string }> {
      const retired = [{ jwk: publicOf(file.current.jwk), at: now() }, ...alive()]
      file = save({ current: await createKey(), retired })
      key = await importJWK(file.current.jwk, 'EdDSA')
      return { kid: file.current.kid }
    },
  }
}

export type EventSigning = Awaited<ReturnType<typeof openEventSigning>>

/** What was signed. Verifies nothing: for the server's own store only. */
export const unwrap = (jws: string): string => {
  const { data } = JSON.parse(Buffer.from(jws.split('.')[1]!, 'base64url').toString()) as { data: unknown }
  return JSON.stringify(data)
}
