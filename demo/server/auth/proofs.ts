import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto'
import type { Revocations } from '../store/revocations.ts'

/** What a proof has to say of the request that it comes with (RFC 9449, 4.3). */
export interface ProvenRequest {
  method: string
  /** As the client knows it, without query and fragment. */
  url: string
  /** The token that goes along. */
  token: string
  /** Whether the proof has to name the token by its hash. A script that sends a cookie cannot know its token. */
  hash: 'required' | 'optional'
}

export interface Proof {
  state: 'valid'
  /** The key's thumbprint (RFC 7638), which a token is bound to by `cnf.jkt`. */
  key: string
  /** Told apart from the other proofs of the same key. */
  jti: string
}

/** `reason`: one sentence for a developer. */
export type ProofVerdict = Proof | { state: 'invalid'; reason: string }

/** Judges proofs of possession (DPoP, RFC 9449). Knows nothing of answers. */
export interface Proofs {
  /** @param header the value of `DPoP`: Node joins several of them by commas, which no proof has */
  verify(header: unknown, request: ProvenRequest): ProofVerdict
  /** A proof is good once, on all nodes. Call this last: it writes, and only a key's owner may make the server write. */
  spend(proof: Proof): Promise<ProofVerdict>
}

export interface ProofsOptions {
  revocations: Pick<Revocations, 'isFirstUse'>
  now: () => number
}

/**
 * Milliseconds by which `iat` may differ from this server's clock. The library corrects a device's clock by the server's
 * `Date` from 30 s on, so a smaller window would refuse devices for good.
 */
const clockWindow = 60_000
const longestJti = 256

const invalid = (reason: string): ProofVerdict => ({ state: 'invalid', reason })
const sha256 = (text: string): string => createHash('sha256').update(text).digest('base64url')

const readPart = (part: string): Record<string, unknown> | undefined => {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString())
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

/** A proof that carries its private key has given it away (RFC 9449, 4.3, check 7). */
const readKey = (jwk: unknown): { key: KeyObject; thumbprint: string } | undefined => {
  const { kty, crv, x, y, d } = Object(jwk) as Record<string, unknown>
  if (kty !== 'EC' || crv !== 'P-256' || d !== undefined) return undefined
  if (typeof x !== 'string' || typeof y !== 'string') return undefined
  try {
    const key = createPublicKey({ key: { kty, crv, x, y }, format: 'jwk' })
    // RFC 7638, 3.2: these members, in this order, without white space.
    return { key, thumbprint: sha256(JSON.stringify({ crv, kty, x, y })) }
  } catch {
    // A point that is not on the curve.
    return undefined
  }
}

const isSameUrl = (claim: unknown, url: string): boolean => {
  if (typeof claim !== 'string' || !URL.canParse(claim)) return false
  const { origin, pathname } = new URL(claim)
  return origin + pathname === url
}

export const createProofs = ({ revocations, now }: ProofsOptions): Proofs => ({
  verify(header, request) {
    const parts = typeof header === 'string' ? /^([\w-]+)\.([\w-]+)\.([\w-]+)$/.exec(header) : null
    if (!parts) return invalid('Send one DPoP header, a compact JWS.')
    const [, head = '', payload = '', signature = ''] = parts
    const { typ, alg, jwk, crit } = readPart(head) ?? {}
    if (typ !== 'dpop+jwt' || alg !== 'ES256' || crit !== undefined)
      return invalid('The header of a proof has typ "dpop+jwt", alg "ES256", and no crit.')
    const signer = readKey(jwk)
    if (!signer)
      return invalid('The header of a proof has a public P-256 key as jwk, and no private part of it.')
    const signed = Buffer.from(`${head}.${payload}`)
    const isSigned = verify(
      'sha256',
      signed,
      { key: signer.key, dsaEncoding: 'ieee-p1363' },
      Buffer.from(signature, 'base64url'),
    )
    const claims = isSigned ? readPart(payload) : undefined
    if (!claims) return invalid('The proof is not signed by the key that it names.')

    const { htm, htu, iat, jti, ath } = claims
    if (htm !== request.method) return invalid(`The proof is not for ${request.method}: see htm.`)
    if (!isSameUrl(htu, request.url)) return invalid(`The proof is not for ${request.url}: see htu.`)
    if (typeof iat !== 'number' || !(Math.abs(iat * 1_000 - now()) <= clockWindow))
      return invalid('The proof was not made now: compare iat with the Date of this answer.')
    if (typeof jti !== 'string' || jti === '' || jti.length > longestJti)
      return invalid(`The proof has no jti of 1 to ${longestJti} characters.`)
    const mayLackHash = request.hash === 'optional' && ath === undefined
    if (!mayLackHash && ath !== sha256(request.token))
      return invalid('The proof is not for the token that came along: see ath.')
    return { state: 'valid', key: signer.thumbprint, jti }
  },

  async spend(proof) {
    const id = `proof:${sha256(JSON.stringify([proof.key, proof.jti]))}`
    // An `iat` may lie a window ahead, and the proof would be taken for a window after that.
    const isFirst = await revocations.isFirstUse(id, 2 * clockWindow)
    return isFirst ? proof : invalid('The proof was used before. Make one for each request.')
  },
})
