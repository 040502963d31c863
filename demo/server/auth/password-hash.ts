import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto'

/** OWASP's Password Storage Cheat Sheet, scrypt: 32 MiB and about a tenth of a second. */
const cost = { N: 2 ** 15, r: 8, p: 3 }
const keyLength = 32

const derive = (password: string, salt: Buffer, { N, r, p }: typeof cost): Promise<Buffer> => {
  const options: ScryptOptions = { N, r, p, maxmem: 256 * N * r }
  return new Promise((done, failed) =>
    scrypt(password.normalize('NFKC'), salt, keyLength, options, (error, key) =>
      error ? failed(error) : done(key),
    ),
  )
}

/** `scrypt$N$r$p$salt$key`, salt and key in base64url: a hash says how it was made, so that the cost can change. */
export const hashPassword = async (password: string): Promise<string> => {
  const salt = randomBytes(16)
  const key = await derive(password, salt, cost)
  return ['scrypt', cost.N, cost.r, cost.p, salt.toString('base64url'), key.toString('base64url')].join('$')
}

export const isPasswordOf = async (hash: string, password: string): Promise<boolean> => {
  const [kind, N, r, p, salt, key] = hash.split('$')
  if (kind !== 'scrypt' || key === undefined) throw new Error('That is no hash of this server')
  const expected = Buffer.from(key, 'base64url')
  const costs = { N: Number(N), r: Number(r), p: Number(p) }
  return timingSafeEqual(await derive(password, Buffer.from(salt!, 'base64url'), costs), expected)
}
