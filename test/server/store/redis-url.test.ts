import { expect, test } from 'vitest'
import { parseRedisUrl } from '../../../demo/server/store/redis-url.ts'

test('N17 one address is a server, several are a cluster, and Sentinels are said aloud', () => {
  expect(parseRedisUrl('redis://h:1')).toEqual({ is: 'server', url: 'redis://h:1' })
  expect(parseRedisUrl('redis+cluster://h:1')).toEqual({ is: 'cluster', urls: ['redis://h:1'] })
  const urls = ['rediss://u:p%40@a:1', 'rediss://u:p%40@b:2', 'rediss://v:q@c']
  expect(parseRedisUrl('rediss://u:p%40@a:1, b:2,rediss://v:q@c')).toEqual({ is: 'cluster', urls })
  expect(parseRedisUrl('rediss+sentinel://u:p%40@a:1,b/main%20one')).toEqual({
    is: 'sentinel',
    name: 'main one',
    sentinels: [
      { host: 'a', port: 1 },
      { host: 'b', port: 26_379 },
    ],
    login: { username: 'u', password: 'p@', tls: true },
  })
})

test.each([
  '',
  'localhost',
  'http://a',
  'redis://a,http://b',
  'redis+sentinel://user:secret@a:1',
  'redis://a,b c',
])('N17 %j is refused with what can stand there, and without a password', (text) => {
  expect(() => parseRedisUrl(text)).toThrow(/^REDIS_URL is redis:\/\/host:port.*Redis Cluster.*sentinel/)
  expect(() => parseRedisUrl(text)).not.toThrow('secret')
})
