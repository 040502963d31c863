import type { Platform } from '../base/platform.ts'

/** An event that has to be signed, as it came over the wire. */
export interface SignedEvent {
  /** The id that the event carries itself; `''`: it has none, so that no signature can bind its id. */
  id: string
  type: string
  data: string
  /** `null`: none. */
  topic: string | null
}

export type Checked =
  /** What was signed, as JSON. */
  | { ok: true; data: string }
  /** `unavailable`: the keys can't be fetched, so that nobody can judge the event yet. It must not be given up. */
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

/** `createVerifier` of `tabstream/verify`. It is handed to `serve()`, so that only applications that verify load it. */
export type CreateVerifier = (options: VerifierOptions) => Verifier
