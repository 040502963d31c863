import type { Platform } from '../base/platform.ts'

/** An event whose type is to be signed, as it came over the wire. */
export interface SignedEvent {
  /** The id that it carries itself; `''`: none, so that nothing binds it. */
  id: string
  type: string
  data: string
}

export type Checked =
  /** What was signed, as JSON. */
  | { ok: true; data: string }
  /** `unavailable`: nobody can say yet, since the keys cannot be had; the event is not to be given up. */
  | { ok: false; unavailable: boolean; reason: string }

/** Checks one event (A5). Never rejects. */
export type Verifier = (event: SignedEvent) => Promise<Checked>

export interface VerifierOptions {
  platform: Pick<Platform, 'now' | 'after' | 'fetch'>
  /** URL of the JSON Web Key Set. */
  jwks: string
  audience: string
  user: string | null
}

/** `createVerifier` of `tabstream/verify`: handed to `serve()`, so that only who verifies loads it. */
export type CreateVerifier = (options: VerifierOptions) => Verifier
