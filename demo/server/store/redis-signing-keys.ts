import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import type { RedisConnection } from './redis-connection.ts'
import type { SigningKeyStorage } from './signing-key-storage.ts'

/** ARGV: what must be there ('' for nothing), what to put there. */
const replaceScript = `
local there = redis.call('GET', KEYS[1]) or ''
if there ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
return 1
`

const additional = Buffer.from('tabstream signing keys')

/**
 * Keys that nodes share, encrypted under the secret that they share: whoever reads Redis, or a backup of it, can sign
 * nothing. AES-256-GCM with a random nonce, under a key derived by HKDF (RFC 5869).
 */
export const redisKeys = (redis: RedisConnection, secrets: readonly Uint8Array[]): SigningKeyStorage => {
  const name = redis.name('signing-keys')
  const replace = redis.script(replaceScript)
  const keys = secrets.map((secret) =>
    Buffer.from(hkdfSync('sha256', secret, '', 'signing keys in redis', 32)),
  )
  /** What was read last, sealed, by what it says: a sealed text can't be made twice. */
  let seen: { text: string; sealed: string } | undefined

  const seal = (text: string): string => {
    const nonce = randomBytes(12)
    const cipher = createCipheriv('aes-256-gcm', keys[0]!, nonce).setAAD(additional)
    const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
    return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64')
  }

  const unsealWith = (key: Buffer, sealed: string): string | undefined => {
    const bytes = Buffer.from(sealed, 'base64')
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12)).setAAD(additional)
    decipher.setAuthTag(bytes.subarray(12, 28))
    try {
      return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString('utf8')
    } catch {
      return
    }
  }

  /** Sealed anew where it was by a former secret: once every node has the new one, the former can go. */
  const unseal = async (sealed: string): Promise<{ text: string; sealed: string }> => {
    for (const [index, key] of keys.entries()) {
      const text = unsealWith(key, sealed)
      if (text === undefined) continue
      const anew = index === 0 ? sealed : seal(text)
      if (index > 0 && (await replace([name], [sealed, anew])) !== 1) return { text, sealed }
      return { text, sealed: anew }
    }
    throw new Error('The signing keys in Redis were sealed with another TOKEN_SECRET')
  }

  return {
    async read() {
      const sealed = await redis.attempt(redis.commands.get(name))
      if (sealed === null) return
      seen = await unseal(sealed)
      return seen.text
    },
    async replace(former, text) {
      if (former !== undefined && seen?.text !== former) return false
      return (await replace([name], [former === undefined ? '' : seen!.sealed, seal(text)])) === 1
    },
  }
}
