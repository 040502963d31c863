import { CompactSign, exportJWK, generateKeyPair, type JWK } from 'jose'
import type { Verify } from '../../../src/shared/hub-options.ts'

export const KEYS = 'https://app.test/keys'
export const VERIFY: Verify = { jwks: KEYS, audience: 'the-app', types: ['alarm'] }

export type Header = Record<string, unknown>

/** A key pair, and its public half as a key set has it. */
export const createSigner = async (kid: string, alg: 'EdDSA' | 'ES256' | 'ES384' = 'EdDSA') => {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
  const jwk: JWK = { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' }
  return {
    jwk,
    /** A JWS as the server makes it; `header` and `claims` are what an adversary changes (`undefined`: leaves out). */
    sign(claims: Record<string, unknown>, header: Header = {}): Promise<string> {
      const payload = new TextEncoder().encode(JSON.stringify(claims))
      const whole = { alg, kid, typ: 'tabstream-event+jwt', ...header }
      const crit = Object.fromEntries(
        ((whole as Header).crit as string[] | undefined)?.map((n) => [n, true]) ?? [],
      )
      return new CompactSign(payload).setProtectedHeader(whole).sign(privateKey, { crit })
    },
  }
}

export type Signer = Awaited<ReturnType<typeof createSigner>>

/** What the server signs of an event of the type `alarm`. */
export const claimsOf = (id: string, now: number, over: Record<string, unknown> = {}) => ({
  aud: 'the-app',
  sub: 'ann',
  jti: id,
  typ: 'alarm',
  iat: Math.floor(now / 1_000),
  data: { of: id },
  ...over,
})
