import type { Platform } from '../base/platform.ts'
import type { Granted } from './credential.ts'

/** ms. If the server's clock differs from what was assumed by more than this, the proof is made again. */
const CLOCK_OFF = 30_000

export interface ProverOptions {
  platform: Pick<Platform, 'now' | 'uuid'>
  /** Called once, for the first proof. */
  openKey(): Promise<CryptoKeyPair>
}

export type Method = 'GET' | 'POST' | 'PUT'

/** Proves that requests come from the holder of a key (DPoP, RFC 9449): a stolen token alone is worth nothing. */
export interface Prover {
  /**
   * The header of one request.
   *
   * @param token that the request carries: its hash binds the proof to it (`ath`); `null`: no script sees the token
   */
  prove(method: Method, url: string, token: string | null): Promise<{ dpop: string }>
  /**
   * The server has refused a request.
   *
   * @returns whether its answer says how to make a better proof: it has a new nonce (RFC 9449, 8), or another time
   */
  learn(url: string, headers: Headers): boolean
}

/** Adds a proof to the credential for one request. A proof is good for one request. */
export const withProof = async (
  granted: Granted,
  prover: Prover,
  method: Method,
  url: string,
): Promise<Granted> => {
  const token = granted.headers.authorization?.split(' ')[1] ?? null
  const header = await prover.prove(method, url, token)
  return { ...granted, headers: { ...granted.headers, ...header } }
}

const base64url = (bytes: Uint8Array): string =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
const encode = (text: string) => new TextEncoder().encode(text)
const part = (value: object): string => base64url(encode(JSON.stringify(value)))
const sha256 = async (text: string): Promise<string> =>
  base64url(new Uint8Array(await crypto.subtle.digest('SHA-256', encode(text))))

export const createProver = ({ platform, openKey }: ProverOptions): Prover => {
  let key: Promise<CryptoKeyPair> | null = null
  /** The newest nonce of each origin: token endpoint and stream may be two servers. */
  const nonces = new Map<string, string>()
  /** ms by which the servers' clock is ahead of this device's, which may be hours off. */
  let ahead = 0

  return {
    async prove(method, url, token) {
      key ??= openKey()
      const { privateKey, publicKey } = await key
      const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', publicKey)
      const { origin, pathname } = new URL(url)
      const nonce = nonces.get(origin)
      const claims = {
        jti: platform.uuid(),
        htm: method,
        // `htu` has neither query nor fragment (RFC 9449, 4.2).
        htu: origin + pathname,
        iat: Math.floor((platform.now() + ahead) / 1_000),
        ...(token === null ? {} : { ath: await sha256(token) }),
        ...(nonce === undefined ? {} : { nonce }),
      }
      const text = `${part({ typ: 'dpop+jwt', alg: 'ES256', jwk: { kty, crv, x, y } })}.${part(claims)}`
      const signature = await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, privateKey, encode(text))
      return { dpop: `${text}.${base64url(new Uint8Array(signature))}` }
    },
    learn(url, headers) {
      const { origin } = new URL(url)
      const nonce = headers.get('dpop-nonce')
      const isNew = nonce !== null && nonce !== nonces.get(origin)
      if (nonce !== null) nonces.set(origin, nonce)
      const told = Date.parse(headers.get('date') ?? '') - platform.now()
      const isOff = Math.abs(told - ahead) > CLOCK_OFF
      if (isOff) ahead = told
      return isNew || isOff
    },
  }
}
