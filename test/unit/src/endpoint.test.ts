import { describe, expect, it } from 'vitest'
import { resolveEndpoint } from '../../../src/endpoint.ts'

const BASE = 'https://app.test/pages/one?x=1#here'
const JWT = 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.c2lnbmF0dXJl'
const resolve = (url: string | URL, base = BASE) => resolveEndpoint(url, base, 'the URL')
const messageOf = (url: string): string => {
  try {
    resolve(url)
    return 'accepted'
  } catch (error) {
    expect(error).toBeInstanceOf(TypeError)
    return (error as Error).message
  }
}

describe('an endpoint', () => {
  it.each([
    ['/stream', 'https://app.test/stream'],
    ['stream', 'https://app.test/pages/stream'],
    ['//other.test/stream', 'https://other.test/stream'],
    ['https://other.test/stream?topic=a', 'https://other.test/stream?topic=a'],
    ['/stream#part', 'https://app.test/stream'],
  ])('%s is %s', (url, resolved) => {
    expect(resolve(url)).toBe(resolved)
    expect(resolve(new URL(url, BASE))).toBe(resolved)
  })

  it.each(['https://', 'http://:80', 'https://a b/'])('%j is no URL', (url) => {
    expect(messageOf(url)).toBe('tabstream: the URL is not a URL.')
  })
})

describe('A6 plain http only to loopback', () => {
  it.each([
    'http://localhost/stream',
    'http://localhost:3000/stream',
    'http://app.localhost:3000/stream',
    'http://127.0.0.1:8080/stream',
    'http://127.1/stream',
    'http://127.200.3.4/stream',
    'http://[::1]:3000/stream',
  ])('%s is accepted', (url) => {
    expect(messageOf(url)).toBe('accepted')
  })

  it.each([
    'http://app.test/stream',
    'http://localhost.evil.test/stream',
    'http://evil-localhost/stream',
    'http://127.0.0.1.evil.test/stream',
    'http://128.0.0.1/stream',
    'http://192.168.1.5/stream',
    'http://[::2]/stream',
    'http://0.0.0.0/stream',
    'ws://localhost/stream',
    'ftp://localhost/stream',
    'data:text/event-stream,data:x',
    'javascript:alert(1)',
  ])('%s is refused', (url) => {
    expect(messageOf(url)).toMatch(/must be https:/)
  })
})

describe('A1 a URL that carries a credential is refused', () => {
  it.each([
    'token',
    'Token',
    'access_token',
    'accessToken',
    'access-token',
    'id_token',
    'auth_token',
    'refresh_token',
    'sse_token',
    'jwt',
    'bearer',
    'auth',
    'authorization',
    'Authorization',
    'api_key',
    'apiKey',
    'apikey',
    'api-key',
    'secret',
    'password',
    'session_token',
    'stream_token',
    'user-token',
    'X-Auth-Token',
    'client_secret',
    'private_key',
    'x-api-key',
    'jwt_token',
    'auth[token]',
    'user.password',
    'session_id',
    'JSESSIONID',
    'jwe',
    'credentials',
    'secret_key',
  ])('as ?%s=, whose value is never quoted', (name) => {
    const message = messageOf(`/stream?topic=a&${name}=very-secret`)
    expect(message).toContain(`"${name}"`)
    expect(message).toContain('getAccessToken')
    expect(message).not.toContain('very-secret')
  })

  it.each([
    ['as a JWT, whatever it is called', `/stream?t=${JWT}`],
    ['as an unsigned JWT', '/stream?t=eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.'],
    ['as a JWE', `/stream?t=eyJhbGciOiJkaXIifQ..c2lnbmF0dXJl.very-secret.tag`],
    ['as a bare query name', `/stream?${JWT}`],
    ['as a bare query name that is a JWE', '/stream?eyJhbGciOiJkaXIifQ..c2lnbmF0dXJl.very-secret.tag'],
    ['as a segment of the path', `/stream/${JWT}/events`],
    ['as a segment of the path with escaped dots', `/stream/${JWT.replaceAll('.', '%2E')}`],
    ['as a Bearer value', '/stream?h=Bearer%20very-secret'],
    ['as a Bearer value, with a plus', '/stream?h=bearer+very-secret'],
    ['within a value', `/stream?filter=user:${JWT}`],
    ['as a password', 'https://ann:very-secret@app.test/stream'],
    ['as a user name', 'https://very-secret@app.test/stream'],
  ])('%s', (_, url) => {
    const message = messageOf(url)
    expect(message).toContain('getAccessToken')
    expect(message).not.toMatch(/very-secret|eyJ|c2lnbmF0dXJl/)
  })

  it.each([
    'topic',
    'tokens',
    'author',
    'authors',
    'passwordless',
    'secretary',
    'jwts',
    'key',
    'session',
    'page_token',
    'nextToken',
    'keyboard',
    'monkey',
    'q',
  ])('?%s= is not taken for one', (name) => {
    expect(messageOf(`/stream?${name}=some.plain.value`)).toBe('accepted')
  })

  it('a fragment is dropped, and so never leaves the page', () => {
    expect(resolve('/stream#access_token=very-secret')).toBe('https://app.test/stream')
  })
})
