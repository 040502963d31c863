/** Where the keys that sign events are kept, as one text. signing-key-file.ts is one machine's, redis-signing-keys.ts many nodes'. */
export interface SigningKeyStorage {
  /** Undefined: no key was made yet. */
  read(): Promise<string | undefined>
  /** Only if what is there is still `former`: two nodes that rotate at once must not lose each other's key. */
  replace(former: string | undefined, text: string): Promise<boolean>
}
