import { X509Certificate } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { generate } from 'selfsigned'

const days = 30

const load = (path: string) => {
  try {
    const pem = readFileSync(path, 'utf8')
    // A day left at least: it shall not expire under a server that runs.
    if (new Date(new X509Certificate(pem).validTo).getTime() > Date.now() + 86_400_000) return pem
  } catch {
    // None yet, or none that can be read: the next one takes its place.
  }
  return
}

/**
 * A self-signed certificate for the loopback interface, for development, made where there is none and kept, so that a
 * browser that was told to trust it goes on doing so. In production the proxy has a real one.
 */
export const devCertificate = async (dataDir: string): Promise<{ key: string; cert: string }> => {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const path = join(dataDir, 'dev-certificate.pem')
  // Key and certificate in one file: two nodes that start at once can't mix theirs.
  const known = load(path)
  if (known !== undefined) return { key: known, cert: known }
  const made = await generate([{ name: 'commonName', value: 'localhost' }], {
    notAfterDate: new Date(Date.now() + days * 86_400_000),
    algorithm: 'sha256',
    keyType: 'ec',
    extensions: [
      { name: 'basicConstraints', cA: false },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 7, ip: '127.0.0.1' },
          { type: 7, ip: '::1' },
        ],
      },
    ],
  })
  const pem = `${made.cert}\n${made.private}`
  writeFileSync(path, pem, { mode: 0o600 })
  return { key: pem, cert: pem }
}
