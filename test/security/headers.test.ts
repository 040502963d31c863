import { expect, test } from 'vitest'
import { start } from '../server/start.ts'

const policyOf = async (options: Parameters<typeof start>[0] = {}) => {
  const { headers } = await fetch(`${(await start(options)).url}/`)
  const policy = headers.get('content-security-policy')!
  return {
    headers,
    directives: Object.fromEntries(
      policy.split(';').map((directive) => {
        const [name, ...values] = directive.trim().split(' ')
        return [name!, values.join(' ')]
      }),
    ),
  }
}

test('the page’s policy: nothing inline, nothing from elsewhere, workers from here', async () => {
  const { directives, headers } = await policyOf()
  expect(directives).toEqual({
    'default-src': "'none'",
    'script-src': "'self'",
    'worker-src': "'self'",
    'connect-src': "'self'",
    'style-src': "'self'",
    'img-src': "'self' data:",
    'frame-src': "'self'",
    'form-action': "'self'",
    'base-uri': "'none'",
    'frame-ancestors': "'self'",
  })
  expect(headers.get('x-content-type-options')).toBe('nosniff')
  expect(headers.get('referrer-policy')).toBe('no-referrer')
  expect(headers.get('strict-transport-security')).toBeNull()
})

test('with Trusted Types only the named policies make the address of a script or worker', async () => {
  const { directives } = await policyOf({ trustedTypes: ['tabstream-demo'] })
  expect(directives).toMatchObject({
    'require-trusted-types-for': "'script'",
    'trusted-types': 'tabstream-demo',
  })
})
